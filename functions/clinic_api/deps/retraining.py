"""Training on what was labelled: what that stands on."""

from typing import Annotated

from fastapi import Depends

from clinic_api.deps.cases import PanelRecordsPort
from clinic_api.deps.datasets import DatasetsCase
from clinic_api.deps.training import JobRequestsCase
from triagelens.services.retraining import Retraining


def retraining(panels: PanelRecordsPort, datasets: DatasetsCase, jobs: JobRequestsCase) -> Retraining:
    return Retraining(panels, datasets, jobs)


RetrainingCase = Annotated[Retraining, Depends(retraining)]
