"""Several readers of one case: blind until all are in, then agreeing, or settled by somebody else."""

import json
from typing import Any

import pytest
from httpx import Response

from tests.cloud import REGION
from tests.integration.api.conftest import Api
from tests.integration.api.test_api_cases import case, change, image
from triagelens.adapters.dynamodb.panels import DynamoPanels
from triagelens.domain.ids import new_id
from triagelens.domain.people import Role

Person = dict[str, str]
SECRET = "A cataract, I would say."


@pytest.fixture
def doctors(api: Api) -> list[Person]:
    return [api.sign_up(name, Role.DOCTOR) for name in ("anna", "bert", "cleo", "dora")]


def label(api: Api, reader: Person, case_id: str, name: str) -> Response:
    body = {"correct_label": name, "notes": SECRET if name == "cataract" else "Fine."}
    answer: Response = api.client.put(f"/v1/cases/{case_id}/label", json=body, headers=reader)
    return answer


def get(api: Api, person: Person, path: str) -> Any:
    answer = api.client.get(f"/v1/{path}", headers=person)
    assert answer.status_code == 200, answer.text
    return answer.json()


def adjudicate(api: Api, person: Person, case_id: str, name: str = "cataract") -> Response:
    body = {"correct_label": name, "reason": "The lens is opaque."}
    answer: Response = api.client.post(f"/v1/cases/{case_id}/adjudicate", json=body, headers=person)
    return answer


def read(api: Api, readers: list[Person], *labels: str, **more: Any) -> str:
    """A case that as many blind readers have labelled."""
    case_id: str = case(api, readers[0], readers_wanted=len(labels), **more)["case_id"]
    for reader, name in zip(readers, labels, strict=False):
        assert label(api, reader, case_id, name).status_code == 200
    return case_id


def test_a_blind_reader_learns_of_nobodys_label_until_all_are_in(api: Api, doctors: list[Person]) -> None:
    anna, bert, cleo, _ = doctors
    case_id = case(api, anna, readers_wanted=3)["case_id"]
    assert label(api, anna, case_id, "cataract").status_code == 200
    for reader in (bert, cleo):
        for path in ("labels", "history", "agreement", ""):
            told = api.client.get(f"/v1/cases/{case_id}/{path}".rstrip("/"), headers=reader)
            assert told.status_code == 200
            assert SECRET not in told.text
            assert "cataract" not in json.dumps(told.json() | {"images": []})
    assert [entry["correct_label"] for entry in get(api, anna, f"cases/{case_id}/labels")["items"]] == [
        "cataract"
    ]
    assert SECRET in json.dumps(get(api, anna, f"cases/{case_id}/history"))
    label(api, bert, case_id, "cataract")
    reading = get(api, cleo, f"cases/{case_id}")["reading"]
    assert (reading["readers_in"], reading["state"], reading["training_label"]) == (2, "reading", None)
    label(api, cleo, case_id, "cataract")
    assert len(get(api, bert, f"cases/{case_id}/labels")["items"]) == 3
    assert SECRET in json.dumps(get(api, bert, f"cases/{case_id}/history"))
    reading = get(api, bert, f"cases/{case_id}")["reading"]
    assert (reading["state"], reading["training_label"]) == ("agreed", "cataract")


def test_a_blind_label_can_be_thought_over_until_all_are_in_and_not_after(
    api: Api, doctors: list[Person]
) -> None:
    anna, bert, cleo, _ = doctors
    case_id = case(api, anna, readers_wanted=2)["case_id"]
    label(api, anna, case_id, "normal")
    label(api, anna, case_id, "cataract")
    label(api, bert, case_id, "cataract")
    assert get(api, anna, f"cases/{case_id}")["reading"]["training_label"] == "cataract"
    for reader in (anna, cleo):
        assert label(api, reader, case_id, "normal").status_code == 409
    assert get(api, anna, "agreement?specialty=eye")["fleiss"][0]["cases"] == 1


