"""Annotations through the API's door: what fits the image, whose they are, and there and back as COCO."""

import json
from typing import Any

import pytest
from httpx import Response

from tests.integration.api.conftest import Api
from tests.integration.api.test_api_cases import case, change, image
from tests.integration.api.test_api_panels import label
from tests.integration.api.test_api_way_of_an_image import accept
from triagelens.domain.annotations import MOST_INLINE_BYTES
from triagelens.domain.ids import new_id
from triagelens.domain.people import Role

Person = dict[str, str]
BOX = {"x": 1, "y": 2, "width": 5, "height": 6, "label": "cataract"}
DRAWN: dict[str, Any] = {
    "image_index": 0,
    "correct_label": "normal",
    "strokes": [{"points": [[0, 0], [3.5, 4]], "width": 2}],
    "boxes": [BOX],
    "polygons": [{"points": [[0, 0], [10, 0], [0, 10]]}],
}


@pytest.fixture
def doctor(api: Api) -> Person:
    return api.sign_up("doctor", Role.DOCTOR)


def drawable(api: Api, person: Person, images: int = 1, **more: Any) -> str:
    """A case of images whose working images are 10 x 10 pixels."""
    photos = [image(api, person) for _ in range(images)]
    for photo in photos:
        accept(photo)
    return str(case(api, person, *photos, **more)["case_id"])


def draw(api: Api, person: Person, case_id: str, **changes: Any) -> Response:
    body = {**DRAWN, **changes}
    answer: Response = api.client.post(f"/v1/cases/{case_id}/annotations", json=body, headers=person)
    return answer


def test_what_is_drawn_is_kept_with_its_size_and_labels(api: Api, doctor: Person) -> None:
    case_id = drawable(api, doctor, 2)
    made = draw(api, doctor, case_id, image_index=1)
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    told = made.json()
    assert (told["width"], told["height"], told["shape_count"], told["image_index"]) == (10, 10, 3, 1)
    assert told["boxes"] == [BOX]
    assert told["strokes"][0]["label"] == told["polygons"][0]["label"] == "normal"
    address = f"/v1/cases/{case_id}/annotations"
    assert api.client.get(f"{address}/{told['annotation_id']}", headers=doctor).json() == told
    [listed] = api.client.get(address, headers=doctor).json()["items"]
    assert listed == {name: told[name] for name in listed}
    assert "boxes" not in listed
    [entry, *_] = api.client.get(f"/v1/cases/{case_id}/history", headers=doctor).json()["items"]
    assert (entry["action"], entry["after"]["shape_count"]) == ("annotation.add", 3)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"image_index": 1}, 400),
        ({"image_index": -1}, 422),
        ({"boxes": [{**BOX, "width": 9.5}]}, 400),
        ({"boxes": [{**BOX, "x": -1}]}, 422),
        ({"boxes": [{**BOX, "width": 0}]}, 422),
        ({"boxes": [{**BOX, "label": "mel"}]}, 400),
        ({"correct_label": "mel"}, 400),
        ({"correct_label": None}, 400),
        ({"polygons": [{"points": [[0, 0], [1, 1]]}]}, 422),
        ({"polygons": [{"points": [[0, 0], [1, 1], [2, 2]]}]}, 400),
        ({"strokes": [{"points": [[0, "x"]]}]}, 422),
        ({"strokes": [], "boxes": [], "polygons": []}, 400),
        ({"surprise": 1}, 422),
    ],
)
def test_what_does_not_fit_the_image_is_refused(
    api: Api, doctor: Person, wrong: dict[str, Any], status: int
) -> None:
    case_id = drawable(api, doctor)
    assert draw(api, doctor, case_id, **wrong).status_code == status
    assert api.client.get(f"/v1/cases/{case_id}/annotations", headers=doctor).json()["items"] == []


def test_an_image_that_was_not_accepted_and_a_rejected_case_take_none(api: Api, doctor: Person) -> None:
    case_id = str(case(api, doctor)["case_id"])
    assert draw(api, doctor, case_id).status_code == 409
    ready = drawable(api, doctor)
    change(api, doctor, f"{ready}/reject", {"reason": "Blurred."}, 1)
    assert draw(api, doctor, ready).status_code == 409


def test_an_edit_is_made_to_the_revision_that_was_read_and_keeps_the_former(api: Api, doctor: Person) -> None:
    other = api.sign_up("other", Role.DOCTOR)
    case_id = drawable(api, doctor)
    address = f"/v1/cases/{case_id}/annotations/{draw(api, doctor, case_id).json()['annotation_id']}"
    body = {"boxes": [BOX]}

    def edit(person: Person, revision: int | None) -> Response:
        headers = person if revision is None else {**person, "If-Match": f'"{revision}"'}
        answer: Response = api.client.put(address, json=body, headers=headers)
        return answer

    assert edit(doctor, None).status_code == 428
    assert edit(other, 1).status_code == 403
    edited = edit(doctor, 1)
    assert (edited.status_code, edited.json()["revision"], edited.json()["shape_count"]) == (200, 2, 1)
    assert edit(doctor, 1).status_code == 412
    former = api.client.get(address, params={"revision": 1}, headers=doctor).json()
    assert (former["revision"], former["shape_count"]) == (1, 3)
    assert api.client.get(address, params={"revision": 3}, headers=doctor).status_code == 404
    body = {}
    assert edit(doctor, 2).json()["shape_count"] == 0
    history = api.client.get(f"/v1/cases/{case_id}/history", headers=other).json()["items"]
    assert [entry["action"] for entry in history[:3]] == [
        "annotation.edit",
        "annotation.edit",
        "annotation.add",
    ]
    assert history[1]["before"]["shape_count"] == 3


