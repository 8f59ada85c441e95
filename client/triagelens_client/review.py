"""Reading cases: what to read next, panels of readers, gold cases, annotations."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from triagelens_client.http import Http, read_answer, segment
from triagelens_client.models import Page, all_of
from triagelens_client.review_models import (
    Agreement,
    Annotation,
    AnnotationSummary,
    CaseAgreement,
    ImportedAnnotations,
    ReaderAccuracies,
    ReaderAccuracy,
    ReviewQueue,
)
from triagelens_client.tokens import TokenProvider


class Review:
    """What readers do. Made by `Triagelens`, as its `review`.

    For doctors and admins, where nothing else is said.
    """

    def __init__(self, http: Http, tokens: TokenProvider) -> None:
        self._http = http
        self._tokens = tokens

    def queue(
        self, specialty: str, *, top_k: int = 5, strategy: str = "margin", cursor: str | None = None
    ) -> ReviewQueue:
        """The cases whose label would teach most: by `margin`, `entropy`, `least_confidence` or `diverse`."""
        query = {"specialty": specialty, "top_k": top_k, "strategy": strategy, "cursor": cursor}
        return read_answer(ReviewQueue, self._send("GET", "/review-queue", query=query))

    def want_readers(self, case_id: str, readers: int) -> CaseAgreement:
        """Asks for so many readers who do not see each other's labels. Whoever works on the case."""
        body = {"readers_wanted": readers}
        return read_answer(
            CaseAgreement, self._send("PUT", _of(case_id, "readers"), body=body, idempotent=True)
        )

    def agreement_on(self, case_id: str) -> CaseAgreement:
        """Whether the readers of a case agree."""
        return read_answer(CaseAgreement, self._send("GET", _of(case_id, "agreement")))

    def adjudicate(self, case_id: str, correct_label: str, reason: str) -> CaseAgreement:
        """Settles what the readers of a case disagree about; one must not be one of them."""
        body = {"correct_label": correct_label, "reason": reason}
        return read_answer(CaseAgreement, self._send("POST", _of(case_id, "adjudicate"), body=body))

    def agreement(self, specialty: str) -> Agreement:
        """Cohen's and Fleiss' kappa of a specialty's blind readers."""
        return read_answer(Agreement, self._send("GET", "/agreement", query={"specialty": specialty}))

    def set_gold(self, case_id: str, correct_label: str) -> None:
        """Lets a case measure readers. Admins."""
        body = {"correct_label": correct_label}
        self._send("PUT", _of(case_id, "gold"), body=body, idempotent=True)

    def remove_gold(self, case_id: str) -> None:
        """Makes it a case like others. Admins."""
        self._send("DELETE", _of(case_id, "gold"))

    def accuracy(self, specialty: str) -> tuple[ReaderAccuracy, ...]:
        """How often each reader was right on gold cases. Admins."""
        response = self._send("GET", "/reader-accuracy", query={"specialty": specialty})
        return read_answer(ReaderAccuracies, response).readers

    def annotate(self, case_id: str, image_index: int, drawing: Mapping[str, Any]) -> Annotation:
        """Draws `strokes`, `boxes` and `polygons` on an image of a case; `correct_label` is for all."""
        body = {**drawing, "image_index": image_index}
        return read_answer(Annotation, self._send("POST", _of(case_id, "annotations"), body=body))

    def redraw(self, case_id: str, annotation: AnnotationSummary, drawing: Mapping[str, Any]) -> Annotation:
        """One's own annotation anew; refused with OutdatedError if it is not as it was read any more."""
        version = {"If-Match": f'"{annotation.revision}"'}
        path = f"{_of(case_id, 'annotations')}/{segment(annotation.annotation_id)}"
        return read_answer(Annotation, self._send("PUT", path, body=dict(drawing), headers=version))

    def annotation(self, case_id: str, annotation_id: str, revision: int | None = None) -> Annotation:
        """One annotation with its shapes."""
        path = f"{_of(case_id, 'annotations')}/{segment(annotation_id)}"
        return read_answer(Annotation, self._send("GET", path, query={"revision": revision}))

    def annotations(self, case_id: str) -> Iterator[AnnotationSummary]:
        """All of a case, newest first, without their shapes."""

        def page(cursor: str | None) -> Page[AnnotationSummary]:
            response = self._send("GET", _of(case_id, "annotations"), query={"cursor": cursor})
            return read_answer(Page[AnnotationSummary], response)

        return all_of(page)

    def coco(self, case_id: str) -> dict[str, Any]:
        """The annotations of a case as a COCO document."""
        document: dict[str, Any] = self._send("GET", _of(case_id, "annotations/coco")).json()
        return document

    def import_coco(self, case_id: str, document: Mapping[str, Any]) -> tuple[AnnotationSummary, ...]:
        """Annotations of one's own from a COCO document, one for each image; all of it or nothing."""
        response = self._send("POST", _of(case_id, "annotations/coco"), body=document)
        return read_answer(ImportedAnnotations, response).items

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.send(method, f"/v1{path}", tokens=self._tokens, **request)


def _of(case_id: str, what: str) -> str:
    return f"/cases/{segment(case_id)}/{what}"