def test_a_disagreement_is_settled_by_a_doctor_who_was_no_reader(api: Api, doctors: list[Person]) -> None:
    anna, bert, cleo, dora = doctors
    case_id = case(api, anna, readers_wanted=2)["case_id"]
    assert adjudicate(api, dora, case_id).status_code == 409
    label(api, anna, case_id, "cataract")
    label(api, bert, case_id, "normal")
    [listed] = get(api, cleo, "disputed-cases?specialty=eye")["items"]
    assert (listed["case_id"], listed["reading"]["state"]) == (case_id, "disputed")
    agreement = get(api, cleo, f"cases/{case_id}/agreement")
    assert (agreement["labels"], agreement["observed"]) == ({"cataract": 1, "normal": 1}, 0)
    assert adjudicate(api, anna, case_id).status_code == 403
    assert adjudicate(api, cleo, case_id, "mel").status_code == 400
    settled = adjudicate(api, cleo, case_id)
    assert (settled.status_code, settled.json()["training_label"]) == (200, "cataract")
    assert settled.json()["state"] == "adjudicated"
    assert adjudicate(api, dora, case_id, "normal").status_code == 409
    assert get(api, cleo, "disputed-cases?specialty=eye")["items"] == []
    entry = get(api, anna, f"cases/{case_id}/history")["items"][0]
    assert (entry["action"], entry["after"]) == ("panel.adjudicate", {"training_label": "cataract"})
    assert entry["reason"] == "The lens is opaque."
    assert "case.adjudicate" in [entry["action"] for entry in api.audited()]


def test_a_second_opinion_on_an_ordinary_case_can_disagree_too(api: Api, doctors: list[Person]) -> None:
    anna, bert, cleo, _ = doctors
    case_id = case(api, anna)["case_id"]
    label(api, anna, case_id, "normal")
    label(api, anna, case_id, "cataract")
    assert get(api, anna, f"cases/{case_id}")["reading"]["training_label"] == "cataract"
    label(api, bert, case_id, "normal")
    reading = get(api, anna, f"cases/{case_id}")["reading"]
    assert (reading["state"], reading["training_label"]) == ("disputed", None)
    adjudicate(api, cleo, case_id)
    assert label(api, anna, case_id, "normal").status_code == 409
    # It was no blind reading: it says nothing about how far readers agree.
    assert get(api, anna, "agreement?specialty=eye") == {"specialty": "eye", "cohen": [], "fleiss": []}


def test_the_number_of_readers_is_asked_for_before_the_first_label(api: Api, doctors: list[Person]) -> None:
    gp = api.sign_up("greta", Role.GP)
    case_id = case(api, gp)["case_id"]
    address = f"/v1/cases/{case_id}/readers"
    asked = api.client.put(address, json={"readers_wanted": 2}, headers=gp)
    assert (asked.status_code, asked.json()["readers_wanted"]) == (200, 2)
    for wrong in (0, 10, "x"):
        assert api.client.put(address, json={"readers_wanted": wrong}, headers=gp).status_code == 422
    label(api, doctors[0], case_id, "normal")
    assert api.client.put(address, json={"readers_wanted": 1}, headers=gp).status_code == 409
    change(api, gp, f"{case_id}/reject", {"reason": "Blurred."}, 1)
    other = case(api, gp)["case_id"]
    change(api, gp, f"{other}/reject", {"reason": "Blurred."}, 1)
    refused = api.client.put(f"/v1/cases/{other}/readers", json={"readers_wanted": 2}, headers=gp)
    assert refused.status_code == 409


def test_kappa_comes_from_what_was_counted(api: Api, doctors: list[Person]) -> None:
    anna, bert, cleo, _ = doctors
    ids = {name: get(api, person, "me")["id"] for name, person in zip("abc", (anna, bert, cleo), strict=True)}
    for first, second in [
        ("cataract", "cataract"),
        ("normal", "normal"),
        ("normal", "normal"),
        ("cataract", "normal"),
    ]:
        read(api, [anna, bert], first, second)
    read(api, [anna, cleo], "normal", "normal")
    read(api, [anna, bert, cleo], "cataract", "cataract", "normal")
    found = get(api, cleo, "agreement?specialty=eye")
    pairs = {frozenset(entry["readers"]): entry for entry in found["cohen"]}
    of_two = pairs[frozenset({ids["a"], ids["b"]})]
    # Observed 3/4; by chance 2/4 * 1/4 + 2/4 * 3/4 = 1/2; kappa 1/2.
    assert (of_two["cases"], of_two["observed"], of_two["expected"], of_two["kappa"]) == (4, 0.75, 0.5, 0.5)
    assert pairs[frozenset({ids["a"], ids["c"]})]["kappa"] is None
    panels = {entry["readers"]: entry for entry in found["fleiss"]}
    assert (panels[2]["cases"], panels[3]["cases"]) == (5, 1)
    # One case read 2:1: observed 1/3; by chance (2/3)^2 + (1/3)^2 = 5/9; kappa -1/2.
    assert panels[3]["kappa"] == pytest.approx(-0.5)
    assert get(api, cleo, "agreement?specialty=skin")["fleiss"] == []
    assert api.client.get("/v1/agreement?specialty=feet", headers=cleo).status_code == 422


