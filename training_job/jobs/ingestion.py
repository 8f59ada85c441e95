"""What an ingestion stands on in a deployment."""

from functools import lru_cache

from training_job.ingest.ports import IngestPorts
from training_job.ingest.wiring import ingest_ports
from training_job.jobs.settings import Settings
from triagelens.adapters.dynamodb.casework import DynamoCasework
from triagelens.adapters.dynamodb.datasets import DynamoDatasets
from triagelens.adapters.dynamodb.panels import DynamoPanels
from triagelens.services.labelled_images import LabelledCaseImages
from triagelens.services.training_jobs import TrainingJobs


class IngestSettings(Settings):
    """An ingestion also reads which label readers gave to which image."""

    casework_table: str


@lru_cache
def ingest_settings() -> IngestSettings:
    return IngestSettings.from_environment()


def ports_of_ingestion(jobs: TrainingJobs) -> IngestPorts:
    conf = ingest_settings()
    labelled = LabelledCaseImages(
        DynamoPanels(conf.casework_table, conf.aws_region),
        DynamoCasework(conf.casework_table, conf.aws_region),
    )
    return ingest_ports(jobs, DynamoDatasets(conf.registry_table, conf.aws_region), labelled)
