"""Erasures in memory, beside the patients whom they take away."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.fake_patients import FakePatients
from tests.fakes import page_of, stored_in
from triagelens.domain.erasures import Begun, ErasureRequest, Outcome, Receipt, Scope
from triagelens.domain.errors import OutdatedError
from triagelens.domain.patients import Patient
from triagelens.services.ports import Page


@dataclass
class FakeErasures:
    """`services.erasure_ports.ErasureRecords`."""

    patients: FakePatients
    kept: dict[str, Receipt] = field(default_factory=dict)
    scopes: dict[str, Scope] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)

    def begin(self, begun: Begun, patient: Patient) -> None:
        if self.patients.patient(patient.patient_id).version != patient.version:
            raise OutdatedError("The record has changed since it was read.")
        del self.patients.records[patient.patient_id]
        self.patients.erased[patient.patient_id] = begun.erasure_id
        self.kept[begun.erasure_id] = Receipt(begun=begun)

    def receipt(self, erasure_id: str) -> Receipt:
        return stored_in(self.kept, erasure_id)

    def receipts(self, limit: int, cursor: str | None) -> Page[Receipt]:
        ids = sorted(self.kept, reverse=True)
        page = page_of([self.kept[name].begun for name in ids], limit, cursor, "erasure_id")
        return Page([self.kept[begun.erasure_id] for begun in page.items], page.cursor)

    def since(self, erasure_id: str) -> Iterator[Receipt]:
        return (self.kept[name] for name in sorted(self.kept) if name >= erasure_id)

    def account(self, erasure_id: str) -> str | None:
        return self.accounts.get(erasure_id)

    def note_account(self, erasure_id: str, sub: str) -> None:
        self.accounts.setdefault(erasure_id, sub)

    def scope(self, erasure_id: str) -> Scope:
        return self.scopes.get(erasure_id, Scope())

    def note_scope(self, erasure_id: str, more: Scope) -> None:
        self.scopes[erasure_id] = self.scope(erasure_id) | more

    def complete(self, erasure_id: str, outcome: Outcome, *, sweep: bool) -> None:
        receipt, name = self.kept[erasure_id], "swept" if sweep else "done"
        if getattr(receipt, name) is None:
            self.kept[erasure_id] = receipt.model_copy(update={name: outcome})


@dataclass
class FakeErasureQueue:
    sent: list[tuple[ErasureRequest, int]] = field(default_factory=list)

    def send(self, request: ErasureRequest, delay_s: int = 0) -> None:
        self.sent.append((request, delay_s))
