"""Where old records go in a dry run."""

from collections.abc import Mapping, Sequence

from triagelens_client.account_models import MigratedUser
from triagelens_client.files import Source
from triagelens_client.migrate.deployment import Note, TakenCase
from triagelens_client.migrate.records import OldCase, OldDataset, OldImage, OldPatient, OldReport, OldUser


class Nowhere:
    """In place of a deployment in a dry run: takes everything, and nothing comes of it."""

    def users(self, users: Sequence[OldUser], patients: Mapping[str, str]) -> Sequence[MigratedUser]:
        return [MigratedUser(username=user.username, verdict="taken") for user in users]

    def patient(self, patient: OldPatient) -> str:
        return ""

    def report(self, report: OldReport, source: Source, patient_id: str) -> str:
        return ""

    def image(self, image: OldImage, source: Source, patient_id: str | None) -> str:
        return ""

    def judged(self, image_id: str) -> tuple[str, ...]:
        return ()

    def case(
        self, case: OldCase, image_ids: Sequence[str], patient_id: str | None, known: str | None, note: Note
    ) -> TakenCase:
        return TakenCase("", None, case.remarks)

    def dataset(self, dataset: OldDataset, known: str | None, note: Note) -> str:
        return ""
