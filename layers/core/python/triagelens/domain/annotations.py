"""Annotations: what a reader drew on a working image, in its pixels."""

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.cases import check_label
from triagelens.domain.errors import InvalidRequestError

MOST_SHAPES = 2_000
MOST_POINTS = 100_000
# Shapes of more bytes than this lie in the images bucket: an item of the table holds 400 KB.
MOST_INLINE_BYTES = 64_000
# A box's far edge is a sum, which may miss the image's edge by rounding; in pixels.
ROUNDING = 1e-6

Coordinate = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Length = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
Point: TypeAlias = tuple[Coordinate, Coordinate]
ShapeLabel = Annotated[str | None, Field(max_length=64)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Stroke(_Part):
    """A line drawn by hand. `width` is that of the pen in pixels."""

    points: tuple[Point, ...] = Field(min_length=1)
    width: Length = 1.0
    label: ShapeLabel = None

    def scaled(self, across: float, down: float) -> "Stroke":
        pen = self.width * math.sqrt(across * down)
        return Stroke(points=_moved(self.points, across, down), width=pen, label=self.label)


class Box(_Part):
    """An upright rectangle; `x` and `y` are its upper left corner."""

    x: Coordinate
    y: Coordinate
    width: Length
    height: Length
    label: ShapeLabel = None

    @property
    def points(self) -> tuple[Point, ...]:
        return ((self.x, self.y), (self.x + self.width, self.y + self.height))

    def scaled(self, across: float, down: float) -> "Box":
        size = {"width": self.width * across, "height": self.height * down}
        return Box(x=self.x * across, y=self.y * down, label=self.label, **size)


class Polygon(_Part):
    """A closed outline: the last point is joined to the first."""

    points: tuple[Point, ...] = Field(min_length=3)
    label: ShapeLabel = None

    @property
    def area(self) -> float:
        """In square pixels, by the shoelace formula."""
        after = (*self.points[1:], self.points[0])
        return abs(math.fsum(x * v - u * y for (x, y), (u, v) in zip(self.points, after, strict=True))) / 2

    def scaled(self, across: float, down: float) -> "Polygon":
        return Polygon(points=_moved(self.points, across, down), label=self.label)


Shape: TypeAlias = Stroke | Box | Polygon


class Shapes(_Part):
    """Everything that one reader drew on one image. x grows to the right, y downwards, both in pixels."""

    strokes: tuple[Stroke, ...] = ()
    boxes: tuple[Box, ...] = ()
    polygons: tuple[Polygon, ...] = ()

    def each(self) -> Iterator[Shape]:
        yield from self.strokes
        yield from self.boxes
        yield from self.polygons

    @property
    def count(self) -> int:
        return len(self.strokes) + len(self.boxes) + len(self.polygons)

    def labelled(self, label: str | None) -> "Shapes":
        """The same with `label` on each shape that has none of its own."""

        def told(entries: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(e if e.label is not None else e.model_copy(update={"label": label}) for e in entries)

        return Shapes(strokes=told(self.strokes), boxes=told(self.boxes), polygons=told(self.polygons))

    def scaled(self, across: float, down: float) -> "Shapes":
        """The same on an image that is so many times as wide and as high."""
        return Shapes(
            strokes=tuple(stroke.scaled(across, down) for stroke in self.strokes),
            boxes=tuple(box.scaled(across, down) for box in self.boxes),
            polygons=tuple(polygon.scaled(across, down) for polygon in self.polygons),
        )

    def check(self, specialty: str, width: int, height: int) -> None:
        """Makes sure that all of it lies on an image of that size, and names labels of the specialty.

        Raises:
            InvalidRequestError: something does not.
        """
        if self.count > MOST_SHAPES:
            raise InvalidRequestError(f"An annotation has at most {MOST_SHAPES} shapes.")
        if sum(len(shape.points) for shape in self.each()) > MOST_POINTS:
            raise InvalidRequestError(f"An annotation has at most {MOST_POINTS} points.")
        for label in {shape.label for shape in self.each()}:
            if label is None:
                raise InvalidRequestError("Give each shape a label, or `correct_label` for all of them.")
            check_label(specialty, label)
        for shape in self.each():
            if any(x > width + ROUNDING or y > height + ROUNDING for x, y in shape.points):
                raise InvalidRequestError(
                    f"A shape leaves the image, which is {width} pixels wide and {height} high."
                )
        if any(polygon.area == 0 for polygon in self.polygons):
            raise InvalidRequestError("A polygon has no area.")


class Annotation(_Part):
    """One reader's annotation of one image of a case, as it is in one revision.

    Attributes:
        image_index: place of the image in the case when it was annotated.
        width, height: of the working image, in pixels.
        correct_label: what the reader takes the whole image for, if they said so.
        shapes: None where they lie in the bucket, under `key`, and were not read.
        shape_count: of all kinds.
        revision: 1 for the first; it is the optimistic lock of the stored item, too.
    """

    annotation_id: str
    case_id: str
    specialty: str
    image_id: str
    image_index: int
    width: int
    height: int
    author: str
    correct_label: str | None = None
    shapes: Shapes | None = None
    key: str | None = None
    shape_count: int
    revision: int = 1
    created_at: datetime
    updated_at: datetime

    def told(self) -> dict[str, Any]:
        """What the case's history says of this revision; the revision itself is kept beside it."""
        return {
            "annotation_id": self.annotation_id,
            "revision": self.revision,
            "image_id": self.image_id,
            "correct_label": self.correct_label,
            "shape_count": self.shape_count,
        }


def _moved(points: tuple[Point, ...], across: float, down: float) -> tuple[Point, ...]:
    return tuple((x * across, y * down) for x, y in points)


def annotations_prefix(case_id: str) -> str:
    """Below which the images bucket holds the large annotations of a case."""
    return f"annotations/{case_id}/"
