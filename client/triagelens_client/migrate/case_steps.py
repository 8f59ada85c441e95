"""One old case, step by step, so that it can be gone on with wherever it was broken off."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from triagelens_client.case_models import Case
from triagelens_client.client import Triagelens
from triagelens_client.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    OutdatedError,
)
from triagelens_client.migrate.records import OldCase, OldDrawing, UnfitError

FINAL = frozenset({"confirmed", "rejected"})
DECISION_TRIES = 5
REFUSALS = (InvalidRequestError, ConflictError, ForbiddenError)


class CaseSteps:
    """What is left to do of a case that is on the platform, by what its owner has there.

    Form, label, drawings and comments come before the decision: a decided case takes no form, and a
    rejected one no label. What the platform refuses is remarked, and the next step taken.

    Args:
        patiently: makes one request, and again as long as there are too many.
        begun: whether an earlier run may have done some of it.
    """

    def __init__(
        self,
        client: Triagelens,
        patiently: Callable[[Callable[[], Any]], Any],
        old: OldCase,
        case: Case,
        *,
        begun: bool,
    ) -> None:
        self._client = client
        self._patiently = patiently
        self._old = old
        self._case = case
        self._begun = begun
        self.remarks = list(old.remarks)

    def finish(self) -> tuple[str, ...]:
        """Takes every step that was not taken yet; gives what did not come over."""
        if self._case.status in ("open", "uncertain"):
            self._form()
        self._label()
        self._drawings()
        self._comments()
        self._decision()
        return tuple(self.remarks)

    def _form(self) -> None:
        form = self._old.form
        if form is None:
            return
        by = self._submitter() if self._begun else None
        if by is not None and by != self._case.owner:
            self.remarks.append("its form did not come over: another was submitted here")
        elif by is None:
            self._step("its form", lambda: self._client.cases.submit_form(self._case.case_id, form))

    def _submitter(self) -> str | None:
        """Who submitted the form that is there, if there is one."""
        try:
            return str(self._patiently(lambda: self._client.cases.form(self._case.case_id)).submitted_by)
        except NotFoundError:
            return None

    def _label(self) -> None:
        label, notes = self._old.label, self._old.label_notes
        if label is None or self._case.status == "rejected":
            return
        # The same label again is no change.
        self._step("its label", lambda: self._client.cases.label(self._case.case_id, label, notes))

    def _drawings(self) -> None:
        if not self._old.drawings or self._case.status == "rejected":
            return
        reviews, case_id = self._client.review, self._case.case_id
        there = self._drawn() if self._begun else Counter[tuple[int, str | None, int]]()
        sizes = self._sizes()
        for drawing in self._old.drawings:
            mark = (drawing.image_index, drawing.correct_label, _count(drawing))
            if there[mark] > 0:
                there[mark] -= 1
                continue
            try:
                body = self._scaled(drawing, sizes)
            except UnfitError as error:
                self.remarks.append(f"an annotation did not come over: {error}")
                continue
            self._step("an annotation", partial(reviews.annotate, case_id, drawing.image_index, body))

    def _drawn(self) -> "Counter[tuple[int, str | None, int]]":
        found = self._patiently(lambda: list(self._client.review.annotations(self._case.case_id)))
        own = (one for one in found if one.author == self._case.owner)
        return Counter((one.image_index, one.correct_label, one.shape_count) for one in own)

    def _sizes(self) -> Mapping[str, tuple[int, int]]:
        """Width and height of each working image, by image id."""
        coco = self._patiently(lambda: self._client.review.coco(self._case.case_id))
        return {
            str(entry["file_name"]).rsplit(".", 1)[0]: (entry["width"], entry["height"])
            for entry in coco["images"]
        }

    def _scaled(self, drawing: OldDrawing, sizes: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
        """The drawing in pixels of the working image.

        Raises:
            UnfitError: there is no such image, or nothing is known of its size.
        """
        if not 0 <= drawing.image_index < len(self._case.image_ids):
            raise UnfitError("it is on an image that the case does not have")
        image_id = self._case.image_ids[drawing.image_index]
        if image_id not in sizes:
            raise UnfitError("its image could not be kept")
        width, height = sizes[image_id]
        across, down = float(width), float(height)
        if not drawing.fractions:
            image = self._patiently(lambda: self._client.image(image_id))
            if image.quality is None or not image.quality.width or not image.quality.height:
                raise UnfitError("the size of its image is not known")
            across, down = width / image.quality.width, height / image.quality.height
        shapes = {
            kind: [_scaled_shape(shape, across, down) for shape in of_kind]
            for kind, of_kind in drawing.shapes.items()
        }
        return {**shapes, "correct_label": drawing.correct_label or self._old.label}

    def _comments(self) -> None:
        if not self._old.comments:
            return
        case_id = self._case.case_id
        there: Sequence[str] = ()
        if self._begun:
            found = self._patiently(lambda: list(self._client.cases.comments(case_id)))
            there = [comment.text for comment in found if comment.author == self._case.owner]
        left = Counter(self._old.comments) - Counter(there)
        for text in self._old.comments:
            if left[text] > 0:
                left[text] -= 1
                self._step("a comment", partial(self._client.cases.comment, case_id, text))

    def _decision(self) -> None:
        """Gives the case its former status. The platform may doubt a new case by itself meanwhile.

        Raises:
            OutdatedError: the case keeps changing: another run goes on with it.
        """
        for _ in range(DECISION_TRIES - 1):
            try:
                self._decide()
                return
            except OutdatedError:
                self._case = self._patiently(lambda: self._client.cases.get(self._case.case_id))
        self._decide()

    def _decide(self) -> None:
        old, case, cases = self._old, self._case, self._client.cases
        if case.status == old.status or old.status == "open":
            return
        if case.status in FINAL:
            self.remarks.append(f"it was decided otherwise here: {case.status}")
            return
        reason = old.reason or "As in the former system."
        if old.status == "confirmed" and old.diagnosis is not None:
            self._step("its decision", partial(cases.confirm, case, old.diagnosis, old.reason))
        elif old.status == "uncertain":
            self._step("its decision", partial(cases.uncertain, case, reason))
        elif old.status == "rejected":
            self._step("its decision", partial(cases.reject, case, reason))

    def _step(self, what: str, request: Callable[[], object]) -> None:
        """One request; a refusal is remarked."""
        try:
            self._patiently(request)
        except REFUSALS as error:
            self.remarks.append(f"{what} did not come over: {error}")


def _count(drawing: OldDrawing) -> int:
    return sum(len(shapes) for shapes in drawing.shapes.values())


def _scaled_shape(shape: Mapping[str, Any], across: float, down: float) -> dict[str, Any]:
    """A shape with `x` and `width` times `across`, and `y` and `height` times `down`."""
    if "points" in shape:
        points = [(x * across, y * down) for x, y in shape["points"]]
        pen = {"width": max(1.0, shape["width"] * across)} if "width" in shape else {}
        return {**shape, "points": points, **pen}
    scaled = {"x": across, "y": down, "width": across, "height": down}
    return {**shape, **{name: shape[name] * factor for name, factor in scaled.items()}}
