"""From the files of a dataset to working images: the same code as an upload's, a few files at a time."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from training_job.arrangement import EXTENSIONS, Problem, is_hidden, is_table
from training_job.ingest.archives import is_archive
from training_job.ingest.members import Member, UnusableMemberError
from triagelens.domain.quality import ImageLimits
from triagelens.imaging.fingerprint import fingerprint
from triagelens.imaging.quality import assess

_MOST_TABLES = 3
_MOST_TABLE_BYTES = 50_000_000


@dataclass(frozen=True)
class Taken:
    """A file that is an image.

    Attributes:
        sha256, fingerprint: of its working image.
    """

    file: str
    sha256: str
    fingerprint: int


@dataclass
class Intake:
    """What has come in; of the images no pixel is kept here.

    Attributes:
        files: paths of all files but hidden ones.
        tables: the content of each `metadata.csv`.
    """

    images: dict[str, Taken] = field(default_factory=dict)
    tables: dict[str, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


Keep = Callable[[str, bytes], None]


def take_in(members: Iterable[Member], keep: Keep, workers: int, after_each: Callable[[int], None]) -> Intake:
    """Read every file once, and keep the working image of each that is an image.

    No more than twice as many files as there are workers are in memory at a time.

    Args:
        keep: stores a working image (its sha256, its bytes); called from several threads.
        after_each: told how many files have been read.

    Raises:
        RefusedArchiveError: what the members come from cannot be gone on with.
    """
    intake = Intake()
    seen: set[str] = set()
    waiting: deque[Future[Taken | Problem | None]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for member in members:
            if is_hidden(member.name) and member.problem is None:
                continue
            data = _content(member, seen, intake)
            if data is not None:
                waiting.append(pool.submit(_look_at, member.name, data, keep))
            del data  # not two of them while the next one is read
            while len(waiting) > 2 * workers:
                _enter(waiting.popleft().result(), intake)
            after_each(len(intake.files))
        while waiting:
            _enter(waiting.popleft().result(), intake)
    return intake


def _content(member: Member, seen: set[str], intake: Intake) -> bytes | None:
    """What is to be looked at as an image."""
    intake.files.append(member.name)
    if member.problem is not None:
        intake.problems.append(Problem(member.name, *member.problem))
        return None
    if member.name in seen:
        intake.problems.append(Problem(member.name, "a file of this path came before", "named_twice"))
        return None
    seen.add(member.name)
    try:
        data = member.read()
    except UnusableMemberError as error:
        intake.problems.append(Problem(member.name, error.reason, error.code))
        return None
    if is_table(member.name):
        _enter_table(member.name, data, intake)
        return None
    return data


def _enter_table(name: str, data: bytes, intake: Intake) -> None:
    if len(intake.tables) >= _MOST_TABLES or len(data) > _MOST_TABLE_BYTES:
        intake.problems.append(Problem(name, "there are too many tables, or it is too large", "table"))
    else:
        intake.tables[name] = data


def _look_at(name: str, data: bytes, keep: Keep) -> Taken | Problem | None:
    """The image that a file is, why it cannot be used, or nothing if it was never meant for one."""
    if is_archive(data[:512]):
        return Problem(name, "it is an archive inside the archive, which is not opened", "nested_archive")
    checked = assess(data, focus_threshold=0.0, limits=ImageLimits(), keep_blurred=True)
    if checked.working_image is None:
        reasons = checked.report.reasons
        if reasons[0].code == "not_an_image" and PurePosixPath(name).suffix.lower() not in EXTENSIONS:
            return None
        return Problem(name, " ".join(reason.message for reason in reasons), reasons[0].code)
    sha256 = hashlib.sha256(checked.working_image).hexdigest()
    keep(sha256, checked.working_image)
    return Taken(name, sha256, fingerprint(checked.working_image))


def _enter(found: Taken | Problem | None, intake: Intake) -> None:
    if isinstance(found, Taken):
        intake.images[found.file] = found
    elif found is not None:
        intake.problems.append(found)
