"""Annotations as COCO, the object detection format (Lin et al., 2014; cocodataset.org/#format-data).

A box is an annotation without a segmentation, a polygon one with a single segmentation. COCO knows no
strokes: a stroke is an annotation that covers nothing (`area` 0), whose line is in `attributes`. So
nothing is lost on the way out and back in.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.annotations import (
    MOST_SHAPES,
    Annotation,
    Box,
    Coordinate,
    Length,
    Polygon,
    Shape,
    Shapes,
    Stroke,
)
from triagelens.domain.errors import InvalidRequestError
from triagelens.domain.specialties import specialty

Document: TypeAlias = dict[str, Any]
MOST_IMAGES = 1_000
# COCO's boxes are written with two decimals by many tools; edges may miss the image by as much.
ROUNDING = 0.5


@dataclass(frozen=True)
class CocoImage:
    """An image of a document; width and height in pixels of the working image."""

    image_id: str
    width: int
    height: int


def coco_document(
    of_specialty: str, images: Sequence[CocoImage], annotations: Iterable[Annotation]
) -> Document:
    """A COCO document of these images and whatever was drawn on them.

    Numbers are given in order, from 1. Our own ids are in `file_name` and `attributes`.

    Args:
        of_specialty: its labels are the categories.
        annotations: with their shapes; each of one of `images`.
    """
    known = specialty(of_specialty)
    categories = {label.name: number for number, label in enumerate(known.labels, start=1)}
    numbers = {image.image_id: number for number, image in enumerate(images, start=1)}
    told: list[Document] = []
    for annotation in annotations:
        for shape in () if annotation.shapes is None else annotation.shapes.each():
            told.append(
                {
                    "id": len(told) + 1,
                    "image_id": numbers[annotation.image_id],
                    "category_id": categories[str(shape.label)],
                    "iscrowd": 0,
                    **_told(shape, annotation),
                }
            )
    return {
        "info": {"description": f"Triagelens, {known.title}", "version": "1.0"},
        "licenses": [],
        "images": [
            {
                "id": numbers[image.image_id],
                "file_name": f"{image.image_id}.jpg",
                "width": image.width,
                "height": image.height,
            }
            for image in images
        ],
        "categories": [
            {"id": number, "name": name, "supercategory": known.name} for name, number in categories.items()
        ],
        "annotations": told,
    }


def _told(shape: Shape, annotation: Annotation) -> Document:
    """What COCO says of one shape's form, and whose it is."""
    attributes: Document = {"annotation_id": annotation.annotation_id, "author": annotation.author}
    if isinstance(shape, Box):
        form = {"bbox": [shape.x, shape.y, shape.width, shape.height], "segmentation": []}
        return {**form, "area": shape.width * shape.height, "attributes": {**attributes, "kind": "box"}}
    xs, ys = [x for x, _ in shape.points], [y for _, y in shape.points]
    bbox = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
    line = [coordinate for point in shape.points for coordinate in point]
    if isinstance(shape, Polygon):
        attributes["kind"] = "polygon"
        return {"bbox": bbox, "segmentation": [line], "area": shape.area, "attributes": attributes}
    attributes |= {"kind": "stroke", "points": line, "width": shape.width}
    return {"bbox": bbox, "segmentation": [], "area": 0.0, "attributes": attributes}


class _Read(BaseModel):
    # Other tools write more than we read.
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class CocoImageEntry(_Read):
    id: int
    file_name: str = Field(max_length=1_000)
    width: int = Field(ge=1)
    height: int = Field(ge=1)


class CocoCategory(_Read):
    id: int
    name: str = Field(max_length=64)


class CocoStroke(_Read):
    """What `attributes` say of an annotation; more than `kind` for a stroke only."""

    kind: str | None = Field(default=None, max_length=20)
    points: list[Coordinate] = []
    width: Length = 1.0


class CocoAnnotation(_Read):
    id: int
    image_id: int
    category_id: int
    bbox: Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=4, max_length=4)]
    segmentation: list[list[Coordinate]] | dict[str, Any] = []
    iscrowd: int = 0
    attributes: CocoStroke = CocoStroke()


