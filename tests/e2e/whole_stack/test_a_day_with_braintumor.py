"""A day with the brain tumour system's own clients: the clinic's portal and a patient's.

They know the former paths and fields, the mail that the patient gets, and the header that they send now.
"""

import io
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
import pypdf

from tests.e2e.whole_stack.files import png, sharp
from tests.e2e.whole_stack.mails import invitation
from tests.e2e.whole_stack.stack import PASSWORD, Stack, until

NAME = "Ada Lovelace"


class Portal:
    """A browser with one of the two portals in it."""

    def __init__(self, stack: Stack) -> None:
        self._http = stack.http()
        self._headers: dict[str, str] = {}

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        url = f"/compat/braintumor/api{path}"
        return self._http.request(method, url, headers=self._headers, **request)

    def told(self, method: str, path: str, **request: Any) -> Any:
        """The answer to a request that succeeds, as soon as there is a whole one."""

        def look() -> Any:
            answer = self.ask(method, path, **request)
            assert answer.is_success, answer.text
            assert answer.json()["success"] is True
            return answer.json() if answer.status_code == 200 else None

        return until(look, f"{method} {path}")

    def login(self, door: str, **proof: str) -> Any:
        entered = self.told("POST", f"/{door}/login", json=proof)
        self._headers = {"Authorization": f"Bearer {entered['access_token']}"}
        return entered[door]

    def fetched(self, url: str) -> bytes:
        """What a link leads to, without the token."""
        return self._http.get(url).raise_for_status().content

    def refused(self, method: str, path: str, **request: Any) -> tuple[int, str, str | None]:
        answer = self.ask(method, path, **request)
        body = answer.json()
        assert body["success"] is False
        return answer.status_code, body["code"], body.get("details")


def test_a_day_in_both_portals(strict: Stack) -> None:
    faults = len(strict.faults)
    office = strict.grant(strict.person("office"), "admin")
    clinic, mine = Portal(strict), Portal(strict)

    assert clinic.refused("POST", "/admin/login", json={"username": "admin", "password": "admin"})[:2] == (
        401,
        "NO_DEFAULT_ADMIN",
    )
    assert clinic.login("admin", username=office.username, password=PASSWORD)["role"] == "admin"
    before = clinic.told("GET", "/admin/dashboard/stats")["stats"]

    address = f"ada-{uuid.uuid4().hex[:10]}@example.org"
    added = {"name": NAME, "email": address, "age": 40, "gender": "Female", "phone": "+49 30 901820"}
    patient = clinic.told("POST", "/admin/patients", json=added)["patient"]
    assert patient == clinic.told("GET", f"/admin/patients/{patient['id']}")["patient"]
    assert patient["id"] in [entry["id"] for entry in clinic.told("GET", "/admin/patients")["patients"]]

    scans = {"one.jpg": sharp(441), "two.jpg": sharp(442), "three.png": png(443)}
    sent = {"data": {"patient_id": patient["id"]}, "files": [("files", pair) for pair in scans.items()]}
    found = clinic.told("POST", "/admin/scans/upload", **sent)
    assert [scan["original_filename"] for scan in found["scans"]] == list(scans)
    assert {scan["prediction"] for scan in found["scans"]} <= {"Tumor", "No Tumor", "Inconclusive"}
    assert found["failed"] == []

    def more(name: str) -> int:
        now = clinic.told("GET", "/admin/dashboard/stats")["stats"]
        return int(now[name] - before[name])

    until(lambda: more("total_scans") >= len(scans), "the scans are counted")
    until(lambda: more("total_patients") >= 1, "the patient is counted")

    asked_for = clinic.ask("POST", "/report/generate", json={"patient_id": patient["patient_id"]})
    assert asked_for.status_code in (200, 202), asked_for.text
    of_patient = f"/admin/patients/{patient['id']}/reports"

    def made() -> dict[str, Any] | None:
        (one,) = clinic.told("GET", of_patient)["reports"]
        assert one["report_id"] == asked_for.json()["report_id"]
        return one if one["status"] == "completed" else None

    report = until(made, "the report is made")
    assert report["scan_count"] == len(scans)
    until(lambda: more("total_reports") >= 1, "the report is counted")
    words = [scan["prediction"] for scan in found["scans"]]
    assert (report["tumor_count"], report["no_tumor_count"]) == (
        words.count("Tumor"),
        words.count("No Tumor"),
    )

    username, first = invitation(strict, address)
    proof = {"username": username, "password": first}
    asked = mine.refused("POST", "/patient/login", json=proof)
    assert asked == (401, "CHALLENGE_REQUIRED", "NEW_PASSWORD_REQUIRED")
    assert mine.login("patient", **proof, new_password=PASSWORD)["id"] == patient["id"]
    assert mine.login("patient", username=username, password=PASSWORD)["username"] == username

    def pictures() -> list[dict[str, str]]:
        mine_now: list[dict[str, str]] = mine.told("GET", f"/patient/{patient['id']}/scans")["scans"]
        return mine_now if all(scan["overlay_path"] for scan in mine_now) else []

    listed = until(pictures, "every picture is drawn")
    assert [scan["scan_id"] for scan in listed] == [scan["scan_id"] for scan in reversed(found["scans"])]
    assert mine.fetched(listed[0]["original_path"])[:3] == b"\xff\xd8\xff"
    assert mine.fetched(listed[0]["heatmap_path"])[:4] == b"\x89PNG"
    assert mine.fetched(listed[0]["overlay_path"])[:3] == b"\xff\xd8\xff"

    (mine_report,) = mine.told("GET", f"/patient/{patient['id']}/reports")["reports"]
    assert mine_report == report
    name = report["report_path"].rpartition("/")[2]
    pdf = mine.fetched(mine.told("GET", f"/report/download-by-filename/{name}")["download_url"])
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    assert NAME in text
    leads = mine.ask("GET", f"/report/download/{report['report_id']}")
    assert (leads.status_code, mine.fetched(leads.headers["Location"])) == (302, pdf)

    old_pdf = b"%PDF-1.4 by the former system"
    old = office.client.reports.take_over(
        patient["id"],
        old_pdf,
        system="braintumor",
        reference="REP-1",
        made_at=datetime(2025, 3, 7, 14, 2, tzinfo=UTC),
        audience="patient",
        counts={"scan_count": 7, "tumor_count": 3, "no_tumor_count": 4},
    )
    newest, oldest = mine.told("GET", f"/patient/{patient['id']}/reports")["reports"]
    assert (newest, oldest["report_id"], oldest["scan_count"]) == (report, old.report_id, 7)
    link = mine.told("GET", f"/report/file/{old.report_id}.pdf")["download_url"]
    assert mine.fetched(link) == old_pdf

    for path in ("/admin/patients", f"/admin/patients/{patient['id']}/scans", "/admin/dashboard/stats"):
        assert mine.refused("GET", path)[0] == 403
    other = clinic.told("POST", "/admin/patients", json={"name": "Grace Hopper"})["patient"]
    assert mine.refused("GET", f"/patient/{other['id']}")[0] == 404
    assert Portal(strict).refused("GET", f"/patient/{patient['id']}")[0] == 401
    assert strict.faults[faults:] == []
