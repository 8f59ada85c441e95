"""Shapes on an image: what is refused, and that COCO loses none of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import START
from triagelens.domain.annotations import MOST_POINTS, Annotation, Box, Polygon, Shapes, Stroke
from triagelens.domain.coco import CocoDocument, CocoImage, coco_document, shapes_in
from triagelens.domain.errors import InvalidRequestError
from triagelens.domain.specialties import SPECIALTIES

WIDTH, HEIGHT = 640, 480
IMAGES = [CocoImage("first", WIDTH, HEIGHT), CocoImage("second", WIDTH, HEIGHT)]
LABELS = st.sampled_from(SPECIALTIES["skin"].label_names)
X = st.floats(0, WIDTH, allow_subnormal=False)
Y = st.floats(0, HEIGHT, allow_subnormal=False)
STROKES = st.builds(
    Stroke, points=st.lists(st.tuples(X, Y), min_size=1, max_size=5), width=st.floats(0.1, 9), label=LABELS
)
BOXES = st.builds(
    Box,
    x=st.floats(0, WIDTH / 2),
    y=st.floats(0, HEIGHT / 2),
    width=st.floats(0.1, WIDTH / 2),
    height=st.floats(0.1, HEIGHT / 2),
    label=LABELS,
)
POLYGONS = st.builds(Polygon, points=st.lists(st.tuples(X, Y), min_size=3, max_size=6), label=LABELS).filter(
    lambda polygon: polygon.area > 0
)
SHAPES = st.builds(
    Shapes,
    strokes=st.lists(STROKES, max_size=3),
    boxes=st.lists(BOXES, max_size=3),
    polygons=st.lists(POLYGONS, max_size=3),
)


def annotation(shapes: Shapes, image_id: str = "first") -> Annotation:
    return Annotation(
        annotation_id=f"of-{image_id}",
        case_id="case",
        specialty="skin",
        image_id=image_id,
        image_index=0,
        width=WIDTH,
        height=HEIGHT,
        author="reader",
        shapes=shapes,
        shape_count=shapes.count,
        created_at=START,
        updated_at=START,
    )


def document(*annotations: Annotation) -> dict[str, Any]:
    """As it comes back from a file."""
    told: dict[str, Any] = json.loads(json.dumps(coco_document("skin", IMAGES, annotations)))
    return told


@given(SHAPES, SHAPES)
def test_what_goes_out_as_coco_comes_back_as_it_was(first: Shapes, second: Shapes) -> None:
    drawn = {"first": first, "second": second}
    told = document(*(annotation(shapes, image_id) for image_id, shapes in drawn.items()))
    expected = {image_id: shapes for image_id, shapes in drawn.items() if shapes.count}
    assert shapes_in(CocoDocument.model_validate(told), IMAGES) == expected
    for shapes in drawn.values():
        shapes.check("skin", WIDTH, HEIGHT)


def test_the_document_has_areas_boxes_and_numbers_as_coco_wants_them() -> None:
    triangle = Polygon(points=((10, 10), (50, 10), (10, 40)), label="mel")
    box = Box(x=5, y=6, width=7, height=8, label="nv")
    stroke = Stroke(points=((1, 2), (3, 5)), width=2, label="nv")
    told = document(annotation(Shapes(strokes=(stroke,), boxes=(box,), polygons=(triangle,))))
    assert [image["file_name"] for image in told["images"]] == ["first.jpg", "second.jpg"]
    names = {category["id"]: category["name"] for category in told["categories"]}
    assert [(entry["id"], names[entry["category_id"]]) for entry in told["annotations"]] == [
        (1, "nv"),
        (2, "nv"),
        (3, "mel"),
    ]
    of_stroke, of_box, of_triangle = told["annotations"]
    assert (of_box["bbox"], of_box["area"], of_box["segmentation"]) == ([5, 6, 7, 8], 56, [])
    assert (of_triangle["bbox"], of_triangle["area"]) == ([10, 10, 40, 30], 600)
    assert of_triangle["segmentation"] == [[10, 10, 50, 10, 10, 40]]
    assert (of_stroke["bbox"], of_stroke["area"]) == ([1, 2, 2, 3], 0)


@pytest.mark.parametrize(
    ("shapes", "why"),
    [
        (Shapes(boxes=(Box(x=600, y=0, width=41, height=5, label="nv"),)), "leaves the image"),
        (Shapes(strokes=(Stroke(points=((0, 481),), label="nv"),)), "leaves the image"),
        (Shapes(polygons=(Polygon(points=((0, 0), (5, 5), (10, 10)), label="nv"),)), "no area"),
        (Shapes(boxes=(Box(x=0, y=0, width=5, height=5, label="cataract"),)), "labels of skin"),
        (Shapes(boxes=(Box(x=0, y=0, width=5, height=5),)), "Give each shape a label"),
        (Shapes(strokes=(Stroke(points=((0, 0),), label="nv"),) * 2_001), "at most"),
        (Shapes(strokes=(Stroke(points=((0, 0),) * (MOST_POINTS + 1), label="nv"),)), "at most"),
    ],
)
def test_shapes_that_do_not_fit_the_image_or_the_labels_are_refused(shapes: Shapes, why: str) -> None:
    with pytest.raises(InvalidRequestError, match=why):
        shapes.check("skin", WIDTH, HEIGHT)


def test_a_label_for_all_goes_to_the_shapes_that_have_none() -> None:
    shapes = Shapes(
        boxes=(Box(x=0, y=0, width=5, height=5), Box(x=0, y=0, width=5, height=5, label="nv"))
    ).labelled("mel")
    assert [box.label for box in shapes.boxes] == ["mel", "nv"]


def test_shapes_of_a_large_photo_come_to_lie_on_the_small_one() -> None:
    large = Shapes(
        strokes=(Stroke(points=((0, 0), (2 * WIDTH, 2 * HEIGHT)), width=4, label="nv"),),
        boxes=(Box(x=10, y=20, width=2 * WIDTH - 10, height=30, label="mel"),),
        polygons=(Polygon(points=((0, 0), (20, 0), (0, 40)), label="bcc"),),
    )
    small = large.scaled(0.5, 0.5)
    assert small.strokes == (Stroke(points=((0, 0), (WIDTH, HEIGHT)), width=2, label="nv"),)
    assert small.boxes == (Box(x=5, y=10, width=WIDTH - 5, height=15, label="mel"),)
    assert small.polygons == (Polygon(points=((0, 0), (10, 0), (0, 20)), label="bcc"),)
    small.check("skin", WIDTH, HEIGHT)


def _foreign(**changes: Any) -> dict[str, Any]:
    entry = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5], "segmentation": []}
    image = {"id": 1, "file_name": "batch/first.png", "width": WIDTH, "height": HEIGHT}
    return {
        "images": [image | changes.pop("image", {})],
        "categories": [{"id": 1, "name": "mel"}],
        "annotations": [entry | changes],
    }


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"image": {"file_name": "third.jpg"}}, "none of this case"),
        ({"image": {"width": 641}}, "641 x 480"),
        ({"image_id": 2}, "not there"),
        ({"category_id": 9}, "not there"),
        ({"segmentation": {"counts": [1, 2], "size": [480, 640]}, "iscrowd": 1}, "run-length"),
        ({"segmentation": [[1, 2, 3]]}, "3 numbers"),
        ({"bbox": [0, 0, 0, 5]}, "empty or leaves"),
        ({"bbox": [-3, 0, 5, 5]}, "empty or leaves"),
        ({"attributes": {"kind": "stroke", "points": []}}, "0 numbers"),
    ],
)
def test_a_document_that_does_not_fit_is_refused_in_words(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidRequestError, match=why):
        shapes_in(CocoDocument.model_validate(_foreign(**changes)), IMAGES)


def test_other_tools_boxes_may_miss_the_edge_by_rounding_and_parts_become_polygons() -> None:
    told = _foreign(bbox=[-0.25, 0, WIDTH + 0.5, 10])
    [box] = shapes_in(CocoDocument.model_validate(told), IMAGES)["first"].boxes
    assert box == Box(x=0, y=0, width=WIDTH, height=10, label="mel")
    told = _foreign(segmentation=[[0, 0, 5, 0, 5, 5], [9, 9, 12, 9, 12, 12]])
    assert len(shapes_in(CocoDocument.model_validate(told), IMAGES)["first"].polygons) == 2