def test_gold_cases_measure_readers_and_nobody_can_tell_them_apart(api: Api, doctors: list[Person]) -> None:
    anna, bert, *_ = doctors
    admin = api.sign_up("root", Role.ADMIN)
    plain, gold = (case(api, anna)["case_id"] for _ in range(2))
    address = f"/v1/cases/{gold}/gold"
    assert api.client.put(address, json={"correct_label": "mel"}, headers=admin).status_code == 400
    assert api.client.put(address, json={"correct_label": "normal"}, headers=anna).status_code == 403
    assert api.client.put(address, json={"correct_label": "cataract"}, headers=admin).status_code == 200
    again = api.client.put(address, json={"correct_label": "normal"}, headers=admin)
    assert (again.status_code, again.json()["correct_label"]) == (200, "normal")
    for path in ("", "/history", "/labels", "/agreement"):
        both = [api.client.get(f"/v1/cases/{case_id}{path}", headers=bert) for case_id in (plain, gold)]
        shapes = [_shape(answer.json()) for answer in both]
        assert shapes[0] == shapes[1]
    label(api, anna, gold, "normal")
    label(api, bert, gold, "cataract")
    found = get(api, admin, "reader-accuracy?specialty=eye")["readers"]
    ids = [get(api, person, "me")["id"] for person in (anna, bert)]
    measured = {entry["reader"]: (entry["read"], entry["right"], entry["accuracy"]) for entry in found}
    assert measured == {ids[0]: (1, 1, 1.0), ids[1]: (1, 0, 0.0)}
    assert found[0]["by_label"][0]["correct_label"] == "normal"
    assert api.client.get("/v1/reader-accuracy?specialty=eye", headers=anna).status_code == 403
    assert api.client.delete(address, headers=admin).status_code == 204
    assert api.client.delete(address, headers=admin).status_code == 404
    assert get(api, admin, "reader-accuracy?specialty=eye")["readers"] == []
    told = [
        (entry["action"], entry["subject"]) for entry in api.audited() if entry["action"].startswith("gold.")
    ]
    assert sorted(told) == [("gold.remove", gold), ("gold.set", gold), ("gold.set", gold)]


def _shape(answer: Any) -> Any:
    """What an answer has, less the values that differ from case to case."""
    if isinstance(answer, dict):
        return {name: _shape(value) for name, value in answer.items()}
    if isinstance(answer, list):
        return [_shape(entry) for entry in answer]
    return answer if isinstance(answer, bool) or answer is None else type(answer).__name__


def test_only_decided_labels_of_cases_that_nobody_rejected_teach(api: Api, doctors: list[Person]) -> None:
    anna, bert, cleo, _ = doctors
    agreed = read(api, [anna, bert], "normal", "normal")
    disputed = read(api, [anna, bert], "normal", "cataract")
    read(api, [anna, bert], "normal", "cataract")
    half_read = case(api, anna, readers_wanted=2)["case_id"]
    label(api, anna, half_read, "normal")
    rejected = read(api, [anna], "cataract")
    change(api, anna, f"{rejected}/reject", {"reason": "Another eye."}, 1)
    adjudicate(api, cleo, disputed)
    found = list(DynamoPanels("casework", REGION).training_cases("eye"))
    assert [(entry.case_id, entry.training_label) for entry in found] == [
        (disputed, "cataract"),
        (agreed, "normal"),
    ]
    assert all(len(entry.image_ids) == 1 for entry in found)


def test_strangers_and_missing_cases_are_told_apart_by_nobody(api: Api, doctors: list[Person]) -> None:
    gp, admin = api.sign_up("stranger", Role.GP), api.sign_up("root", Role.ADMIN)
    case_id = case(api, doctors[0], image(api, doctors[0]))["case_id"]
    answers = [
        api.client.put(f"/v1/cases/{which}/readers", json={"readers_wanted": 2}, headers=gp)
        for which in (case_id, new_id(), "nonsense")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({json.dumps({**answer.json(), "correlation_id": ""}) for answer in answers}) == 1
    for path in ("adjudicate", "agreement", "gold"):
        method = {"adjudicate": "POST", "agreement": "GET", "gold": "DELETE"}[path]
        missing = api.client.request(
            method,
            f"/v1/cases/{new_id()}/{path}",
            json={"correct_label": "normal", "reason": "x"} if method == "POST" else None,
            headers=admin,
        )
        assert missing.status_code == 404
    assert api.client.get("/v1/disputed-cases?specialty=eye&cursor=x", headers=admin).status_code == 400
