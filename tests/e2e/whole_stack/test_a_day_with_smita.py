"""A day with SMITA: its app knows its own paths and fields, and the token of its own login."""

import uuid
from dataclasses import dataclass
from typing import Any

import httpx

from tests.e2e.whole_stack.files import blurred, sharp
from tests.e2e.whole_stack.stack import CODE, PASSWORD, Stack, until

RESET_CODE = "654321"  # the laptop cloud's for every forgotten password
NEW_PASSWORD = "Another-unusual-43-words"
FORM = {
    "consent": "true",
    "name": "Zipporah Canarydottir",
    "age": "54",
    "symptoms": "burning, pain",
    "site": "left cheek",
    "tobacco": "current",
    "Dentures?": "no",
}
Told = dict[str, Any]


@dataclass
class Smita:
    """The app on somebody's phone."""

    http: httpx.Client
    username: str
    token: str | None = None

    @property
    def email(self) -> str:
        return f"{self.username}@example.org"

    def ask(self, method: str, path: str, expected: int = 200, **request: Any) -> Told:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = self.http.request(method, f"/compat/smita{path}", headers=headers, **request)
        assert answer.status_code == expected, answer.text
        told: Told = answer.json()
        return told

    def sign_up(self) -> None:
        account = {"username": self.username, "email": self.email, "password": PASSWORD, "name": "Greta"}
        self.ask("POST", "/signup", 201, json=account)
        self.ask("POST", "/login", 401, json={"username": self.username, "password": PASSWORD})
        self.ask("POST", "/verify-otp", json={"username": self.username, "otp": CODE})

    def login(self, password: str = PASSWORD) -> Told:
        told = self.ask("POST", "/login", json={"username": self.username, "password": password})
        self.token = told["access_token"]
        user: Told = told["user"]
        return user

    def answer_to(self, data: bytes) -> tuple[int, Told] | None:
        """Status and body of a form's answer; None as long as its photo is being analysed."""
        answer = self.http.post(
            "/compat/smita/form_submit",
            headers={"Authorization": f"Bearer {self.token}"},
            data=FORM,
            files={"image": ("mouth.jpg", data)},
        )
        return None if answer.status_code == 202 else (answer.status_code, answer.json())

    def submit(self, data: bytes) -> tuple[int, Told]:
        """Sends the form, and again as long as its photo is being analysed, as the app does."""
        return until(lambda: self.answer_to(data), "the photo is analysed")


def app(strict: Stack, role: str) -> Smita:
    return Smita(strict.http(), f"smita-{role}-{uuid.uuid4().hex[:8]}")


def test_a_health_worker_signs_up_submits_a_form_and_talks_about_it(strict: Stack) -> None:
    faults = len(strict.faults)
    admin = strict.grant(strict.person("admin"), "admin")
    worker, office = app(strict, "greta"), Smita(strict.http(), admin.username, admin.access_token)

    worker.sign_up()
    me = worker.login()
    assert (me["username"], me["email"], me["role"]) == (worker.username, worker.email, "patient")
    status, refused = worker.submit(sharp(431))
    assert (status, refused["code"]) == (403, "forbidden")
    assert "POST /v1/images" in refused["error"]
    made = admin.ask("PATCH", f"/v1/users/{me['id']}", json={"role": "gp"})  # of which SMITA has no route
    assert made.status_code == 200, made.text

    def among_the_users() -> bool:
        told = office.ask("GET", "/admin/users", params={"limit": 100})
        users = list(told["users"])
        while told["cursor"] is not None:
            told = office.ask("GET", "/admin/users", params={"cursor": told["cursor"]})
            users += told["users"]
        return ("gp", me["id"]) in [(user["role"], user["id"]) for user in users]

    until(among_the_users, "the new gp is among the users")  # by an index, which lags a little

    status, told = worker.submit(blurred())
    assert (status, told["code"]) == (400, "blurred")
    status, found = worker.submit(sharp(432))
    assert status == 200, found
    assert found["prediction"] in ("Normal", "Lesion")
    assert 0 <= found["confidence"] <= 1
    assert found["demonstration"] is True
    smita_id = found["smita_id"]
    assert worker.submit(sharp(432)) == (200, found)

    said = worker.ask("POST", "/add-comment", 201, json={"smita_id": smita_id, "comment": "Left cheek."})
    changed = {"comment_id": said["comment_id"], "comment": "Right cheek."}
    worker.ask("PUT", f"/edit-comment/{smita_id}", json=changed)
    told = worker.ask("GET", f"/get-comments/{smita_id}")
    assert [(c["comment"], c["author"]) for c in told["comments"]] == [("Right cheek.", me["id"])]

    assert worker.ask("GET", "/check_feedback")["submitted"] is False
    worker.ask("POST", "/submit_feedback", 201, json={"rating": 5, "feedback": "Fast."})
    assert worker.ask("GET", "/check_feedback")["submitted"] is True
    until(
        lambda: me["id"] in [f["user_id"] for f in office.ask("GET", "/admin/feedbacks")["feedbacks"]],
        "the feedback is listed",
    )
    assert worker.ask("DELETE", "/reset-feedback", 403)["code"] == "forbidden"
    assert office.ask("DELETE", "/reset-feedback")["more"] is False
    assert worker.ask("GET", "/check_feedback")["submitted"] is False
    assert strict.faults[faults:] == []


def test_a_forgotten_password_is_replaced_by_mail(strict: Stack) -> None:
    worker = app(strict, "ada")
    worker.sign_up()
    worker.login()
    worker.ask("POST", "/forgot-password", json={"username": worker.username})
    new = {"username": worker.username, "otp": RESET_CODE, "new_password": NEW_PASSWORD}
    worker.ask("POST", "/reset-password", json=new)
    worker.ask("GET", "/check_feedback", 401)  # every session has ended
    worker.token = None
    worker.ask("POST", "/login", 401, json={"username": worker.username, "password": PASSWORD})

    def in_again() -> bool:
        """A token of the very second in which sessions ended does not count, and is not given out."""
        body = {"username": worker.username, "password": NEW_PASSWORD}
        answer = worker.http.post("/compat/smita/login", json=body)
        assert answer.status_code in (200, 429), answer.text
        return answer.status_code == 200

    until(in_again, "the new password lets in")
    worker.login(NEW_PASSWORD)
    assert worker.ask("GET", "/check_feedback")["submitted"] is False
