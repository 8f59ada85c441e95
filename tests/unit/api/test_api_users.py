"""People's accounts, as admins change them over HTTP."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.fake_people import FIRST_PASSWORD
from tests.fakes import RIGHT_CODE, FakePeople
from tests.unit.api.conftest import Fakes
from triagelens.domain.errors import ConflictError
from triagelens.domain.people import Person, Role

EVE = {"username": "eve", "email": "eve@example.org", "role": "doctor", "name": "Eve"}
Told = tuple[int, dict[str, Any]]


class Office:
    """An admin at work."""

    def __init__(self, client: TestClient, fakes: Fakes) -> None:
        self.client, self.fakes = client, fakes
        self.admin = fakes.person("admin", Role.ADMIN)

    def ask(self, method: str, path: str, by: dict[str, str] | None = None, /, **body: Any) -> Told:
        url = f"/v1/users{path}"
        answer = self.client.request(method, url, json=body or None, headers=by or self.admin)
        return answer.status_code, answer.json() if answer.content else {}

    def me(self, headers: dict[str, str]) -> int:
        status: int = self.client.get("/v1/me", headers=headers).status_code
        return status

    def trail(self) -> list[tuple[str, str, str, str | None]]:
        return [(e.action, e.subject, e.outcome, e.reason) for e in self.fakes.audit.entries]


@pytest.fixture
def office(client: TestClient, fakes: Fakes) -> Office:
    return Office(client, fakes)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", {}),
        ("POST", "", EVE),
        ("GET", "/sub-admin", {}),
        ("PATCH", "/sub-admin", {"role": "patient"}),
        ("DELETE", "/sub-admin", {}),
        ("POST", "/sub-admin/reset-password", {}),
        ("POST", "/sub-admin/reset-authenticator", {}),
    ],
)
def test_only_admins_get_at_other_people(
    office: Office, role: Role, method: str, path: str, body: dict[str, Any]
) -> None:
    somebody = office.fakes.person("somebody", role)
    status, told = office.ask(method, path, somebody, **body)
    assert (status, told["code"]) == (403, "forbidden")
    assert office.me(office.admin) == 200
    (entry,) = office.fakes.audit.entries
    assert (entry.actor, entry.outcome) == ("sub-somebody", "denied")


def test_somebody_is_invited_with_a_role_and_changes_the_first_password(office: Office) -> None:
    status, told = office.ask("POST", "", **EVE)
    assert status == 201
    assert (told["username"], told["role"], told["name"], told["disabled"]) == ("eve", "doctor", "Eve", False)
    assert office.fakes.directory.invitations == ["eve"]
    assert office.fakes.directory.groups == {"eve": Role.DOCTOR}
    assert FIRST_PASSWORD not in str(told)
    first = {"username": "eve", "password": FIRST_PASSWORD}
    asked = office.client.post("/v1/auth/sign-in", json=first)
    assert asked.json()["challenge"] == "NEW_PASSWORD_REQUIRED"
    accepted = office.client.post("/v1/auth/sign-in", json={**first, "new_password": "correct-Horse-9"})
    assert accepted.status_code == 200
    assert office.trail()[0] == ("person.create", "sub-eve", "allowed", "role doctor")
    assert "eve@" not in "".join(entry.model_dump_json() for entry in office.fakes.audit.entries)


def test_a_taken_name_or_address_is_a_conflict(office: Office) -> None:
    office.ask("POST", "", **EVE)
    assert office.ask("POST", "", **EVE)[0] == 409
    assert office.ask("POST", "", **{**EVE, "username": "eva"})[0] == 409
    assert office.fakes.people.person("sub-eve").role is Role.DOCTOR


def test_an_invitation_whose_record_was_never_written_is_taken_up_again(office: Office) -> None:
    office.ask("POST", "", **EVE)
    del office.fakes.people.records["sub-eve"]
    assert office.ask("POST", "", **{**EVE, "email": "mallory@example.org"})[0] == 409
    assert office.ask("POST", "", **EVE)[0] == 201
    assert office.fakes.people.person("sub-eve").role is Role.DOCTOR


def test_nobody_makes_a_patient_of_an_invitation_whose_record_was_never_written(office: Office) -> None:
    office.ask("POST", "", **EVE)
    del office.fakes.people.records["sub-eve"]
    body = {"username": "eve", "code": RIGHT_CODE}
    assert office.client.post("/v1/auth/confirm", json=body).status_code == 400
    assert "sub-eve" not in office.fakes.people.records


def test_an_invitation_never_takes_over_an_account_that_somebody_made_themselves(office: Office) -> None:
    office.fakes.identity.sign_up("eve", "chosen-by-Mallory-1", "eve@example.org", None)
    assert office.ask("POST", "", **EVE)[0] == 409
    assert "sub-eve" not in office.fakes.people.records


def test_a_changed_role_holds_for_the_next_request(office: Office) -> None:
    doc = office.fakes.person("doc", Role.DOCTOR)
    assert office.client.get("/v1/models", headers=doc).status_code == 200
    status, told = office.ask("PATCH", "/sub-doc", role="patient")
    assert (status, told["role"]) == (200, "patient")
    assert office.client.get("/v1/models", headers=doc).status_code == 403
    assert office.fakes.directory.groups == {"doc": Role.PATIENT}


def test_a_disabled_person_is_turned_away_at_once_and_let_in_again(office: Office) -> None:
    doc = office.fakes.person("doc", Role.DOCTOR)
    assert office.ask("PATCH", "/sub-doc", disabled=True)[1]["disabled"] is True
    assert office.me(doc) == 403
    assert office.fakes.directory.disabled == {"doc"}
    assert office.ask("PATCH", "/sub-doc", disabled=False)[1]["disabled"] is False
    assert office.me(doc) == 200
    assert office.fakes.directory.disabled == set()


def test_repeating_a_change_completes_it(office: Office) -> None:
    office.fakes.person("doc", Role.DOCTOR)
    office.ask("PATCH", "/sub-doc", disabled=True, role="gp")
    office.fakes.directory.disabled.clear()  # as if the provider had not answered
    office.fakes.directory.groups.clear()
    assert office.ask("PATCH", "/sub-doc", disabled=True, role="gp")[0] == 200
    assert office.fakes.directory.disabled == {"doc"}
    assert office.fakes.directory.groups == {"doc": Role.GP}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/sub-admin", {"role": "patient"}),
        ("PATCH", "/sub-admin", {"disabled": True}),
        ("DELETE", "/sub-admin", {}),
        ("POST", "/sub-admin/reset-authenticator", {}),
    ],
)
def test_admins_cannot_remove_themselves(
    office: Office, method: str, path: str, body: dict[str, Any]
) -> None:
    status, told = office.ask(method, path, **body)
    assert (status, told["code"]) == (409, "conflict")
    assert office.me(office.admin) == 200
    assert [entry.outcome for entry in office.fakes.audit.entries] == ["denied"]


def test_admins_may_change_their_own_name_and_confirm_their_own_role(office: Office) -> None:
    assert office.ask("PATCH", "/sub-admin", name="Root", role="admin")[1]["name"] == "Root"


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_two_admins_cannot_remove_each_other_at_the_same_moment(
    office: Office, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.fakes.person("other", Role.ADMIN)
    people, change = office.fakes.people, FakePeople.change_person

    def late(person: Person, admin: Person) -> Person:
        """The other admin has meanwhile taken this one's role away."""
        demoted = people.person("sub-admin").model_copy(update={"role": Role.PATIENT})
        change(people, demoted, people.person("sub-other"))
        return change(people, person, admin)

    monkeypatch.setattr(people, "change_person", late)
    body = {"role": "patient"} if method == "PATCH" else {}
    assert office.ask(method, "/sub-other", **body)[0] == 409
    assert people.person("sub-other").role is Role.ADMIN
    assert not people.person("sub-other").disabled


