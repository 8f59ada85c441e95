"""SMITA: its MongoDB collections as `mongoexport` writes them, and its images fetched beside them."""

import base64
import codecs
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from triagelens_client.migrate.forms import form_of
from triagelens_client.migrate.places import LEADS_OUT, MOST_DOCUMENT_BYTES, OldFolder, read_bytes
from triagelens_client.migrate.reading import (
    Record,
    as_record,
    day,
    last_part,
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
    OldFeedback,
    OldImage,
    OldUser,
    Store,
    StoreError,
    UnfitError,
)

SYSTEM = "smita"
SPECIALTY = "oral"
MOST_FEEDBACK = 4_000
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_COLLECTIONS = {
    "users": ("users", "user"),
    "forms": ("forms", "form", "form_submissions", "submissions", "patients"),
    "comments": ("comments", "comment"),
    "feedbacks": ("feedbacks", "feedback"),
}
_IMAGE_FIELDS = ("image_url", "imageUrl", "image_path", "image", "url", "filename")
_ENDINGS = ("", ".jpg", ".jpeg", ".png")
MOST_BLANKS = 1_000  # in front of what a file begins with

NOBODYS = "nobody is known to have said it, or not somebody who comes over"
NO_RATING = "its rating is not one from 1 to 5"
LATER_ONE = "the same person said something later"
ELSEWHERE = "its image is not here: put it into images/, by its smita_id or the last part of its address"
NO_FORM = "there is no form that it is about"


def read_smita(directory: Path, *, role: str = "patient") -> Store:
    """Users with password and feedback, and each submission as a case with its form and comments.

    Args:
        directory: with `users.json`, `forms.json`, `comments.json` and `feedbacks.json` as far as there are
            any, as JSON arrays or a line for each record, and the images in `images/`.
        role: of users who are no admins. Everybody could sign up there, so the least is usual.

    Raises:
        StoreError: there is no collection, or one cannot be read.
    """
    folder, store = OldFolder.of(directory), Store(SYSTEM)
    paths = {name: _path_of(folder, names) for name, names in _COLLECTIONS.items()}
    if not any(paths.values()):
        raise StoreError(f"{directory} holds no collection of SMITA.")
    reader = _Reader(folder, store, role)
    for ref, record in reader.records(paths["users"], Kind.USER):
        reader.user(ref, record)
    reader.submissions(
        list(reader.records(paths["forms"], Kind.CASE)), list(reader.records(paths["comments"], Kind.LINE))
    )
    for ref, record in reader.records(paths["feedbacks"], Kind.FEEDBACK):
        try:
            reader.feedback(ref, record)
        except UnfitError as error:
            store.leave_out(Kind.FEEDBACK, ref, str(error))
    return store


def _path_of(folder: OldFolder, names: tuple[str, ...]) -> Path | None:
    found = (folder.path / f"{name}.json" for name in names)
    path = next((path for path in found if path.is_file()), None)
    if path is not None and path.is_symlink():
        raise StoreError(f"{path} is a link.")
    return path


