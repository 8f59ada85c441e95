"""A training's container that has got as far as epoch 15 of 30: `python -m ...half_a_training JOB_ID`."""

import os
import sys
from datetime import UTC, datetime

from triagelens.adapters.dynamodb.training_jobs import DynamoTrainingJobs
from triagelens.domain.training_jobs import Report, Runner
from triagelens.services.training_jobs import TrainingJobs


def main(job_id: str) -> None:
    records = DynamoTrainingJobs(os.environ["REGISTRY_TABLE"], os.environ["AWS_REGION"])
    jobs = TrainingJobs(records, lambda: datetime.now(UTC))
    claimed = jobs.claim(job_id, Runner(runner_id=f"half-{job_id}", start=1))
    jobs.report(job_id, claimed.attempt, Report(progress=0.5, message="Epoch 15/30"))


if __name__ == "__main__":
    main(sys.argv[1])