def test_a_deleted_person_is_gone_and_the_trail_stays(office: Office) -> None:
    office.ask("POST", "", **EVE)
    eve = {"Authorization": "Bearer sub-eve"}
    assert office.me(eve) == 200
    assert office.ask("DELETE", "/sub-eve") == (204, {})
    assert office.me(eve) == 403
    assert "eve" not in office.fakes.identity.accounts
    assert office.ask("GET", "/sub-eve")[0] == 404
    assert [entry[0] for entry in office.trail() if entry[0].startswith("person.")] == [
        "person.create",
        "person.delete",
    ]


def test_a_deletion_that_failed_half_way_holds_at_once_and_can_be_repeated(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.ask("POST", "", **EVE)

    def broken(person: Person, admin: Person) -> None:
        raise ConflictError("a fault")

    with monkeypatch.context() as patch:
        patch.setattr(office.fakes.people, "remove_person", broken)
        assert office.ask("DELETE", "/sub-eve")[0] == 409
    assert office.me({"Authorization": "Bearer sub-eve"}) == 403
    assert office.ask("DELETE", "/sub-eve")[0] == 204


def test_people_are_listed_by_role_and_name_page_by_page(office: Office) -> None:
    for name, role in (("doc", Role.DOCTOR), ("bob", Role.PATIENT), ("ada", Role.PATIENT), ("gp", Role.GP)):
        office.fakes.person(name, role)
    found, cursor, pages = [], "", 0
    while pages < 10:
        _, told = office.ask("GET", f"?limit=2{cursor}")
        found += [person["username"] for person in told["items"]]
        pages += 1
        if told["cursor"] is None:
            break
        cursor = f"&cursor={told['cursor']}"
    assert found == ["ada", "bob", "gp", "doc", "admin"]
    assert pages == 3
    only = office.ask("GET", "?role=patient")[1]["items"]
    assert [person["username"] for person in only] == ["ada", "bob"]
    assert office.ask("GET", "?cursor=nonsense")[0] == 400
    assert office.ask("GET", "?role=king")[0] == 422


def test_a_reset_takes_the_password_away_and_ends_sessions(office: Office) -> None:
    office.ask("POST", "", **EVE)
    assert office.ask("POST", "/sub-eve/reset-password")[0] == 202
    assert office.fakes.directory.invitations == ["eve", "eve"], "who was only invited is invited again"
    office.fakes.directory.accept("eve")
    assert office.me({"Authorization": "Bearer sub-eve"}) == 200
    assert office.ask("POST", "/sub-eve/reset-password")[0] == 202
    assert office.fakes.directory.resets == ["eve"]
    assert office.me({"Authorization": "Bearer sub-eve"}) == 401


def test_a_lost_authenticator_app_is_forgotten(office: Office) -> None:
    office.ask("POST", "", **EVE)
    office.fakes.directory.accept("eve")
    office.fakes.people.records["sub-eve"] = office.fakes.people.person("sub-eve").model_copy(
        update={"second_factor": True}
    )
    office.fakes.identity.challenges["eve"] = "SOFTWARE_TOKEN_MFA"
    status, told = office.ask("POST", "/sub-eve/reset-authenticator")
    assert (status, told["second_factor"]) == (200, False)
    assert office.fakes.identity.challenges == {}
    assert office.me({"Authorization": "Bearer sub-eve"}) == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/sub-nobody", {}),
        ("PATCH", "/sub-nobody", {"role": "gp"}),
        ("DELETE", "/sub-nobody", {}),
        ("POST", "/sub-nobody/reset-password", {}),
        ("POST", "/sub-nobody/reset-authenticator", {}),
    ],
)
def test_nobody_is_not_found(office: Office, method: str, path: str, body: dict[str, Any]) -> None:
    assert office.ask(method, path, **body)[0] == 404
    assert [(entry.outcome, entry.subject) for entry in office.fakes.audit.entries] == [("denied", "-")]