def test_a_large_annotation_lies_in_the_bucket(api: Api, doctor: Person) -> None:
    case_id = drawable(api, doctor)
    points = [[(number % 1000) / 100, 5.123456] for number in range(60_000)]
    made = draw(api, doctor, case_id, strokes=[{"points": points, "width": 1}])
    assert made.status_code == 201, made.text[:200]
    address = f"/v1/cases/{case_id}/annotations/{made.json()['annotation_id']}"
    assert api.client.get(address, headers=doctor).json() == made.json()
    [stored] = api.cloud.s3.list_objects_v2(Bucket="images", Prefix=f"annotations/{case_id}/")["Contents"]
    assert stored["Size"] > MOST_INLINE_BYTES
    told = api.client.get(f"/v1/cases/{case_id}/annotations/coco", headers=doctor).json()
    assert len(told["annotations"][0]["attributes"]["points"]) == 120_000
    assert draw(api, doctor, case_id, strokes=[{"points": points, "width": 1}]).status_code == 201
    too_many = api.client.get(f"/v1/cases/{case_id}/annotations/coco", headers=doctor)
    assert (too_many.status_code, too_many.json()["code"]) == (413, "payload_too_large")


def test_pages_of_annotations_hold_each_once(api: Api, doctor: Person) -> None:
    case_id = drawable(api, doctor)
    made = [draw(api, doctor, case_id).json()["annotation_id"] for _ in range(5)]
    found: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = api.client.get(f"/v1/cases/{case_id}/annotations", params=query, headers=doctor).json()
        found += [entry["annotation_id"] for entry in page["items"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert sorted(found) == sorted(made)
    refused = api.client.get(f"/v1/cases/{case_id}/annotations", params={"cursor": "x"}, headers=doctor)
    assert refused.status_code == 400


def test_coco_goes_out_and_comes_back_in(api: Api, doctor: Person) -> None:
    other = api.sign_up("other", Role.DOCTOR)
    case_id = drawable(api, doctor, 2)
    for index in (0, 1):
        draw(api, doctor, case_id, image_index=index)
    address = f"/v1/cases/{case_id}/annotations/coco"
    document = api.client.get(address, headers=doctor).json()
    assert (len(document["images"]), len(document["annotations"])) == (2, 6)
    made = api.client.post(address, json=document, headers=other)
    assert made.status_code == 201, made.text
    assert {entry["image_index"] for entry in made.json()["items"]} == {0, 1}
    both = api.client.get(address, headers=doctor).json()["annotations"]
    assert len(both) == 12
    forms = [
        json.dumps(
            {name: entry[name] for name in ("image_id", "category_id", "bbox", "segmentation", "area")}
        )
        for entry in both
    ]
    assert sorted(forms) == sorted([form for form in set(forms) for _ in range(2)])
    foreign = {**document, "images": [{**document["images"][0], "file_name": f"{new_id()}.jpg"}]}
    assert api.client.post(address, json=foreign, headers=other).status_code == 400
    nothing = {**document, "annotations": []}
    assert api.client.post(address, json=nothing, headers=other).status_code == 400
    outside = document["annotations"][1] | {"bbox": [0, 0, 10, 11], "segmentation": []}
    assert (
        api.client.post(
            address, json={**document, "annotations": [*document["annotations"], outside]}, headers=other
        ).status_code
        == 400
    )
    assert len(api.client.get(address, headers=doctor).json()["annotations"]) == 12


def test_blind_readers_see_nobodys_drawing_until_all_are_in(api: Api, doctor: Person) -> None:
    other = api.sign_up("other", Role.DOCTOR)
    case_id = drawable(api, doctor, readers_wanted=2)
    drawn = draw(api, doctor, case_id).json()["annotation_id"]
    address = f"/v1/cases/{case_id}/annotations"
    for path, found in ((address, "items"), (f"{address}/coco", "annotations")):
        assert api.client.get(path, headers=other).json()[found] == []
        assert api.client.get(path, headers=doctor).json()[found] != []
    assert api.client.get(f"{address}/{drawn}", headers=other).status_code == 404
    history = api.client.get(f"/v1/cases/{case_id}/history", headers=other).json()["items"]
    assert (history[0]["action"], history[0]["after"]) == ("annotation.add", {})
    for reader in (doctor, other):
        label(api, reader, case_id, "normal")
    assert len(api.client.get(address, headers=other).json()["items"]) == 1


def test_who_reads_no_cases_draws_on_none(api: Api, doctor: Person) -> None:
    gp = api.sign_up("greta", Role.GP)
    case_id = drawable(api, gp)
    assert draw(api, gp, case_id).status_code == 403
    assert draw(api, doctor, new_id()).status_code == 404
    missing = api.client.get(f"/v1/cases/{case_id}/annotations/{new_id()}", headers=doctor)
    nonsense = api.client.get(f"/v1/cases/{case_id}/annotations/nonsense", headers=doctor)
    assert missing.status_code == nonsense.status_code == 404
