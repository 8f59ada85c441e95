"""What every reader makes of an old store: records in one shape, each known by a reference that stays."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from triagelens_client.errors import TriagelensClientError

AS_ADMIN = "comes as admin"


class Kind(StrEnum):
    """What a record is, in reports."""

    USER = "user"
    PATIENT = "patient"
    IMAGE = "image"
    CASE = "case"
    DATASET = "dataset"
    REPORT = "report"
    FEEDBACK = "feedback"
    MODEL = "model"
    LINE = "line"


class StoreError(TriagelensClientError):
    """The old store as a whole is not one that can be read: nothing was sent."""

    code = "old_store"


class UnfitError(TriagelensClientError):
    """One record of the old store cannot be taken over; the message says why."""

    code = "unfit_record"


class UnfinishedError(TriagelensClientError):
    """A record is on the platform, and something on its way there went wrong."""

    code = "unfinished"


@dataclass(frozen=True)
class OldFeedback:
    """What somebody said of the old system.

    Attributes:
        rating: 1 to 5.
    """

    ref: str
    rating: int
    text: str | None = None
    submitted_at: datetime | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class OldUser:
    """Somebody who signed in to the old system."""

    ref: str
    username: str
    role: str
    password_hash: str = field(repr=False)
    first_name: str | None = None
    last_name: str | None = None
    patient: str | None = None
    feedback: OldFeedback | None = None
    remarks: tuple[str, ...] = ()

    @property
    def standing(self) -> tuple[str, ...]:
        """What is to be looked at: all but patients see more than what is theirs."""
        return () if self.role == "patient" else (f"comes as {self.role}",)


@dataclass(frozen=True)
class OldPatient:
    """A patient.

    Attributes:
        number: unique, by the platform's rules; the old system's own where that keeps to them.
        details: as `Patients.create` takes them.
        invite: whether they get an account here, and a first password by e-mail.
    """

    ref: str
    number: str
    name: str
    details: Mapping[str, Any]
    invite: bool = field(default=False, compare=False)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class OldImage:
    """A photo or scan, and what was known of it.

    Attributes:
        read: gives the bytes, out of their seal; raises UnfitError where that cannot be.
        about: `on_device_prediction`, `captured_at`, `device` of the declaration.
        patient: reference of an OldPatient.
    """

    ref: str
    specialty: str
    read: Callable[[], bytes]
    about: Mapping[str, Any] = field(default_factory=dict)
    patient: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class OldDrawing:
    """What somebody drew on the image at a place of the case, in pixels of the old image, or in fractions.

    Attributes:
        shapes: `strokes` and `boxes`, as the API takes them but for the scale.
        fractions: whether coordinates run from 0 to 1.
    """

    image_index: int
    correct_label: str | None
    shapes: Mapping[str, Sequence[Mapping[str, Any]]]
    fractions: bool


@dataclass(frozen=True)
class OldCase:
    """A case: images of one person and what was said of them.

    Attributes:
        status: `open`, `uncertain`, `confirmed` or `rejected`.
        diagnosis: of a confirmed case.
        reason: of an uncertain or rejected one.
        comments: oldest first, each with its author and day in front.
    """

    ref: str
    specialty: str
    images: tuple[str, ...]
    notes: str
    status: str = "open"
    diagnosis: str | None = None
    reason: str | None = None
    label: str | None = None
    label_notes: str | None = None
    comments: tuple[str, ...] = ()
    drawings: tuple[OldDrawing, ...] = ()
    form: Mapping[str, Any] | None = None
    patient: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class OldDataset:
    """A folder of labelled images, for training.

    Attributes:
        listing: digest of the names and sizes of its files.
    """

    ref: str
    name: str
    specialty: str
    new_specialty: bool
    folder: Path = field(compare=False)
    listing: str
    remarks: tuple[str, ...] = ()


def mark_of(record: Any) -> str:
    """By what a record is told from another one of the same reference; too short to tell what is in it."""
    told = {
        one.name: getattr(record, one.name)
        for one in fields(record)
        if one.compare and one.name != "remarks" and not callable(getattr(record, one.name))
    }
    text = json.dumps(told, sort_keys=True, default=lambda one: vars(one) if is_dataclass(one) else str(one))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class OldReport:
    """A report that the old system made of a patient, as PDF.

    Attributes:
        read: as of an OldImage.
        made_at: None where nothing says when.
        counts: what the old system counted for it, in its own words.
    """

    ref: str
    patient: str
    read: Callable[[], bytes]
    made_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unfit:
    """A record that the reader could not make anything of."""

    kind: Kind
    ref: str
    reason: str


@dataclass
class Store:
    """Everything that an old system holds, in the order in which it has to be sent.

    Attributes:
        system: name of the old system; with a record's `ref` it names the record for good.
    """

    system: str
    users: list[OldUser] = field(default_factory=list)
    patients: list[OldPatient] = field(default_factory=list)
    reports: list[OldReport] = field(default_factory=list)
    images: list[OldImage] = field(default_factory=list)
    cases: list[OldCase] = field(default_factory=list)
    datasets: list[OldDataset] = field(default_factory=list)
    unfit: list[Unfit] = field(default_factory=list)

    def leave_out(self, kind: Kind, ref: str, reason: str) -> None:
        self.unfit.append(Unfit(kind, ref, reason))
