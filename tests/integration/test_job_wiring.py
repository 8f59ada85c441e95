"""What `python -m training_job run` stands on, with AWS in process."""

from collections.abc import Iterator

import pytest

from tests.cloud import Cloud
from tests.fake_training_jobs import new_job
from training_job.jobs.entry import NOT_THERE, run
from training_job.jobs.ingestion import ingest_settings
from training_job.jobs.run import FAILED
from training_job.jobs.settings import runner_settings, settings
from training_job.jobs.wiring import runner, training_jobs, training_ports
from triagelens.domain.ids import new_id
from triagelens.domain.training_jobs import JobKind, JobStatus


@pytest.fixture
def container(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A cloud that a container is told about."""
    for name in ("REGISTRY_TABLE", "CASEWORK_TABLE", "IMAGES_BUCKET", "MODELS_BUCKET"):
        monkeypatch.setenv(name, cloud.environment[name])
    monkeypatch.setenv("LEARNING_BUCKET", "models")
    caches = (settings, runner_settings, ingest_settings)
    for cache in caches:
        cache.cache_clear()
    yield cloud
    for cache in caches:
        cache.cache_clear()


def test_a_job_that_is_not_there_ends_the_process_badly(
    container: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(new_id()) == NOT_THERE
    assert "There is no such training job." in capsys.readouterr().err


def test_batch_says_which_run_this_is(container: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    assert runner() != runner(), "without Batch each run is one of a kind"
    monkeypatch.setenv("AWS_BATCH_JOB_ID", "batch-job")
    monkeypatch.setenv("AWS_BATCH_JOB_ATTEMPT", "2")
    runner_settings.cache_clear()
    assert (runner().runner_id, runner().start) == ("batch-job", 2)


def test_the_ports_reach_the_record_and_the_buckets(container: Cloud) -> None:
    jobs = training_jobs()
    ports = training_ports(jobs)
    job = jobs.records.add_job(new_job(), None)
    claimed = jobs.claim(job.job_id, runner())
    assert (claimed.status, claimed.attempt) == (JobStatus.RUNNING, 1)
    for bucket in (ports.learning, ports.images, ports.models):
        bucket.write("jobs/a", b"content")
        assert bucket.read("jobs/a") == b"content"
    assert ports.registry.production("skin") is None


def test_an_ingestion_is_done_by_the_same_command(container: Cloud) -> None:
    """Of a dataset that is not there: it gets as far as asking for it."""
    jobs = training_jobs()
    job = jobs.records.add_job(new_job(kind=JobKind.INGEST, dataset_id=new_id()), None)
    assert run(job.job_id) == FAILED
    failure = jobs.get(job.job_id).failure
    assert failure is not None
    assert failure.code == "not_found"
