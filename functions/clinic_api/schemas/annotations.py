"""Annotations over HTTP."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from triagelens.domain.annotations import Annotation, Box, Polygon, Shapes, Stroke
from triagelens.services.annotations import Drawing
from triagelens.services.ports import Page

ANNOTATION_ID_EXAMPLE = "01k9qs0e4m2t9x6c8z1r5v3npd"

ImageIndex = Annotated[
    int, Field(ge=0, le=1_000, description="Place of the image in the case, counted from 0", examples=[0])
]


class _Drawn(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    correct_label: str | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        description="What the image shows; also the label of each shape that has none",
        examples=["mel"],
    )
    strokes: list[Stroke] = Field(
        default=[], examples=[[{"points": [[10, 12], [14, 20]], "width": 3, "label": "mel"}]]
    )
    boxes: list[Box] = Field(
        default=[], examples=[[{"x": 10, "y": 12, "width": 40, "height": 30, "label": "mel"}]]
    )
    polygons: list[Polygon] = Field(
        default=[], examples=[[{"points": [[10, 10], [50, 10], [10, 40]], "label": "mel"}]]
    )

    def drawing(self) -> Drawing:
        shapes = Shapes(strokes=tuple(self.strokes), boxes=tuple(self.boxes), polygons=tuple(self.polygons))
        return Drawing(shapes, self.correct_label)


class AnnotationRequest(_Drawn):
    """What is drawn on one image, in pixels of its working image: x to the right, y downwards."""

    image_index: ImageIndex


class AnnotationEditRequest(_Drawn):
    """What is drawn from now on. Without any shape the annotation is withdrawn."""


class AnnotationSummary(BaseModel):
    """An annotation without its shapes."""

    annotation_id: str = Field(examples=[ANNOTATION_ID_EXAMPLE])
    image_id: str
    image_index: int = Field(description="Place of the image when it was annotated", examples=[0])
    width: int = Field(description="Of the working image, in pixels", examples=[1024])
    height: int = Field(examples=[768])
    author: str = Field(description="Opaque id of who drew it")
    correct_label: str | None = None
    shape_count: int = Field(examples=[2])
    revision: int = Field(description="What the `ETag` says, in quotes", examples=[1])
    created_at: datetime
    updated_at: datetime

    @classmethod
    def fields_of(cls, annotation: Annotation) -> dict[str, Any]:
        return annotation.model_dump(include=set(AnnotationSummary.model_fields))


class AnnotationResponse(AnnotationSummary):
    """An annotation with its shapes, in pixels of the working image."""

    strokes: list[Stroke]
    boxes: list[Box]
    polygons: list[Polygon]

    @classmethod
    def of(cls, annotation: Annotation) -> Self:
        shapes = annotation.shapes or Shapes()
        return cls(
            **cls.fields_of(annotation),
            strokes=list(shapes.strokes),
            boxes=list(shapes.boxes),
            polygons=list(shapes.polygons),
        )


class AnnotationList(BaseModel):
    """One page without shapes, newest first. Ask again with `cursor` until it is null."""

    items: list[AnnotationSummary]
    cursor: str | None = None

    @classmethod
    def of(cls, page: Page[Annotation]) -> Self:
        items = [AnnotationSummary(**AnnotationSummary.fields_of(entry)) for entry in page.items]
        return cls(items=items, cursor=page.cursor)


class AnnotationImportResponse(BaseModel):
    """What an import made: one annotation of yours for each image that the document draws on."""

    items: list[AnnotationSummary]

    @classmethod
    def of(cls, made: list[Annotation]) -> Self:
        return cls(items=[AnnotationSummary(**AnnotationSummary.fields_of(entry)) for entry in made])


class CocoResponse(BaseModel):
    """A COCO document (cocodataset.org/#format-data). Strokes are in `attributes`, with no area."""

    info: dict[str, str] = Field(examples=[{"description": "Triagelens, Dermatology", "version": "1.0"}])
    licenses: list[dict[str, Any]] = Field(examples=[[]])
    images: list[dict[str, Any]] = Field(
        examples=[[{"id": 1, "file_name": "01k9qr5w3nd8h2j7s0v4f6b1ac.jpg", "width": 1024, "height": 768}]]
    )
    categories: list[dict[str, Any]] = Field(examples=[[{"id": 1, "name": "mel", "supercategory": "skin"}]])
    annotations: list[dict[str, Any]] = Field(
        examples=[
            [
                {
                    "id": 1,
                    "image_id": 1,
                    "category_id": 1,
                    "iscrowd": 0,
                    "bbox": [10, 12, 40, 30],
                    "segmentation": [],
                    "area": 1200,
                    "attributes": {"kind": "box"},
                }
            ]
        ]
    )
