"""People of a former system."""

from fastapi import APIRouter

from clinic_api.deps.access import PeopleAdmin
from clinic_api.deps.arrivals import MigrationsCase
from clinic_api.routes.responses import problems
from clinic_api.schemas.migration import MigrationRequest, MigrationResponse

router = APIRouter(prefix="/v1/users", tags=["people"])


@router.post(
    "/migrations",
    operation_id="migrate_users",
    summary="Take over people of a former system (admin)",
    responses=problems(400, 401, 403, 429, 503),
)
def migrate_users(
    body: MigrationRequest, admin: PeopleAdmin, migrations: MigrationsCase
) -> MigrationResponse:
    """Each signs in with the password they have; their account is made then, and the hash forgotten.

    Safe to repeat. Who cannot be taken is told with a reason and keeps nobody else back.
    """
    newcomers = [user.newcomer() for user in body.users]
    return MigrationResponse.of(migrations.take(admin, newcomers, dry_run=body.dry_run))
