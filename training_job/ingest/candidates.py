"""From what came in, and from the platform's own images, to candidates for a snapshot."""

import hashlib
from collections.abc import Callable

from training_job.arrangement import Problem, arrange, nothing_found
from training_job.ingest.intake import Intake
from training_job.ingest.making import Candidate
from training_job.jobs.ports import Bucket
from triagelens.domain.errors import NotFoundError
from triagelens.imaging.fingerprint import fingerprint
from triagelens.services.snapshot_ports import LabelledImage


def arranged(
    intake: Intake, key_of: Callable[[str], str], group_column: str | None, where: str
) -> tuple[list[Candidate], list[Problem]]:
    """Give what came in its labels.

    Args:
        key_of: a working image's key, by its sha256.
        where: what was looked into, in words.

    Raises:
        DatasetError: `metadata.csv` cannot be read, or no image has a label.
    """
    unusable = {problem.file for problem in intake.problems}
    arrangement = arrange(intake.images, intake.tables, group_column, unusable)
    problems = [*intake.problems, *arrangement.problems]
    if not arrangement.entries:
        raise nothing_found(arrangement, intake.files, where, intake.problems)
    candidates: list[Candidate] = []
    for entry in arrangement.entries:
        taken = intake.images[f"{arrangement.root}{entry.file}"]
        candidates.append(
            Candidate(
                file=taken.file,
                image_id=entry.image_id,
                bucket="learning",
                key=key_of(taken.sha256),
                object_version=None,
                sha256=taken.sha256,
                fingerprint=taken.fingerprint,
                label=entry.label,
                patient=entry.patient,
                lesion=entry.lesion,
            )
        )
    return candidates, problems


def look_at_platform_image(image: LabelledImage, images: Bucket) -> Candidate | Problem:
    """One of the platform's own working images, or why it cannot be used."""
    try:
        data = images.read(image.key, image.object_version)
    except NotFoundError:
        return Problem(image.image_id, "its working image is gone", "gone")
    return Candidate(
        file=image.image_id,
        image_id=image.image_id,
        bucket="images",
        key=image.key,
        object_version=image.object_version,
        sha256=hashlib.sha256(data).hexdigest(),
        fingerprint=fingerprint(data),
        label=image.label,
        patient=image.patient_id,
    )
