"""Scans in the words of the brain tumour system: a tumour, or none."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import Depends, Response, UploadFile, status
from pydantic import BaseModel, BeforeValidator, Field

from clinic_api.correlation import correlation_id
from clinic_api.deps.access import CurrentPerson
from clinic_api.deps.former_apps import SmallUploadsCase
from clinic_api.deps.former_patients import IllustratingCase, patient_named
from clinic_api.deps.patients import PatientsCase
from clinic_api.deps.ports import WorkingImagesPort
from clinic_api.trail import about
from triagelens.domain.abstention import ModelDecision
from triagelens.domain.errors import NoFindingError, UnreadableImageError
from triagelens.domain.images import ImageRecord, ImageStatus
from triagelens.domain.prediction import Prediction
from triagelens.domain.specialties import specialty
from triagelens.services.images import URL_LIFETIME
from triagelens.services.small_uploads import Photo, Sender, finding_of

SPECIALTY = "brain"
NO_TUMOUR = "no_tumour"
TUMOURS = frozenset(specialty(SPECIALTY).label_names) - {NO_TUMOUR}
LATER_TEXT = "The scan is being analysed. Send the same file again, or look at the patient's scans."


def told(value: Any) -> Any:
    """Forms send an empty text for nothing, and some apps send ids as numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None if value == "" else value


NamedPatient = Annotated[
    str, BeforeValidator(told), Field(min_length=1, max_length=64, description="A patient's id or number")
]
Word = Literal["Tumor", "No Tumor", "Inconclusive"]


def word_for(prediction: Prediction) -> Word:
    """The former word for a finding; a third one where the model says that it does not know."""
    if prediction.decision is ModelDecision.ABSTAIN:
        return "Inconclusive"
    return "Tumor" if prediction.top_label in TUMOURS else "No Tumor"


def tumours(counts: Mapping[str, int]) -> int:
    """How many of the findings, counted by label, are a tumour."""
    return sum(count for label, count in counts.items() if label in TUMOURS)


class Scan(BaseModel):
    """A scan, and what was found.

    Attributes:
        original_path, heatmap_path, overlay_path: presigned, good for five minutes. The pictures of the
            evidence are null where they could not be drawn in time, or not at all.
        confidence: of the model in its first label, 0..1.
        probability: of a tumour of any kind, 0..1.
        demonstration: the model is not for patients.
    """

    scan_id: str
    original_filename: str | None
    original_path: str | None = None
    heatmap_path: str | None = None
    overlay_path: str | None = None
    prediction: Word | None = None
    confidence: float | None = None
    probability: float | None = None
    demonstration: bool | None = None
    status: Literal["completed", "processing"]
    created_at: datetime

    @classmethod
    def of(cls, record: ImageRecord, pictures: dict[str, str]) -> Self:
        shown = {} if record.prediction is None else _told(record.prediction)
        return cls(
            scan_id=record.image_id,
            original_filename=record.upload.original_filename,
            status="processing" if record.prediction is None else "completed",
            created_at=record.created_at,
            **pictures,
            **shown,
        )


class ScanPictures:
    """Puts scans together with their pictures: a dependency, whose time begins with the request.

    Every read of a list takes one call of `explain_image` for each scan in it; that is quick for what was
    drawn before.
    """

    def __init__(self, illustrating: IllustratingCase, working: WorkingImagesPort) -> None:
        self._illustrating = illustrating
        self._working = working

    def scans(self, records: Sequence[ImageRecord]) -> list[Scan]:
        """All of `records`, with as many pictures as there is time for."""
        drawn = self._illustrating.of([record for record in records if record.prediction is not None])
        scans = []
        for record in records:
            keys: dict[str, str] = {}
            if record.working_image is not None:
                keys["original_path"] = record.working_image.key
            if record.image_id in drawn:
                keys["heatmap_path"] = drawn[record.image_id].heatmap_key
                keys["overlay_path"] = drawn[record.image_id].overlay_key
            links = {name: self._working.url(key, URL_LIFETIME) for name, key in keys.items()}
            scans.append(Scan.of(record, links))
        return scans


class ScanList(BaseModel):
    """A page of a patient's scans, newest first; it may hold fewer than was asked for."""

    success: bool = True
    scans: list[Scan]
    cursor: str | None

    @classmethod
    def of(cls, records: Sequence[ImageRecord], pictures: ScanPictures, cursor: str | None) -> Self:
        """Only of the brain, and once there is a finding: the former system knew no other scans."""
        found = [r for r in records if r.specialty == SPECIALTY and r.status is ImageStatus.ANALYZED]
        return cls(scans=pictures.scans(found), cursor=cursor)


class Unfit(BaseModel):
    """A file that came to nothing, and why."""

    scan_id: str
    original_filename: str | None
    error: str
    code: str


class Uploaded(BaseModel):
    """What became of files that were sent together. `scan` is the first of `scans`."""

    success: bool = True
    message: str
    scan: Scan
    scans: list[Scan]
    failed: list[Unfit]


def uploaded(records: Sequence[ImageRecord], pictures: ScanPictures, response: Response) -> Uploaded:
    """The answer to an upload: 202 as long as something is still to come.

    Raises:
        UnreadableImageError, NoFindingError: of the first file, where all came to nothing.
    """
    fit: list[ImageRecord] = []
    unfit: list[tuple[ImageRecord, UnreadableImageError | NoFindingError]] = []
    for record in records:
        try:
            finding_of(record)
            fit.append(record)
        except (UnreadableImageError, NoFindingError) as error:
            unfit.append((record, error))
    if not fit:
        raise unfit[0][1]
    failed = [
        Unfit(
            scan_id=record.image_id,
            original_filename=record.upload.original_filename,
            error=str(error),
            code=error.code.upper(),
        )
        for record, error in unfit
    ]
    scans = pictures.scans(fit)
    waits = any(scan.status == "processing" for scan in scans)
    if waits:
        response.status_code = status.HTTP_202_ACCEPTED
    message = LATER_TEXT if waits else "Scan uploaded and analyzed successfully"
    return Uploaded(message=message, scan=scans[0], scans=scans, failed=failed)


class ScanIntake:
    """Takes files in: a dependency."""

    def __init__(
        self,
        person: CurrentPerson,
        patients: PatientsCase,
        uploads: SmallUploadsCase,
        pictures: Annotated[ScanPictures, Depends()],
        response: Response,
    ) -> None:
        self._person, self._patients, self._uploads = person, patients, uploads
        self._pictures, self._response = pictures, response

    def take(self, patient_id: str, files: Sequence[UploadFile]) -> Uploaded:
        """What was found on each, as far as it is there in time."""
        patient = patient_named(patient_id, self._person, self._patients)
        self._patients.check_photo_of(self._person, patient.patient_id)
        sender = Sender(self._person, SPECIALTY, "braintumor", correlation_id(), patient.patient_id)
        photos = [Photo(data=file.file.read(), filename=file.filename) for file in files]
        records = [one.record for one in self._uploads.analyse(sender, photos)]
        if len(records) == 1:  # several are told by their patient
            about(records[0].image_id)
        return uploaded(records, self._pictures, self._response)


def _told(prediction: Prediction) -> dict[str, object]:
    of_tumours = sum(entry.probability for entry in prediction.probabilities if entry.label in TUMOURS)
    return {
        "prediction": word_for(prediction),
        "confidence": prediction.confidence,
        "probability": min(of_tumours, 1.0),
        "demonstration": prediction.demonstration,
    }