@dataclass
class _Reader:
    folder: OldFolder
    store: Store
    role: str
    _usernames: set[str] = field(default_factory=set)
    _people: dict[str, int | None] = field(default_factory=dict)
    _forms: set[str] = field(default_factory=set)
    _names: Counter[str] = field(default_factory=Counter)

    def records(self, path: Path | None, kind: Kind) -> Iterator[tuple[str, Record]]:
        """Reference and record of each; what is none is left out."""
        for place, value in _values(path) if path is not None else ():
            ref = f"{path.name if path else ''}:{place}"
            try:
                record = as_record(parsed(value) if isinstance(value, bytes) else value)
            except UnfitError as error:
                self.store.leave_out(kind, ref, str(error))
                continue
            yield ref, record

    def user(self, ref: str, record: Record) -> None:
        """Somebody under a name that the platform takes; who was never verified stays out."""
        email = text(record, "email", most=254)
        name = text(record, "username", most=64) or (email or "").split("@")[0]
        username = re.sub(r"[^A-Za-z0-9._-]", "-", name)[:50]
        if not username:
            self.store.leave_out(Kind.USER, ref, "it has neither a username nor an e-mail address")
            return
        if False in (record.get("is_verified"), record.get("verified"), record.get("isVerified")):
            self.store.leave_out(Kind.USER, username, "the e-mail address was never confirmed")
            return
        if username.casefold() in self._usernames:
            mark = hashlib.sha256((email or ref).encode()).hexdigest()[:6]
            username = f"{username}-{mark}"
        self._usernames.add(username.casefold())
        is_admin = True in (record.get("is_admin"), record.get("isAdmin")) or record.get("role") == "admin"
        names = (text(record, "_id", "id", most=100), email, text(record, "username", most=64))
        for known in {name.casefold() for name in names if name is not None}:
            # A name that two have says nothing of which of them it is.
            self._people[known] = None if known in self._people else len(self.store.users)
        renamed = username != email and username != text(record, "username", most=64)
        self.store.users.append(
            OldUser(
                ref=username,
                username=username,
                role="admin" if is_admin else self.role,
                password_hash=_hash_of(record),
                first_name=text(record, "name", "full_name", "first_name", most=50),
                last_name=text(record, "last_name", most=49),
                remarks=("signs in by this name, not by the e-mail address",) if renamed else (),
            )
        )

    def feedback(self, ref: str, record: Record) -> None:
        """What somebody said goes with them; of several, the latest."""
        places = (self._people.get(name) for name in _people_in(record))
        place = next((one for one in places if one is not None), None)
        if place is None:
            raise UnfitError(NOBODYS)
        rating = number(record, "rating", "stars", "score")
        if rating not in (1, 2, 3, 4, 5):
            raise UnfitError(NO_RATING)
        whole = text(record, "feedback", "text", "comment", "message") or ""
        when = moment(record, "submitted_at", "created_at", "createdAt", "timestamp", "date")
        remarks = [f"only its first {MOST_FEEDBACK} characters came"] if len(whole) > MOST_FEEDBACK else []
        if when is not None and when < LONG_AGO:
            when = None
        if when is None:
            remarks.append("when it was said could not be read")
        said = OldFeedback(ref, int(rating), whole[:MOST_FEEDBACK] or None, when, tuple(remarks))
        user = self.store.users[place]
        before = user.feedback
        if before is not None and _when(before) > _when(said):
            raise UnfitError(LATER_ONE)
        if before is not None:
            self.store.leave_out(Kind.FEEDBACK, before.ref, LATER_ONE)
        self.store.users[place] = replace(user, feedback=said)

    def submissions(self, forms: list[tuple[str, Record]], comments: list[tuple[str, Record]]) -> None:
        """Every form as a case, with the image that came with it and what was said of it."""
        for _, record in forms:
            self._names.update({last_part(name) for name in _files_of(record)})
        said = self._by_form(comments)
        for ref, record in forms:
            smita_id = ref
            try:
                smita_id = reference(record, "smita_id", "smitaId", "_id") or ref
                if smita_id in self._forms:
                    raise UnfitError("its smita_id came twice")
                self._forms.add(smita_id)
                self._submission(smita_id, record, [one for _, one in said.pop(smita_id, [])])
            except UnfitError as error:
                self.store.leave_out(Kind.CASE, smita_id, str(error))
        for ref, _ in (one for of_form in said.values() for one in of_form):
            self.store.leave_out(Kind.LINE, ref, NO_FORM)

    def _by_form(self, comments: list[tuple[str, Record]]) -> dict[str, list[tuple[str, Record]]]:
        found: dict[str, list[tuple[str, Record]]] = {}
        for ref, record in comments:
            try:
                form = reference(record, "smita_id", "smitaId", "form_id") or ""
            except UnfitError as error:
                self.store.leave_out(Kind.LINE, ref, str(error))
                continue
            found.setdefault(form, []).append((ref, record))
        return found

    def _submission(self, smita_id: str, record: Record, comments: list[Record]) -> None:
        path = self._file_of(record)
        about: dict[str, Any] = {}
        said = text(record, "prediction", "prediction_label", "result", "label", most=100)
        share = probability(record, "confidence", "confidence_score", "probability")
        found = None if said is None or share is None else (said, share)
        if found is not None:
            about["on_device_prediction"] = {"label": found[0], "probability": found[1], "model": "SMITA"}
        when = moment(record, "created_at", "createdAt", "timestamp", "date")
        if when is not None:
            about["captured_at"] = when.isoformat()
        self.store.images.append(OldImage(smita_id, SPECIALTY, partial(read_bytes, path), about))
        all_comments = [*comments, *(one for one in listed(record, "comments") if isinstance(one, dict))]
        texts = [made for one in all_comments if (made := _comment(one)) is not None]
        lost = len(all_comments) - len(texts)
        found_then = f" Found then: {found[0]} ({found[1]:.0%})." if found else ""
        self.store.cases.append(
            OldCase(
                ref=smita_id,
                specialty=SPECIALTY,
                images=(smita_id,),
                notes=f"SMITA's form {smita_id}{day(when)}.{found_then}",
                comments=tuple(texts),
                form=form_of(smita_id, record),
                remarks=(f"{lost} of its comments hold no text",) if lost else (),
            )
        )

    def _file_of(self, record: Record) -> Path:
        """The form's image, by its smita_id or another name, that no other form has."""
        for name in _files_of(record):
            try:
                if self._names[last_part(name)] == 1:
                    return self.folder.find(f"images/{name}")
            except UnfitError as error:
                if str(error) == LEADS_OUT:
                    raise
        raise UnfitError(ELSEWHERE)


