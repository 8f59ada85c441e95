"""Who may take over what. Asked for before anything is sent, so that nobody finds out half-way."""

from collections.abc import Mapping

from triagelens_client.errors import TriagelensClientError
from triagelens_client.migrate.records import Store

ROLES = ("patient", "gp", "doctor", "researcher", "admin")
_CLINICIANS = frozenset({"gp", "doctor", "admin"})
_NEEDED: Mapping[str, frozenset[str]] = {
    "users": frozenset({"admin"}),
    "patients": _CLINICIANS,
    "reports": frozenset({"admin"}),
    "cases": _CLINICIANS,
    "datasets": frozenset({"researcher", "admin"}),
}


class WrongRoleError(TriagelensClientError):
    """Whoever is signed in may not make what the old store holds."""

    code = "wrong_role"


def check_role(role: str, store: Store) -> None:
    """Raises WrongRoleError if `role` may not make some of it."""
    for what, roles in _NEEDED.items():
        if getattr(store, what) and role not in roles:
            wanted = " or ".join(sorted(roles))
            raise WrongRoleError(f"To take over {what} needs the role {wanted}; yours is {role}.")
