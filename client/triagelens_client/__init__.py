"""Client of the Triagelens API: `Triagelens` for programs, the command `triagelens` for people."""

from triagelens_client.audit_models import AuditDay, AuditEntry
from triagelens_client.case_models import Case, CaseLabel, Comment
from triagelens_client.client import Triagelens
from triagelens_client.dataset_models import Dataset
from triagelens_client.errors import (
    ApiError,
    ConflictError,
    ConnectionFailedError,
    DeadlinePassedError,
    ForbiddenError,
    InvalidRequestError,
    NobodyError,
    NoFileError,
    NotFoundError,
    NotSignedInError,
    OutdatedError,
    ServerError,
    TooManyRequestsError,
    TriagelensClientError,
    UnauthenticatedError,
    UnexpectedAnswerError,
    UnreadableFileError,
    UploadRefusedError,
)
from triagelens_client.export_models import Export
from triagelens_client.model_cards import ModelCard, ModelReplay
from triagelens_client.models import Explanation, Image, Prediction, Quality
from triagelens_client.patient_models import Erasure, Patient
from triagelens_client.registry_models import Model, ModelImport
from triagelens_client.report_models import Report
from triagelens_client.retry import Retry
from triagelens_client.tokens import TokenProvider, Tokens
from triagelens_client.training_models import TrainingJob

__all__ = [
    "ApiError",
    "AuditDay",
    "AuditEntry",
    "Case",
    "CaseLabel",
    "Comment",
    "ConflictError",
    "ConnectionFailedError",
    "Dataset",
    "DeadlinePassedError",
    "Erasure",
    "Explanation",
    "Export",
    "ForbiddenError",
    "Image",
    "InvalidRequestError",
    "Model",
    "ModelCard",
    "ModelImport",
    "ModelReplay",
    "NoFileError",
    "NobodyError",
    "NotFoundError",
    "NotSignedInError",
    "OutdatedError",
    "Patient",
    "Prediction",
    "Quality",
    "Report",
    "Retry",
    "ServerError",
    "TokenProvider",
    "Tokens",
    "TooManyRequestsError",
    "TrainingJob",
    "Triagelens",
    "TriagelensClientError",
    "UnauthenticatedError",
    "UnexpectedAnswerError",
    "UnreadableFileError",
    "UploadRefusedError",
]