_EXAMPLE: Document = {
    "images": [{"id": 1, "file_name": "01k9qr5w3nd8h2j7s0v4f6b1ac.jpg", "width": 1024, "height": 768}],
    "categories": [{"id": 1, "name": "mel"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 12, 40, 30], "segmentation": []}],
}


class CocoDocument(_Read):
    """As much of a COCO document as is read."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    images: list[CocoImageEntry] = Field(max_length=MOST_IMAGES)
    categories: list[CocoCategory] = Field(max_length=1_000)
    annotations: list[CocoAnnotation] = Field(max_length=MOST_IMAGES * MOST_SHAPES)


def shapes_in(document: CocoDocument, images: Sequence[CocoImage]) -> dict[str, Shapes]:
    """What a document draws on which of `images`, by image id. Images without a shape are left out.

    An image is known by the last part of its file name, less the ending.

    Raises:
        InvalidRequestError: it names another image, one of another size, or what cannot be read.
    """
    own = {image.image_id: image for image in images}
    named = {entry.id: _known(entry, own) for entry in document.images}
    categories = {category.id: category.name for category in document.categories}
    found: dict[str, list[Shape]] = {}
    for entry in document.annotations:
        if entry.image_id not in named or entry.category_id not in categories:
            raise InvalidRequestError(f"Annotation {entry.id} names an image or category that is not there.")
        image = named[entry.image_id]
        found.setdefault(image.image_id, []).extend(_shapes(entry, categories[entry.category_id], image))
    return {image_id: _sorted_by_kind(shapes) for image_id, shapes in found.items()}


def _known(entry: CocoImageEntry, own: dict[str, CocoImage]) -> CocoImage:
    image = own.get(PurePosixPath(entry.file_name).stem)
    if image is None:
        raise InvalidRequestError(f"Image {entry.id} is none of this case; its file name has to be its id.")
    if (entry.width, entry.height) != (image.width, image.height):
        raise InvalidRequestError(
            f"Image {entry.id} is {entry.width} x {entry.height}; its working image is "
            f"{image.width} x {image.height} pixels."
        )
    return image


def _shapes(entry: CocoAnnotation, label: str, image: CocoImage) -> list[Shape]:
    """One shape, or one polygon for each part of a segmentation."""
    if entry.iscrowd or isinstance(entry.segmentation, dict):
        raise InvalidRequestError(f"Annotation {entry.id} is run-length encoded; only polygons are read.")
    if entry.attributes.kind == "stroke":
        points = _pairs(entry, entry.attributes.points, 1)
        return [Stroke(points=points, width=entry.attributes.width, label=label)]
    if entry.segmentation:
        return [Polygon(points=_pairs(entry, part, 3), label=label) for part in entry.segmentation]
    return [_box(entry, label, image)]


def _pairs(entry: CocoAnnotation, line: list[float], least: int) -> tuple[tuple[float, float], ...]:
    if len(line) % 2 or len(line) < 2 * least:
        raise InvalidRequestError(f"Annotation {entry.id} has a line of {len(line)} numbers.")
    return tuple(zip(line[::2], line[1::2], strict=True))


def _box(entry: CocoAnnotation, label: str, image: CocoImage) -> Box:
    """The box, cut to the image where it leaves it by no more than rounding does."""
    x, y, width, height = entry.bbox
    right, bottom = x + width, y + height
    outside = max(-x, -y, right - image.width, bottom - image.height)
    if width <= 0 or height <= 0 or outside > ROUNDING:
        raise InvalidRequestError(f"Annotation {entry.id} has a box that is empty or leaves the image.")
    if outside <= 0:
        return Box(x=x, y=y, width=width, height=height, label=label)
    x, y = max(x, 0.0), max(y, 0.0)
    right, bottom = min(right, image.width), min(bottom, image.height)
    if right <= x or bottom <= y:
        raise InvalidRequestError(f"Annotation {entry.id} has a box that is empty or leaves the image.")
    return Box(x=x, y=y, width=right - x, height=bottom - y, label=label)


def _sorted_by_kind(shapes: list[Shape]) -> Shapes:
    return Shapes(
        strokes=tuple(shape for shape in shapes if isinstance(shape, Stroke)),
        boxes=tuple(shape for shape in shapes if isinstance(shape, Box)),
        polygons=tuple(shape for shape in shapes if isinstance(shape, Polygon)),
    )
