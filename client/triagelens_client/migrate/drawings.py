"""Strokes and boxes as the old apps wrote them, in the platform's words."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from triagelens_client.migrate.labels import label_of
from triagelens_client.migrate.reading import listed, number, text
from triagelens_client.migrate.records import OldDrawing

Point = tuple[float, float]
_MOST_POINTS = 100_000
_SUBMITTED = frozenset({"annotations", "strokes", "boxes", "image_index"})


def drawings_of(
    records: Iterable[Mapping[str, Any]], specialty: str, usual_label: str | None
) -> tuple[tuple[OldDrawing, ...], tuple[str, ...]]:
    """What each submission drew, and remarks on what could not be read of them.

    A submission has `image_index`, `correct_label`, and `strokes` and `boxes` in `annotations` or beside it.
    """
    drawings: list[OldDrawing] = []
    unread = unlabelled = 0
    for record in records:
        inner = record.get("annotations")
        place = number(record, "image_index") or 0
        strokes = _entries(record, inner, "strokes", "stroke")
        boxes = _entries(record, inner, "boxes", "bounding_boxes", "box")
        shapes: dict[str, list[dict[str, Any]]] = {
            "strokes": [made for one in strokes if (made := _stroke(one)) is not None],
            "boxes": [made for one in boxes if (made := _box(one)) is not None],
        }
        kept = sum(len(of_kind) for of_kind in shapes.values())
        unread += len(strokes) + len(boxes) - kept
        label = label_of(specialty, text(record, "correct_label")) or usual_label
        if kept and label is None:
            unlabelled += kept
        elif kept:
            drawing = OldDrawing(int(place), label, shapes, fractions=_are_fractions(shapes))
            if drawing not in drawings:  # a record may have been written anew with all that it had
                drawings.append(drawing)
    remarks = []
    if unread:
        remarks.append(f"{unread} of its shapes could not be read")
    if unlabelled:
        remarks.append(f"{unlabelled} of its shapes have no label of the platform's")
    return tuple(drawings), tuple(remarks)


def submissions_in(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The submissions of annotations in a record: the record itself, or those in its list."""
    inner = [one for one in listed(record, "annotations") if _is_record(one) and set(one) & _SUBMITTED]
    if inner:
        return inner
    return [record] if set(record) & {"annotations", "strokes", "boxes"} else []


def _entries(record: Mapping[str, Any], inner: Any, *names: str) -> list[Any]:
    if isinstance(inner, dict) and listed(inner, *names):
        return listed(inner, *names)
    if isinstance(inner, list):
        return [one for one in inner if isinstance(one, dict) and one.get("type") in names]
    return listed(record, *names)


def _stroke(entry: Any) -> dict[str, Any] | None:
    given = entry if isinstance(entry, list) else listed(entry, "points", "path") if _is_record(entry) else []
    points = [_point(one) for one in given]
    known = [point for point in points if point is not None]
    if not known or len(known) < len(points) or len(known) > _MOST_POINTS:
        return None
    pen = number(entry, "width", "strokeWidth", "stroke_width") if _is_record(entry) else None
    return {"points": known} | ({"width": pen} if pen is not None and pen > 0 else {})


def _box(entry: Any) -> dict[str, Any] | None:
    """From a corner and a size, or from two corners."""
    if isinstance(entry, list) and len(entry) == 4:
        entry = dict(zip(("x1", "y1", "x2", "y2"), entry, strict=True))
    if not _is_record(entry):
        return None
    inner = entry.get("rect")
    known = inner if _is_record(inner) else entry
    x, y = number(known, "x", "left", "x1", "xmin"), number(known, "y", "top", "y1", "ymin")
    width, height = number(known, "width", "w"), number(known, "height", "h")
    right, bottom = number(known, "right", "x2", "xmax"), number(known, "bottom", "y2", "ymax")
    if x is None or y is None:
        return None
    width = width if width is not None else right - x if right is not None else None
    height = height if height is not None else bottom - y if bottom is not None else None
    if width is None or height is None or min(width, height) <= 0 or min(x, y) < 0:
        return None
    return {"x": x, "y": y, "width": width, "height": height}


def _point(entry: Any) -> Point | None:
    if _is_record(entry):
        x, y = number(entry, "x", "dx"), number(entry, "y", "dy")
    elif isinstance(entry, list) and len(entry) >= 2:
        x, y = number({"": entry[0]}, ""), number({"": entry[1]}, "")
    else:
        return None
    if x is None or y is None or not all(0 <= value < math.inf for value in (x, y)):
        return None
    return x, y


def _are_fractions(shapes: Mapping[str, list[dict[str, Any]]]) -> bool:
    """Whether all of it lies between 0 and 1: pixels would be a single one in the corner."""
    ends = [value for stroke in shapes["strokes"] for point in stroke["points"] for value in point]
    ends += [box["x"] + box["width"] for box in shapes["boxes"]]
    ends += [box["y"] + box["height"] for box in shapes["boxes"]]
    return all(value <= 1 for value in ends)


def _is_record(value: Any) -> bool:
    return isinstance(value, dict)
