"""What readers drew on a specialty's images, as one COCO document."""

from collections.abc import Iterator
from dataclasses import dataclass

from triagelens.domain.annotations import Annotation
from triagelens.domain.cases import LABELLED, Case
from triagelens.domain.coco import CocoImage, Document, coco_document
from triagelens.domain.errors import NotFoundError, TooLargeError
from triagelens.domain.exports import MOST_COCO_IMAGES, MOST_COCO_POINTS, Export, ExportWhat
from triagelens.domain.images import ImageRecord
from triagelens.services.annotation_ports import AnnotationRecords, ShapeFiles
from triagelens.services.export_limits import Deadline
from triagelens.services.export_reading import ExportReading

PAGE = 100


@dataclass(frozen=True)
class ExportDrawings:
    """Images with a working image, and the latest revision of each annotation of theirs.

    Left out are rejected cases, which teach nothing, and cases whose blind readers are not all in.
    """

    reading: ExportReading
    annotations: AnnotationRecords
    shapes: ShapeFiles

    def document(self, export: Export, deadline: Deadline) -> Document:
        """The document of an export's specialty and days.

        `images`: those of the days, with all that was drawn on them by the day of asking. `cases`: those of
        the days' cases.

        Raises:
            TooLargeError: it is more than fits into memory.
            TooLongError: the deadline has passed.
        """
        sizes: dict[str, CocoImage] = {}
        for image in self._images(export, deadline):
            if image.working_image is not None:
                width, height = image.working_image.width, image.working_image.height
                sizes[image.image_id] = CocoImage(image.image_id, width, height)
            if len(sizes) > MOST_COCO_IMAGES:
                raise TooLargeError(
                    f"There are more than {MOST_COCO_IMAGES} images for one COCO document; "
                    "ask for fewer days."
                )
        drawn = self._drawn(export, sizes, deadline)
        return coco_document(str(export.wanted.specialty), list(sizes.values()), drawn)

    def _images(self, export: Export, deadline: Deadline) -> Iterator[ImageRecord]:
        if export.wanted.what is ExportWhat.IMAGES:
            yield from self.reading.images(export, deadline)
            return
        for told in self.reading.cases(export, deadline):
            image_ids = {
                image_id for case, _ in told if case.status in LABELLED for image_id in case.image_ids
            }
            yield from self.reading.source.images_of(sorted(image_ids)).values()

    def _drawn(self, export: Export, sizes: dict[str, CocoImage], deadline: Deadline) -> Iterator[Annotation]:
        """Annotations of the images, with their shapes, one at a time."""
        points = 0
        for case in self._open_cases(export, deadline):
            for entry in self._of_case(case):
                if entry.image_id not in sizes or entry.shape_count == 0:
                    continue
                deadline.check()
                whole = self._whole(entry)
                points += 0 if whole.shapes is None else sum(len(s.points) for s in whole.shapes.each())
                if points > MOST_COCO_POINTS:
                    raise TooLargeError("There is too much drawn for one COCO document; ask for fewer days.")
                yield whole

    def _open_cases(self, export: Export, deadline: Deadline) -> Iterator[Case]:
        """Cases whose drawings may be told; of images, cases that were made after the last day count too."""
        if export.wanted.what is ExportWhat.IMAGES:
            until = export.created_at.date()
            export = export.model_copy(update={"wanted": export.wanted.model_copy(update={"last": until})})
        for told in self.reading.cases(export, deadline):
            for case, panel in told:
                if case.status in LABELLED and not panel.hides_labels:
                    yield case

    def _of_case(self, case: Case) -> Iterator[Annotation]:
        cursor = None
        while True:
            page = self.annotations.annotations(case.case_id, PAGE, cursor)
            yield from page.items
            cursor = page.cursor
            if cursor is None:
                return

    def _whole(self, annotation: Annotation) -> Annotation:
        """With its shapes; without, if they are gone with whose image it was."""
        if annotation.key is None:
            return annotation
        try:
            return annotation.model_copy(update={"shapes": self.shapes.read(annotation.key)})
        except NotFoundError:
            return annotation
