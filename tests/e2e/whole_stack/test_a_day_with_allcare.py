"""A day with AllCare: the app on the phones of a gp, a doctor and an admin.

It knows its own paths and fields, case numbers, and the token of its login.
"""

from typing import Any

import httpx

from tests.e2e.whole_stack.files import blurred, sharp
from tests.e2e.whole_stack.learning import ingest
from tests.e2e.whole_stack.stack import PASSWORD, Person, Stack, until

DRAWN = {
    "strokes": [{"points": [[20, 20], [60, 40]], "width": 2}],
    "boxes": [{"x": 15, "y": 15, "width": 60, "height": 40}],
}


class Phone:
    """A phone with the app, signed in."""

    def __init__(self, stack: Stack, person: Person, role: str) -> None:
        self._http = stack.http()
        entered = self._http.post(
            "/compat/allcare/auth/login", json={"username": person.username, "password": PASSWORD}
        ).json()
        assert entered["token_type"] == "bearer"
        assert (entered["user"]["user_id"], entered["user"]["role"]) == (person.username, role)
        self._headers = {"Authorization": f"Bearer {entered['access_token']}"}

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.request(method, f"/compat/allcare{path}", headers=self._headers, **request)

    def told(self, method: str, path: str, **request: Any) -> Any:
        """The answer to a request that succeeds."""
        answer = self.ask(method, path, **request)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def check(self, case_id: int, data: bytes) -> httpx.Response:
        """Sends a photo until its finding, or what is wrong with it, is there."""
        sent = {"params": {"case_id": case_id}, "files": {"file": ("lesion.jpg", data)}}

        def look() -> list[httpx.Response]:
            answer = self.ask("POST", "/check-image", **sent)
            return [] if answer.status_code == 202 else [answer]

        (answer,) = until(look, "the photo is looked at")
        return answer

    def new_case(self, seed: int) -> int:
        """A number, and a photo that opens its case."""
        case_id: int = self.told("POST", "/cases/next-id")["case_id"]
        answer = self.check(case_id, sharp(seed))
        assert answer.status_code == 200, answer.text
        return case_id

    def candidates(self) -> list[int]:
        found = self.told("POST", "/active-learning/candidates", json={"top_k": 50})["candidates"]
        return [candidate["case_id"] for candidate in found]


def test_a_day_with_the_app(strict: Stack) -> None:
    faults = len(strict.faults)
    people = {role: strict.grant(strict.person(role), role) for role in ("gp", "doctor", "admin")}
    gp, doctor, admin = (Phone(strict, person, role) for role, person in people.items())
    assert gp.told("GET", "/health") == {"status": "ok"}

    first = gp.told("POST", "/cases/next-id")["case_id"]
    assert first >= 10_000
    refused = gp.check(first, blurred())
    assert (refused.status_code, refused.json()["detail"]) == (400, "Too Blurry")
    found = gp.check(first, sharp(451)).json()
    confidences = [entry["confidence"] for entry in found["predictions"]]
    assert (found["status"], found["case_id"], len(confidences)) == ("ok", first, 7)
    assert confidences == sorted(confidences, reverse=True)
    assert found["blur_score"] > refused.json()["blur_score"]
    log = {"case_id": first, "final_diagnosis": found["predictions"][0]["label"], "notes": "Itches"}
    assert gp.told("POST", "/cases", json=log)["case_status"] == "confirmed"

    unsure = gp.new_case(452)
    doubt = {"case_id": unsure, "reason": "The border is not clear"}
    assert gp.told("POST", "/cases/uncertain", json=doubt)["case_status"] == "uncertain"
    aside = gp.new_case(453)
    told = gp.told("POST", "/cases/reject", json={"case_id": aside, "reason": "Not skin"})
    assert told["case_status"] == "rejected"
    spare = gp.told("POST", "/cases/next-id")
    gp.told("POST", "/cases/release-id", json=spare)

    mine = gp.told("GET", "/cases")
    assert [(case["case_id"], case["status"]) for case in mine] == [
        (aside, "rejected"),
        (unsure, "uncertain"),
        (first, "confirmed"),
    ]
    assert mine[2]["predictions"] == found["predictions"]
    seen = doctor.told("GET", "/cases", params={"status": "uncertain", "limit": 100})
    assert unsure in [case["case_id"] for case in seen]

    until(lambda: unsure in doctor.candidates(), "the uncertain case is ranked")
    drawn = {"image_index": 0, "correct_label": "mel", "annotations": DRAWN}
    assert gp.ask("POST", f"/cases/{unsure}/annotations", json=drawn).status_code == 403
    doctor.told("POST", f"/cases/{unsure}/annotations", json=drawn)
    assert unsure not in doctor.candidates()
    doctor.told("PUT", f"/cases/{unsure}", json={"final_diagnosis": "Melanoma"})
    assert gp.told("GET", "/cases", params={"limit": 2})[1]["final_diagnosis"] == "Melanoma"

    for case_id in (first, *(gp.new_case(seed) for seed in (454, 455, 456))):
        doctor.told("POST", f"/cases/{case_id}/label", json={"correct_label": "nv"})
    assert doctor.ask("POST", "/model/retrain").status_code == 403
    assert admin.told("POST", "/model/retrain", json={"epochs": 1})["status"] == "started"
    assert doctor.told("GET", "/model/retrain-status")["status"] == "in_progress"
    behind_the_scenes(strict, people["admin"])
    assert doctor.told("GET", "/model/retrain-status")["status"] == "error"  # an operator has cancelled it
    assert strict.faults[faults:] == []


def behind_the_scenes(stack: Stack, operator: Person) -> None:
    """The labels become a snapshot, which the training waits for; then the training is cancelled."""
    jobs = operator.ask("GET", "/v1/training-jobs").json()["items"]
    training, ingestion = jobs[:2]
    assert (training["kind"], ingestion["kind"]) == ("train", "ingest")
    ingest(stack.cloud, ingestion["job_id"])
    dataset = operator.ask("GET", f"/v1/datasets/{training['dataset_id']}").json()
    assert dataset["status"] == "ready", dataset
    assert {"nv", "mel"} <= set(dataset["counts"])
    waiting = operator.ask("GET", f"/v1/training-jobs/{training['job_id']}").json()
    assert waiting["status"] == "queued"
    operator.ask("POST", f"/v1/training-jobs/{training['job_id']}/cancel")
