"""From labelled images to a snapshot: labels, copies, sets, and the files that say so."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from training_job.arrangement import DatasetError, Problem
from training_job.ingest.labels import in_order, label_names
from triagelens.domain.ledger import Sighting
from triagelens.domain.snapshots import (
    LeftOut,
    Snapshot,
    SnapshotEntry,
    count,
    digest_of,
    id_of,
    manifest_key,
    manifest_of,
    problems_key,
)
from triagelens.domain.specialties import SPECIALTIES
from triagelens.services.ledger import SplitLedger

_NAMED = 5


class Files(Protocol):
    """The learning bucket, or a folder that is laid out like it. A write is whole or not there."""

    def write(self, key: str, content: bytes) -> None: ...


class SnapshotRecords(Protocol):
    """Where snapshots become known."""

    def add(self, snapshot: Snapshot, platform_images: Sequence[str]) -> Snapshot:
        """As `services.snapshot_ports.Snapshots.add`."""


@dataclass(frozen=True)
class Candidate:
    """A labelled image that may come into a snapshot.

    Attributes:
        file: what people know it by.
        label: as given.
    """

    file: str
    image_id: str
    bucket: Literal["learning", "images"]
    key: str
    object_version: str | None
    sha256: str
    fingerprint: int
    label: str
    patient: str | None = None
    lesion: str | None = None


@dataclass(frozen=True)
class Origin:
    """What a snapshot is made of, and for whom.

    Attributes:
        new_specialty: labels are kept as they come.
        licence, source: as given.
    """

    specialty: str
    new_specialty: bool = False
    dataset_id: str | None = None
    job_id: str | None = None
    licence: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Making:
    """Makes snapshots. Done again with the same images, it makes the same one."""

    ledger: SplitLedger
    files: Files
    snapshots: SnapshotRecords

    def make(
        self, candidates: Sequence[Candidate], problems: Sequence[Problem], origin: Origin, now: datetime
    ) -> Snapshot:
        """Choose, split, write; the record is written last, and until then nobody sees anything.

        Raises:
            DatasetError: no image is left.
        """
        ordered = sorted(candidates, key=lambda candidate: (candidate.file, candidate.image_id))
        chosen, left_out = choose(ordered, origin)
        # What is left out counts for the groups all the same: it ties patients together.
        sightings = [Sighting(c.sha256, c.fingerprint, c.patient, c.lesion) for c in ordered]
        assignment = self.ledger.assign(origin.specialty, sightings)
        entries: list[SnapshotEntry] = []
        for candidate, label in chosen:
            place = assignment.places[candidate.sha256]
            if place.crossing is not None:
                left_out.append(Problem(candidate.file, place.crossing, "would_cross"))
                continue
            entries.append(
                SnapshotEntry(
                    image_id=candidate.image_id,
                    bucket=candidate.bucket,
                    key=candidate.key,
                    object_version=candidate.object_version,
                    sha256=candidate.sha256,
                    label=label,
                    group=place.group,
                    split=place.split,
                )
            )
        left_out += problems
        if not entries:
            raise _nothing_left(left_out)
        return self._publish(entries, left_out, origin, assignment.revision, now)

    def _publish(
        self,
        entries: Sequence[SnapshotEntry],
        left_out: Sequence[Problem],
        origin: Origin,
        revision: int,
        now: datetime,
    ) -> Snapshot:
        manifest = manifest_of(entries)
        digest = digest_of(manifest)
        identity = id_of(digest)
        labels = in_order({entry.label for entry in entries}, origin.specialty)
        lines = {LeftOut(file=p.file, code=p.code, reason=p.reason).line for p in left_out}
        self.files.write(problems_key(identity), "".join(sorted(lines)).encode())
        self.files.write(manifest_key(identity), manifest)
        snapshot = Snapshot(
            snapshot_id=identity,
            sha256=digest,
            key=manifest_key(identity),
            problems_key=problems_key(identity),
            specialty=origin.specialty,
            dataset_id=origin.dataset_id,
            job_id=origin.job_id,
            images=len(entries),
            labels=labels,
            counts=count(entries, labels),
            problems=dict(sorted(Counter(problem.code for problem in left_out).items())),
            ledger_revision=revision,
            licence=origin.licence,
            source=origin.source,
            created_at=now,
        )
        ours = [entry.image_id for entry in entries if entry.bucket == "images"]
        return self.snapshots.add(snapshot, ours)


def choose(
    candidates: Sequence[Candidate], origin: Origin
) -> tuple[list[tuple[Candidate, str]], list[Problem]]:
    """One image of each, with its label; and what is left out of copies and of unknown labels."""
    names = label_names((c.label for c in candidates), origin.specialty, new=origin.new_specialty)
    copies: defaultdict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        if names[candidate.label] is not None:
            copies[candidate.sha256].append(candidate)
    chosen: list[tuple[Candidate, str]] = []
    left_out: list[Problem] = []
    for candidate in candidates:
        label, same = names[candidate.label], copies[candidate.sha256]
        labels = sorted({str(names[copy.label]) for copy in same})
        if label is None:
            left_out.append(Problem(candidate.file, _unknown(candidate.label, origin), "unknown_label"))
        elif len(labels) > 1:
            reason = f"the same image is labelled {' and '.join(labels)}"
            left_out.append(Problem(candidate.file, reason, "mixed_labels"))
        elif candidate is not same[0]:
            left_out.append(Problem(candidate.file, f"it is a copy of {same[0].file}", "copy"))
        else:
            chosen.append((candidate, label))
    return chosen, left_out


def _unknown(label: str, origin: Origin) -> str:
    if origin.specialty not in SPECIALTIES:
        return f"{label!r} is no label"
    known = ", ".join(SPECIALTIES[origin.specialty].label_names)
    return f"{label!r} is no label of {origin.specialty}, which has {known}"


def _nothing_left(left_out: Sequence[Problem]) -> DatasetError:
    reasons = [f"{problem.file}: {problem.reason}" for problem in left_out[:_NAMED]]
    more = [f"... and {len(left_out) - _NAMED} more"] * (len(left_out) > _NAMED)
    return DatasetError("\n".join(["No image is left that can be used.", *reasons, *more]))