@pytest.mark.parametrize("body", [{}, {"role": None}, {"role": "king"}, {"sub": "x"}, {"name": ""}])
def test_a_change_says_what_to_change(office: Office, body: dict[str, Any]) -> None:
    answer = office.client.patch("/v1/users/sub-admin", json=body, headers=office.admin)
    assert answer.status_code == 422


def test_people_name_themselves_and_change_nothing_else(office: Office) -> None:
    ada = office.fakes.person("ada")
    answer = office.client.patch("/v1/me", json={"name": "Ada"}, headers=ada)
    assert (answer.status_code, answer.json()["name"]) == (200, "Ada")
    assert office.client.get("/v1/me", headers=ada).json()["name"] == "Ada"
    assert office.client.patch("/v1/me", json={"name": None}, headers=ada).json()["name"] is None
    for body in ({"role": "admin"}, {"name": "Ada", "role": "admin"}, {"disabled": False}, {}):
        assert office.client.patch("/v1/me", json=body, headers=ada).status_code == 422
    assert office.fakes.people.person("sub-ada").role is Role.PATIENT
    assert {entry.reason for entry in office.fakes.audit.entries} == {"name"}


def test_people_choose_whether_they_are_mailed_and_the_rest_stays(office: Office) -> None:
    ada = office.fakes.person("ada", Role.GP)
    assert office.client.get("/v1/me", headers=ada).json()["mail"] is True
    office.client.patch("/v1/me", json={"name": "Ada"}, headers=ada)
    answer = office.client.patch("/v1/me", json={"mail": False}, headers=ada)
    assert (answer.status_code, answer.json()["mail"], answer.json()["name"]) == (200, False, "Ada")
    assert ("person.change", "sub-ada", "allowed", "mail false") in office.trail()
    assert office.client.patch("/v1/me", json={"name": None}, headers=ada).json()["mail"] is False
    for body in ({}, {"mail": None}, {"mail": "perhaps"}):
        assert office.client.patch("/v1/me", json=body, headers=ada).status_code == 422
