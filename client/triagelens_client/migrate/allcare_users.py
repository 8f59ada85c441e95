"""AllCare's `users.json`: everybody by their name."""

from pathlib import Path

from triagelens_client.migrate.places import OldFolder
from triagelens_client.migrate.reading import as_record, document, text
from triagelens_client.migrate.records import Kind, OldUser, Store, StoreError, UnfitError


def users_beside(storage: OldFolder) -> Path | None:
    """The `users.json` in the storage or beside it.

    Raises:
        StoreError: it is a link: who may come in, and as what, is read from nowhere that nobody named.
    """
    for folder in (storage.path, storage.path.parent):
        path = folder / "users.json"
        if path.is_symlink():
            raise StoreError(f"{path} is a link: name the file that it leads to with --users.")
        if path.is_file():
            return path
    return None


def read_users(store: Store, path: Path) -> None:
    """Raises StoreError if the file does not hold users by their names."""
    content = document(path)
    if not isinstance(content, dict):
        raise StoreError(f"{path} does not hold users by their names.")
    for username, record in content.items():
        try:
            known = as_record(record)
        except UnfitError as error:
            store.leave_out(Kind.USER, username, str(error))
            continue
        user = OldUser(
            ref=username,
            username=username,
            role=text(known, "role") or "",
            password_hash=text(known, "password_hash", "hashed_password", "password") or "",
            first_name=text(known, "first_name", most=50),
            last_name=text(known, "last_name", most=49),
        )
        store.users.append(user)
