"""What readers draw on the images of a case."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from triagelens.domain.annotations import (
    MOST_INLINE_BYTES,
    Annotation,
    Shapes,
    annotations_prefix,
)
from triagelens.domain.cases import LABELLED, Case, HistoryEntry, check_label
from triagelens.domain.coco import CocoDocument, CocoImage, Document, coco_document, shapes_in
from triagelens.domain.errors import (
    ConflictError,
    ErasedError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    TooLargeError,
    TransitionError,
)
from triagelens.domain.ids import is_id, new_id
from triagelens.domain.images import ImageRecord, WorkingImage
from triagelens.domain.people import Person
from triagelens.services.annotation_ports import AnnotationRecords, ShapeFiles
from triagelens.services.changes import Asked
from triagelens.services.panel_ports import PanelRecords
from triagelens.services.ports import Casework, Clock, Page

PAGE = 100
# An answer of the API holds 6 MB, and a point of a COCO document takes up to 40 bytes.
MOST_EXPORTED_POINTS = 120_000


@dataclass(frozen=True)
class Drawing:
    """What is to be kept: shapes on an image, and what the reader takes the image for.

    Attributes:
        on_photo: the shapes are in pixels of the photo as it was sent, held upright, and not of the
            working image.
    """

    shapes: Shapes
    correct_label: str | None = None
    on_photo: bool = False


@dataclass(frozen=True)
class Annotations:
    """Annotations of a case that the caller was allowed to see.

    As long as a case awaits blind readers, each sees only their own.
    """

    records: AnnotationRecords
    files: ShapeFiles
    panels: PanelRecords
    casework: Casework
    clock: Clock

    def add(self, person: Person, case: Case, image_index: int, drawing: Drawing) -> Annotation:
        """A new annotation of the case's image at that place, counted from 0.

        Raises:
            InvalidRequestError: there is no such place, or shapes or labels do not fit.
            ConflictError: the image has no working image to draw on.
            TransitionError: the case was rejected.
        """
        image = self._image(case, image_index)
        shapes = self._checked(case, image, drawing)
        if shapes.count == 0:
            raise InvalidRequestError("Draw something.")
        now = self.clock()
        working = _working(image)
        new = Annotation(
            annotation_id=new_id(),
            case_id=case.case_id,
            specialty=case.specialty,
            image_id=image.image_id,
            image_index=image_index,
            width=working.width,
            height=working.height,
            author=person.sub,
            correct_label=drawing.correct_label,
            shapes=shapes,
            shape_count=shapes.count,
            created_at=now,
            updated_at=now,
        )
        return self._write(new, None)

    def check(self, case: Case, image_index: int, drawing: Drawing) -> None:
        """Raises what `add` would, but lets nothing be drawn."""
        image = self._image(case, image_index)
        if drawing.shapes.count:
            self._checked(case, image, drawing)

    def edit(self, asked: Asked, case: Case, annotation_id: str, drawing: Drawing) -> Annotation:
        """The annotation with other shapes, as its next revision; without any, it is withdrawn.

        Raises:
            NotFoundError: the case has no such annotation, or it is hidden from the person.
            ForbiddenError: somebody else drew it.
            OutdatedError: it has changed since the caller read it.
            InvalidRequestError, ConflictError, TransitionError: as for a new one.
        """
        old = self._visible(asked.person, case, annotation_id, None)
        if old.author != asked.person.sub:
            raise ForbiddenError("Only who drew it can change an annotation.")
        asked.check(old.revision, "annotation")
        shapes = self._checked(case, self.casework.image(old.image_id), drawing)
        changed = {
            "shapes": shapes,
            "shape_count": shapes.count,
            "key": None,
            "correct_label": drawing.correct_label,
            "revision": old.revision + 1,
            "updated_at": self.clock(),
        }
        return self._write(old.model_copy(update=changed), old)

    def one(self, person: Person, case: Case, annotation_id: str, revision: int | None) -> Annotation:
        """One annotation with its shapes: that revision, or the latest.

        Raises:
            NotFoundError: the case has none such, or it is hidden from the person.
        """
        return self._with_shapes(self._visible(person, case, annotation_id, revision))

    def page(self, person: Person, case: Case, limit: int, cursor: str | None) -> Page[Annotation]:
        """The latest revision of each, without shapes, newest first."""
        page = self.records.annotations(case.case_id, limit, cursor)
        hidden = self.panels.panel(case).hides_labels
        shown = [entry for entry in page.items if not hidden or entry.author == person.sub]
        return Page([entry.model_copy(update={"shapes": None}) for entry in shown], page.cursor)

    def as_coco(self, person: Person, case: Case) -> Document:
        """All that the person may see, as a COCO document of the case's images.

        Raises:
            TooLargeError: it is more than one answer holds.
        """
        drawn: list[Annotation] = []
        points = 0
        for entry in self._all(person, case):
            drawn.append(self._with_shapes(entry))
            points += sum(len(shape.points) for shape in (drawn[-1].shapes or Shapes()).each())
            if points > MOST_EXPORTED_POINTS:
                raise TooLargeError("These annotations are too many for one answer; read them one by one.")
        sizes = {entry.image_id: CocoImage(entry.image_id, entry.width, entry.height) for entry in drawn}
        return coco_document(case.specialty, list({**self._images(case), **sizes}.values()), drawn)

    def from_coco(self, person: Person, case: Case, document: CocoDocument) -> list[Annotation]:
        """One new annotation of the person's for each image that the document draws on.

        All of it fits, or none is kept.

        Raises:
            InvalidRequestError: something in it does not fit the case.
            TransitionError: the case was rejected.
        """
        images = self._images(case)
        found = shapes_in(document, list(images.values()))
        if not found:
            raise InvalidRequestError("The document draws nothing on the images of this case.")
        for image_id, shapes in found.items():
            image = images[image_id]
            shapes.check(case.specialty, image.width, image.height)
        return [
            self.add(person, case, case.image_ids.index(image_id), Drawing(shapes))
            for image_id, shapes in found.items()
        ]

    def _images(self, case: Case) -> dict[str, CocoImage]:
        """The case's images that can be drawn on, by id."""
        images: list[ImageRecord] = []
        for image_id in case.image_ids:
            with suppress(ErasedError):
                images.append(self.casework.image(image_id))
        return {
            image.image_id: CocoImage(image.image_id, image.working_image.width, image.working_image.height)
            for image in images
            if image.working_image is not None
        }

    def _all(self, person: Person, case: Case) -> Iterator[Annotation]:
        cursor = None
        while True:
            page = self.page(person, case, PAGE, cursor)
            for entry in page.items:
                yield self.records.annotation(case.case_id, entry.annotation_id)
            cursor = page.cursor
            if cursor is None:
                return

    def _visible(self, person: Person, case: Case, annotation_id: str, revision: int | None) -> Annotation:
        missing = NotFoundError("There is no such annotation.")
        if not is_id(annotation_id):
            raise missing
        found = self.records.annotation(case.case_id, annotation_id, revision)
        if found.author != person.sub and self.panels.panel(case).hides_labels:
            raise missing
        return found

    def _image(self, case: Case, image_index: int) -> ImageRecord:
        if not 0 <= image_index < len(case.image_ids):
            raise InvalidRequestError(f"This case has {len(case.image_ids)} images, counted from 0.")
        return self.casework.image(case.image_ids[image_index])

    def _checked(self, case: Case, image: ImageRecord, drawing: Drawing) -> Shapes:
        """The drawing's shapes, each with its label, once they are known to fit image and specialty."""
        if case.status not in LABELLED:
            raise TransitionError(f"A case that is {case.status} takes no annotations.")
        if drawing.correct_label is not None:
            check_label(case.specialty, drawing.correct_label)
        shapes = drawing.shapes.labelled(drawing.correct_label)
        size = _working(image)
        if drawing.on_photo:
            shapes = shapes.scaled(*_shrinking(image, size))
        shapes.check(case.specialty, size.width, size.height)
        return shapes

    def _write(self, annotation: Annotation, before: Annotation | None) -> Annotation:
        """Large shapes first, under a key of their own; if the record then fails, nothing points to them."""
        stored = annotation
        if annotation.shapes is not None and _size(annotation.shapes) > MOST_INLINE_BYTES:
            key = f"{annotations_prefix(annotation.case_id)}{annotation.annotation_id}/{new_id()}"
            self.files.write(key, annotation.shapes)
            stored = annotation.model_copy(update={"shapes": None, "key": key})
        entry = HistoryEntry(
            entry_id=new_id(),
            case_id=annotation.case_id,
            at=annotation.updated_at,
            by=annotation.author,
            action="annotation.add" if before is None else "annotation.edit",
            before={} if before is None else before.told(),
            after=annotation.told(),
        )
        self.records.write(stored, entry)
        return annotation

    def _with_shapes(self, annotation: Annotation) -> Annotation:
        if annotation.key is None:
            return annotation
        return annotation.model_copy(update={"shapes": self.files.read(annotation.key)})


def _working(image: ImageRecord) -> WorkingImage:
    """What is drawn on. Raises ConflictError if there is nothing."""
    if image.working_image is None:
        raise ConflictError(f"This image has no working image to draw on: it is {image.status}.")
    return image.working_image


def _shrinking(image: ImageRecord, working: WorkingImage) -> tuple[float, float]:
    """Width and height of the working image, as shares of the photo's.

    Raises:
        ConflictError: the photo's size is not known.
    """
    told = image.quality
    if told is None or not told.width or not told.height:
        raise ConflictError("The size of this photo is not known.")
    return working.width / told.width, working.height / told.height


def _size(shapes: Shapes) -> int:
    return len(shapes.model_dump_json().encode())
