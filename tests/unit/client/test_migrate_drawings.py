"""Strokes and boxes as old apps wrote them."""

from typing import Any

import pytest

from triagelens_client.migrate.drawings import drawings_of, submissions_in

SHAPES: list[tuple[dict[str, Any], str]] = [
    ({"strokes": [{"points": [{"x": 1, "y": 2}, {"dx": 3, "dy": 4}], "strokeWidth": 2}]}, "strokes"),
    ({"strokes": [[[1, 2], [3, 4]]]}, "strokes"),
    ({"boxes": [{"x": 1, "y": 2, "width": 3, "height": 4}]}, "boxes"),
    ({"bounding_boxes": [{"left": 1, "top": 2, "right": 4, "bottom": 6}]}, "boxes"),
    ({"boxes": [[1, 2, 4, 6]]}, "boxes"),
    ({"boxes": [{"rect": {"x1": 1, "y1": 2, "x2": 4, "y2": 6}}]}, "boxes"),
]


@pytest.mark.parametrize(("shapes", "kind"), SHAPES)
def test_strokes_and_boxes_are_read_as_apps_write_them(shapes: dict[str, Any], kind: str) -> None:
    record = {"image_index": 1, "correct_label": "Melanoma", "annotations": shapes}
    ((drawing,), remarks) = drawings_of([record, record], "skin", None)
    assert (drawing.image_index, drawing.correct_label, drawing.fractions) == (1, "mel", False)
    assert remarks == ()
    (shape,) = drawing.shapes[kind]
    if kind == "boxes":
        assert shape == {"x": 1, "y": 2, "width": 3, "height": 4}
    else:
        assert shape["points"] == [(1, 2), (3, 4)]


@pytest.mark.parametrize(
    "shapes",
    [
        {"strokes": [{"points": []}, "x", {"points": [[1]]}, {"points": [[-1, 2]]}]},
        {"boxes": [[1, 2, 3], {"x": 1, "y": 1}, [5, 5, 1, 1], None, {"x": "nan", "y": 1}]},
    ],
)
def test_shapes_that_make_no_sense_are_counted(shapes: dict[str, list[object]]) -> None:
    drawings, remarks = drawings_of([{"annotations": shapes}], "skin", "mel")
    assert drawings == ()
    count = sum(len(of_kind) for of_kind in shapes.values())
    assert remarks == (f"{count} of its shapes could not be read",)


def test_shapes_without_a_label_are_told_and_fractions_are_known() -> None:
    record = {"annotations": {"boxes": [[0.1, 0.2, 0.5, 0.6]]}}
    assert drawings_of([record], "skin", None)[1] == ("1 of its shapes have no label of the platform's",)
    assert drawings_of([record], "skin", "nv")[0][0].fractions


def test_submissions_are_found_in_a_record_and_in_its_list() -> None:
    boxes = {"boxes": [[1, 2, 4, 6]]}
    listed = {"case_id": 1, "annotations": [{"image_index": 0, "annotations": boxes}]}
    assert submissions_in(listed) == listed["annotations"]
    assert submissions_in({"case_id": 1, "annotations": boxes}) == [{"case_id": 1, "annotations": boxes}]
    assert submissions_in({"case_id": 1}) == []
