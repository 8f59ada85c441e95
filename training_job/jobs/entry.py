"""`python -m training_job run JOB_ID`: what AWS Batch and the laptop's worker start."""

import os
import sys

from training_job.jobs.run import DONE, run_job
from training_job.jobs.wiring import runner, training_jobs, training_ports
from triagelens.domain.errors import NotFoundError
from triagelens.domain.training_jobs import JobKind
from triagelens.services.training_jobs import TrainingJobs

NOT_THERE = 2


def run(job_id: str) -> int:
    """Do a job, whatever kind it is; the exit status."""
    jobs = training_jobs()
    try:
        job = jobs.get(job_id)
    except NotFoundError as error:
        print(error, file=sys.stderr)
        return NOT_THERE
    return _ingest(job_id, jobs) if job.kind is JobKind.INGEST else _train(job_id, jobs)


def _ingest(job_id: str, jobs: TrainingJobs) -> int:
    from training_job.ingest.job import ingest_dataset
    from training_job.jobs.ingestion import ports_of_ingestion

    ports = ports_of_ingestion(jobs)
    return run_job(job_id, runner(), jobs, lambda job: ingest_dataset(job, ports))


def _train(job_id: str, jobs: TrainingJobs) -> int:
    import torch  # slow to load, and not needed to ingest

    from training_job.distributed import join
    from training_job.jobs.training import help_out, train_job

    gpus = torch.cuda.device_count()
    if gpus > 1 and "WORLD_SIZE" not in os.environ:
        start_on_each(gpus, job_id)
    world = join()
    if not world.first:
        help_out(world)
        return DONE
    ports = training_ports(jobs)
    return run_job(
        job_id,
        runner(),
        jobs,
        work=lambda job: train_job(job, ports, world),
        if_taken=lambda: world.share(lambda: None),
    )


def start_on_each(gpus: int, job_id: str) -> None:
    """Become torchrun, which starts this command once for each GPU."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={gpus}"]
    os.execv(sys.executable, [sys.executable, *launcher, "-m", "training_job", "run", job_id])  # noqa: S606 - our own command
