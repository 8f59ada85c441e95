"""AllCare: `users.json`, and for each user a folder with `images/` and `metadata.jsonl`, encrypted or not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from triagelens_client.migrate.allcare_users import read_users, users_beside
from triagelens_client.migrate.drawings import drawings_of, submissions_in
from triagelens_client.migrate.labels import label_of
from triagelens_client.migrate.places import LEADS_OUT, OldFolder, read_bytes
from triagelens_client.migrate.reading import (
    Record,
    as_record,
    day,
    lines,
    listed,
    moment,
    number,
    parsed,
    probability,
    reference,
    text,
)
from triagelens_client.migrate.records import (
    Kind,
    OldCase,
    OldImage,
    Store,
    StoreError,
    UnfitError,
)
from triagelens_client.migrate.sealed import Seal, is_token, is_wrapper

SYSTEM = "allcare"
SPECIALTY = "skin"
LEGACY = "legacy"
_STATUSES = {
    "confirmed": (
        "confirmed",
        "logged",
        "final",
        "finalized",
        "diagnosed",
        "completed",
        "labeled",
        "labelled",
    ),
    "uncertain": ("uncertain", "pending_review", "needs_review"),
    "rejected": ("rejected", "reject"),
    "open": ("open", "new", "pending", "draft", "ok", "success", "accepted", "analyzed"),
}
_IMAGE_FIELDS = ("image_path", "path", "file_path", "filename", "file", "image", "image_id")
_IMAGE_LISTS = ("images", "image_paths", "image_ids")
_SEALED = (".bin", ".enc")
_ENDINGS = ("", ".jpg", ".jpeg", ".png", ".bin", ".jpg.bin", ".jpg.enc")


@dataclass
class _Gathered:
    """All lines about one case: later ones say what changed."""

    fields: Record = field(default_factory=dict)
    images: dict[str, None] = field(default_factory=dict)
    drawings: list[Mapping[str, Any]] = field(default_factory=list)


def read_allcare(storage: Path, *, users: Path | None = None, key: str | None = None) -> Store:
    """Everything in AllCare's storage.

    Args:
        users: `users.json`, if it is neither in the storage nor beside it.
        key: `DATA_ENCRYPTION_KEY` of its configuration.

    Raises:
        StoreError: there is nothing of AllCare's, or the key is none.
    """
    folder, store = _storage_in(OldFolder.of(storage)), Store(SYSTEM)
    table = users or users_beside(folder)
    if table is not None:
        read_users(store, table)
    seal = Seal.of(key)
    owners = [folder.path, *(path for path in folder.folders() if path.name != "images")]
    for owner in owners:
        _OwnerReader(store, folder, owner, seal).read()
    if not (store.users or store.images or store.cases or store.unfit):
        raise StoreError(f"{storage} holds neither users.json nor metadata.jsonl of AllCare.")
    return store


def _storage_in(given: OldFolder) -> OldFolder:
    """The storage, also where the folder around it was named."""
    if (given.path / "metadata.jsonl").exists():
        return given
    return given.inner("storage") or given


@dataclass
class _OwnerReader:
    """Reads one user's folder, or the storage's own of the time before there were any."""

    store: Store
    storage: OldFolder
    owner: Path
    seal: Seal
    _cases: dict[str, _Gathered] = field(default_factory=dict)
    _images: dict[Path, Record] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return LEGACY if self.owner == self.storage.path else self.owner.name

    def read(self) -> None:
        metadata = self.owner / "metadata.jsonl"
        if metadata.is_symlink():
            self.store.leave_out(Kind.LINE, f"{self.name}/metadata.jsonl", "it is a link")
        elif metadata.is_file():
            for line, data in lines(metadata):
                try:
                    self._line(line, data)
                except UnfitError as error:
                    self.store.leave_out(Kind.LINE, f"{self.name}/metadata.jsonl:{line}", str(error))
        for case_id, gathered in self._cases.items():
            self._case(case_id, gathered)
        for path, record in self._images.items():
            self._image(path, record)
        for path in OldFolder(self.owner).files("images"):
            if path.resolve() not in self._images:
                self.store.leave_out(Kind.IMAGE, self._ref(path), "no line of metadata.jsonl names it")

    def _line(self, line: int, data: bytes | None) -> None:
        if data is None:
            raise UnfitError("the line is too long")
        record = as_record(parsed(data))
        if is_wrapper(record):
            record = as_record(parsed(self.seal.opened_line(record)))
        case_id = reference(record, "case_id")
        found = self._named(record, line)
        if case_id is None:
            if not found:
                raise UnfitError("it names neither a case nor an image that is there")
            return
        case = self._cases.setdefault(case_id, _Gathered())
        case.fields.update({name: value for name, value in record.items() if value is not None})
        case.images.update(dict.fromkeys(found))
        case.drawings += submissions_in(record)

    def _named(self, record: Record, line: int) -> list[str]:
        """References of the images that a line names; of those that are not there, too."""
        named: list[Any] = [*(one for name in _IMAGE_LISTS for one in listed(record, name))]
        if not named and any(name in record for name in _IMAGE_FIELDS):
            named = [record]
        found: list[str] = []
        for one in named:
            about = {**record, **one} if isinstance(one, dict) else {**record, "image_path": one}
            name = text(about, *_IMAGE_FIELDS, most=1_000)
            if name is None:
                self.store.leave_out(Kind.IMAGE, f"{self.name}/metadata.jsonl:{line}", "it has no name")
                continue
            try:
                path = self._found(about)
            except UnfitError as error:
                found.append(f"{self.name}/{name}")
                self.store.leave_out(Kind.IMAGE, found[-1], str(error))
                continue
            self._images.setdefault(path, {}).update(about)
            found.append(self._ref(path))
        return found

    def _found(self, about: Record) -> Path:
        """The first of the names that a record has for its image under which there is a file."""
        problem = UnfitError("the file is not there")
        owner = OldFolder(self.owner)
        for field_name in _IMAGE_FIELDS:
            name = text(about, field_name, most=1_000)
            for ending in _ENDINGS if name is not None else ():
                try:
                    return owner.find(f"{name}{ending}", "images")
                except UnfitError as error:
                    problem = error if str(error) == LEADS_OUT else problem
        raise problem

    def _ref(self, path: Path) -> str:
        return path.resolve().relative_to(self.storage.path).as_posix()

    def _image(self, path: Path, record: Record) -> None:
        about: dict[str, Any] = {}
        found = _top(record)
        if found is not None:
            label, share = found
            about["on_device_prediction"] = {"label": label, "probability": share, "model": "AllCare"}
        when = moment(record, "timestamp", "created_at", "date")
        if when is not None:
            about["captured_at"] = when.isoformat()
        read = partial(_bytes_of, path, self.seal)
        self.store.images.append(OldImage(self._ref(path), SPECIALTY, read, about))

    def _case(self, case_id: str, gathered: _Gathered) -> None:
        record = gathered.fields
        told = (text(record, "case_status", "status") or "open").casefold()
        status = next((known for known, words in _STATUSES.items() if told in words), None)
        remarks: list[str] = []
        if status is None:
            remarks.append(f"its status {told[:40]!r} is not known here; it is open")
        said = text(record, "correct_label")
        label = label_of(SPECIALTY, said)
        if said is not None and label is None:
            remarks.append(f"its label {said[:40]!r} is none of the platform's")
        diagnosis = text(
            record, "final_diagnosis", "diagnosis", "confirmed_diagnosis", "selected_label", most=500
        ) or (said and said[:500])
        if status == "confirmed" and diagnosis is None:
            status = "open"
            remarks.append("it was confirmed without a diagnosis; it is open")
        drawings, lost = drawings_of(gathered.drawings, SPECIALTY, label)
        case = OldCase(
            ref=f"{self.name}/{case_id}",
            specialty=SPECIALTY,
            images=tuple(gathered.images),
            notes=self._notes(case_id, record, said if label is None else None),
            status=status or "open",
            diagnosis=diagnosis,
            reason=text(record, "reject_reason", "rejection_reason", "reason", most=2_000),
            label=label,
            label_notes=self._label_notes(record) if label else None,
            drawings=drawings,
            remarks=(*remarks, *lost),
        )
        self.store.cases.append(case)

    def _notes(self, case_id: str, record: Record, unknown_label: str | None) -> str:
        when = day(moment(record, "created_at", "timestamp", "date"))
        told = [f"AllCare's case {case_id} of {self.name}{when}."]
        found = _top(record)
        if found is not None:
            told.append(f"Found then: {found[0]} ({found[1]:.0%}).")
        focus = number(record, "blur_score")
        if focus is not None:
            told.append(f"Focus score then: {focus:.1f}.")
        if unknown_label is not None:
            told.append(f"Labelled then: {unknown_label[:200]}.")
        return " ".join([*told, text(record, "notes", "comment", most=8_000) or ""]).strip()

    def _label_notes(self, record: Record) -> str:
        by = text(record, "labeled_by", "labelled_by", "label_by", "doctor_id", most=100)
        when = day(moment(record, "labeled_at", "labelled_at", "updated_at"))
        notes = text(record, "label_notes", "notes", most=8_000) or ""
        return f"Labelled in AllCare{f' by {by}' if by else ''}{when}. {notes}".strip()


def _top(record: Record) -> tuple[str, float] | None:
    """The most probable label that AllCare's model gave, with its probability."""
    found: list[tuple[str, float]] = []
    for entry in listed(record, "predictions"):
        if isinstance(entry, dict):
            label, share = (
                text(entry, "label", "class", most=100),
                probability(entry, "confidence", "probability"),
            )
            if label is not None and share is not None:
                found.append((label, share))
    return max(found, key=lambda one: one[1], default=None)


def _bytes_of(path: Path, seal: Seal) -> bytes:
    """An image's bytes, whether or not they were encrypted.

    Raises:
        UnfitError: they cannot be read or opened.
    """
    data = read_bytes(path)
    return seal.opened(data) if path.suffix.lower() in _SEALED or is_token(data) else data