def _values(path: Path) -> Iterator[tuple[int, Any]]:
    """Place and value of each record: of an array, or of lines, as bytes (None where one is too long)."""
    with path.open("rb") as stream:
        first = stream.read(MOST_BLANKS).removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if first != b"[":
        yield from lines(path)
        return
    try:
        whole = parsed(read_bytes(path, MOST_DOCUMENT_BYTES))
    except UnfitError as error:
        raise StoreError(f"{path}: {error}.") from error
    yield from enumerate(whole, start=1)


def _files_of(record: Record) -> list[str]:
    """All names that a form's image may have: by its id, and by the last part of its address."""
    address = last_part(text(record, *_IMAGE_FIELDS, most=2_000))
    known = (text(record, "smita_id", "smitaId", "_id"), address)
    return [f"{name}{ending}" for name in known if name for ending in _ENDINGS]


def _people_in(record: Record) -> list[str]:
    """By what a record may name whoever wrote it."""
    fields = ("user_id", "userId", "user", "email", "user_email", "username")
    named = (text(record, name, most=254) for name in fields)
    return [name.casefold() for name in named if name is not None]


def _when(said: OldFeedback) -> datetime:
    return said.submitted_at or LONG_AGO


def _hash_of(record: Record) -> str:
    """The password's hash, which MongoDB may hold as text or as bytes."""
    for name in ("password_hash", "password"):
        value = record.get(name)
        binary = value.get("$binary") if isinstance(value, dict) else None
        encoded = binary.get("base64") if isinstance(binary, dict) else binary
        if isinstance(encoded, str):
            try:
                return base64.b64decode(encoded, validate=True).decode("ascii")
            except ValueError:
                return ""
    return text(record, "password_hash", "password", most=200) or ""


def _comment(record: Record) -> str | None:
    said = text(record, "comment", "text", "content", "message", most=9_000)
    if said is None:
        return None
    author = text(record, "author", "user", "username", "name", "email", "user_id", most=200) or "somebody"
    return f"{author} in SMITA{day(moment(record, 'created_at', 'createdAt', 'timestamp', 'date'))}: {said}"
