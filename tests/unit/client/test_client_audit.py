"""The audit trail in the client: every kind of tampering is found, whoever serves it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from clinic_api.app import create_app
from tests.fake_audit import FakeSigner
from tests.fakes import RIGHT_CODE
from tests.unit.api.conftest import Fakes
from tests.unit.client.door import Door
from tests.unit.client.fake_api import API
from triagelens.domain.audit import AuditEntry, Outcome
from triagelens.domain.audit_chain import Link, Seal, chain_on, genesis
from triagelens.domain.ids import new_id
from triagelens.domain.people import Role
from triagelens.services.audit_chain import Chain, Sealing
from triagelens_client import ForbiddenError, Retry, Triagelens, audit_check
from triagelens_client.audit_check import link_hash
from triagelens_client.audit_models import AuditDay
from triagelens_client.cli import app

PASSWORD = "correct-Horse-9"
MONDAY = date(2026, 11, 23)
TUESDAY = MONDAY + timedelta(days=1)


class Hospital(Door):
    """Three closed days of five entries each, their exports, and an admin who looks at them."""

    def __init__(self, fakes: Fakes, served: TestClient) -> None:
        super().__init__(served)
        self.fakes, self.signer = fakes, FakeSigner()
        fakes.audit.entries.clear()
        for number in range(3):
            fakes.clock.now = datetime(2026, 11, 23, 10, tzinfo=UTC) + timedelta(days=number)
            made = [self._entry() for _ in range(5)]
            fakes.audit.entries += made
            documents = [entry.model_dump(mode="json") for entry in made]
            Chain(fakes.chain, fakes.clock).link(documents)
        fakes.clock.now = datetime(2026, 11, 26, 1, tzinfo=UTC)
        Sealing(fakes.chain, fakes.audit_exports, self.signer, fakes.clock).close_due()
        fakes.identity.sign_up("root", PASSWORD, "root@example.org", None)
        fakes.identity.confirm("root", RIGHT_CODE)
        fakes.person("root", Role.ADMIN)
        self.client = Triagelens(API, transport=self, retry=Retry(sleep=lambda _: None))
        self.client.sign_in("root", PASSWORD)

    def _entry(self) -> AuditEntry:
        return AuditEntry(
            entry_id=new_id(),
            at=self.fakes.clock(),
            actor="sub-ada",
            action="patient.read",
            subject=new_id(),
            outcome=Outcome.ALLOWED,
            correlation_id="request",
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "audit.example":
            day = date.fromisoformat(request.url.path.rpartition("/")[2].removesuffix(".jsonl"))
            return httpx.Response(200, content=self.fakes.audit_exports.lines[day])
        return super().handle_request(request)

    def links(self, day: date = MONDAY) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.fakes.audit_exports.lines[day].splitlines()]

    def export(self, links: list[dict[str, Any]], day: date = MONDAY) -> None:
        self.fakes.audit_exports.lines[day] = b"".join(json.dumps(link).encode() + b"\n" for link in links)

    def found(self, **options: Any) -> set[tuple[date, str]]:
        return {(found.day, found.kind) for found in self.client.audit.verify(**options).findings}


@pytest.fixture(scope="module")
def served() -> Iterator[TestClient]:
    with TestClient(create_app()) as client:
        yield client


@pytest.fixture
def hospital(served: TestClient) -> Hospital:
    fakes = Fakes()
    fakes.stand_in(served.app)  # type: ignore[arg-type]  # TestClient forgets that it is FastAPI's
    return Hospital(fakes, served)


def rehashed(links: list[dict[str, Any]], day: date = MONDAY) -> list[dict[str, Any]]:
    """The same entries in a chain that fits in itself."""
    chain = chain_on(genesis(day), 0, [link["entry"] for link in links])
    return [link.model_dump() for link in chain]


def test_what_nobody_touched_is_as_it_was_written(hospital: Hospital) -> None:
    verified = hospital.client.audit.verify()
    assert (verified.days, verified.entries, verified.findings) == (3, 15, ())
    assert verified.public_key == hospital.signer.public_key()
    assert hospital.found(since=TUESDAY) == set()
    assert hospital.found(pinned_key=hospital.signer.public_key()) == set()


def test_client_and_server_hash_alike() -> None:
    entry = {"entry_id": "x", "reason": 'Grüße, "é" \u2028', "n": [1, None, True], "at": "2026-11-23"}
    (link,) = chain_on(genesis(MONDAY), 0, [entry])
    assert link == Link(number=1, previous=genesis(MONDAY), hash=link.hash, entry=entry)
    assert audit_check.genesis(MONDAY) == link.previous
    assert link_hash(link.previous, entry) == link.hash


def edited(links: list[dict[str, Any]]) -> list[dict[str, Any]]:
    links[2]["entry"]["actor"] = "sub-eve"
    return links


def edited_with_its_hash(links: list[dict[str, Any]]) -> list[dict[str, Any]]:
    links = edited(links)
    links[2]["hash"] = link_hash(links[2]["previous"], links[2]["entry"])
    return links


def inserted(links: list[dict[str, Any]]) -> list[dict[str, Any]]:
    entry = {**links[0]["entry"], "entry_id": new_id()}
    return [*links, *chain_lines(links[-1]["hash"], 5, entry)]


def chain_lines(last: str, number: int, *entries: dict[str, Any]) -> list[dict[str, Any]]:
    return [link.model_dump() for link in chain_on(last, number, entries)]


TAMPERINGS: dict[str, tuple[Callable[[list[dict[str, Any]]], list[dict[str, Any]]], str]] = {
    "an entry edited": (edited, "edited"),
    "an entry edited, its hash too": (edited_with_its_hash, "edited"),
    "an entry edited, every hash after it too": (lambda links: rehashed(edited(links)), "head"),
    "the first deleted": (lambda links: links[1:], "deleted"),
    "one in the middle deleted": (lambda links: links[:2] + links[3:], "deleted"),
    "the last deleted": (lambda links: links[:-1], "deleted"),
    "one deleted, every hash after it made anew": (lambda links: rehashed(links[:2] + links[3:]), "deleted"),
    "everything deleted": (lambda links: [], "deleted"),
    "one inserted at the end": (inserted, "inserted"),
    "one written twice": (lambda links: [*links, links[-1]], "inserted"),
    "lines reordered": (lambda links: [links[1], links[0], *links[2:]], "reordered"),
    "entries reordered, every hash made anew": (lambda links: rehashed(links[::-1]), "head"),
    "entries swapped between links": (
        lambda links: [
            {**links[0], "entry": links[1]["entry"]},
            {**links[1], "entry": links[0]["entry"]},
            *links[2:],
        ],
        "edited",
    ),
    "a line that is no link": (lambda links: [*links, {"number": "six"}], "unreadable"),
    "a link without an entry": (lambda links: [*links[:-1], {**links[-1], "entry": None}], "unreadable"),
}


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_every_kind_of_tampering_with_an_export_is_found(hospital: Hospital, kind: str) -> None:
    tamper, expected = TAMPERINGS[kind]
    hospital.export(tamper(hospital.links()))
    assert (MONDAY, expected) in hospital.found()
    assert {day for day, _ in hospital.found()} == {MONDAY}


def changed(hospital: Hospital, **fields: Any) -> None:
    seal = hospital.fakes.chain.closed[TUESDAY]
    head = seal.head.model_copy(update=fields)
    hospital.fakes.chain.closed[TUESDAY] = seal.model_copy(update={"head": head})


def test_a_changed_seal_does_not_have_its_signature(hospital: Hospital) -> None:
    lines = hospital.links(TUESDAY)[:-1]
    hospital.export(lines, TUESDAY)
    changed(hospital, count=4, head=lines[-1]["hash"])
    assert (TUESDAY, "signature") in hospital.found()


def test_a_day_signed_anew_with_another_key_is_found(hospital: Hospital) -> None:
    forger = FakeSigner()
    head = hospital.fakes.chain.closed[TUESDAY].head
    forged = Seal(head=head, signature=forger.sign(head.statement), public_key=forger.public_key())
    hospital.fakes.chain.closed[TUESDAY] = forged
    assert hospital.found() == {(TUESDAY, "signature")}


def test_a_trail_signed_anew_as_a_whole_is_found_with_a_pinned_key(hospital: Hospital) -> None:
    genuine, forger = hospital.signer.public_key(), FakeSigner()
    for day, seal in hospital.fakes.chain.closed.items():
        signature = forger.sign(seal.head.statement)
        hospital.fakes.chain.closed[day] = Seal(
            head=seal.head, signature=signature, public_key=forger.public_key()
        )
    assert hospital.found() == set()
    kinds = {kind for _, kind in hospital.found(pinned_key=genuine)}
    assert kinds == {"signature"}


def test_a_day_taken_out_is_found(hospital: Hospital) -> None:
    del hospital.fakes.chain.closed[TUESDAY]
    assert (TUESDAY + timedelta(days=1), "day") in hospital.found()


def test_a_day_that_does_not_follow_the_one_before_is_found(hospital: Hospital) -> None:
    head = hospital.fakes.chain.closed[TUESDAY].head.model_copy(update={"previous_head": "0" * 64})
    hospital.fakes.chain.closed[TUESDAY] = Seal(
        head=head,
        signature=hospital.signer.sign(head.statement),
        public_key=hospital.signer.public_key(),
    )
    assert hospital.found() == {(TUESDAY, "day")}


def test_an_entry_edited_deleted_or_inserted_in_the_table_is_found(hospital: Hospital) -> None:
    entries = hospital.fakes.audit.entries
    genuine = list(entries)
    entries[0] = entries[0].model_copy(update={"actor": "sub-eve"})
    assert hospital.found() == {(MONDAY, "edited")}
    entries[:] = genuine[1:]
    assert hospital.found() == {(MONDAY, "deleted")}
    entries[:] = [*genuine, genuine[0].model_copy(update={"entry_id": new_id()})]
    assert hospital.found() == {(MONDAY, "inserted")}


def test_entries_that_are_still_on_their_way_are_no_finding(hospital: Hospital) -> None:
    last = hospital.fakes.audit.entries[-1]
    hospital.fakes.audit.entries.append(last.model_copy(update={"entry_id": new_id()}))
    assert hospital.found() == set()


def test_entries_are_listed_by_day_actor_and_subject(hospital: Hospital) -> None:
    audit, entries = hospital.client.audit, hospital.fakes.audit.entries
    assert [entry.entry_id for entry in audit.entries(day=MONDAY)] == [
        entry.entry_id for entry in reversed(entries[:5])
    ]
    assert len([e for e in audit.entries(actor="sub-ada") if e.action == "patient.read"]) == 15
    (one,) = audit.entries(subject=entries[0].subject)
    assert one.entry_id == entries[0].entry_id
    assert next(audit.entries()).actor == "sub-root"  # today's: the admin's own asking
    assert isinstance(audit.day(MONDAY), AuditDay)


def test_only_admins_get_at_the_trail(hospital: Hospital) -> None:
    record = hospital.fakes.people.person("sub-root")
    hospital.fakes.people.records["sub-root"] = record.model_copy(update={"role": Role.DOCTOR})
    for ask in (hospital.client.audit.verify, lambda: list(hospital.client.audit.entries())):
        with pytest.raises(ForbiddenError):
            ask()


def test_two_questions_at_once_are_refused_and_no_bad_input_is_a_fault(hospital: Hospital) -> None:
    served, root = hospital._client, {"Authorization": "Bearer sub-root"}
    for query, status in {
        "?actor=a&subject=b": 400,
        "?day=yesterday": 422,
        "?day=2026-11-23&cursor=nonsense": 400,
        "/days?cursor=nonsense": 400,
        "/days/nonsense": 422,
        "/days/2020-01-01": 404,
    }.items():
        assert served.get(f"/v1/audit{query}", headers=root).status_code == status, query


def test_the_command_lists_and_verifies(
    hospital: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connected(*args: Any, **kwargs: Any) -> Triagelens:
        return Triagelens(*args, **{**kwargs, "transport": hospital})

    monkeypatch.setattr("triagelens_client.cli.connection.Triagelens", connected)
    environment = {"TRIAGELENS_CONFIG_DIR": str(tmp_path), "TRIAGELENS_API_URL": API, "COLUMNS": "220"}

    def run(*arguments: object) -> Any:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], env=environment)

    assert run("sign-in", "root", "--password", PASSWORD).exit_code == 0
    listed = run("audit", "list", "--day", "2026-11-23", "--json")
    assert [json.loads(line)["action"] for line in listed.stdout.splitlines()] == ["patient.read"] * 5
    assert "patient.read" in run("audit", "list", "--actor", "sub-ada", "--limit", 3).stdout
    whole = run("audit", "verify")
    assert (whole.exit_code, "3 days with 15 entries" in whole.stderr) == (0, True)
    assert audit_check.fingerprint(hospital.signer.public_key()) in whole.stderr
    pem = tmp_path / "key.pem"
    pem.write_bytes(
        hospital.signer.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    assert run("audit", "verify", "--key", pem, "--since", "2026-11-24").exit_code == 0
    hospital.export(edited(hospital.links()))
    broken = run("audit", "verify", "--key", pem)
    assert broken.exit_code == 1
    assert "2026-11-23: edited: link 3 does not have its hash" in broken.stderr
    pem.write_text("no key")
    assert run("audit", "verify", "--key", pem).exit_code == 1
