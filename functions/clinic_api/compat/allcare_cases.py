"""Cases of the AllCare app: numbers, decisions, labels."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from clinic_api.compat import allcare_case_shapes as shapes
from clinic_api.compat.allcare_shapes import SPECIALTY
from clinic_api.compat.application import errors_of
from clinic_api.deps.cases import (
    CaseNumbersPort,
    CaseReader,
    CasesCase,
    CaseWorker,
    NumberedCasesCase,
    ReadingsCase,
)
from clinic_api.deps.reviewing import AnnotationsCase, ReviewRecordsPort
from clinic_api.trail import about
from triagelens.domain.cases import Case, CaseStatus, Move
from triagelens.services.annotations import Drawing
from triagelens.services.numbered_cases import Decided

router = APIRouter(prefix="/cases")
Number = Annotated[int, Path(ge=1, le=9_999_999_999)]


@router.post("/next-id", responses=errors_of(401, 403))
def next_id(worker: CaseWorker, numbers: CaseNumbersPort) -> shapes.NumberedCase:
    return shapes.NumberedCase(case_id=numbers.take(worker.sub))


@router.post("/release-id", responses=errors_of(401, 403, 404, 409, 422))
def release_id(body: shapes.NumberedCase, worker: CaseWorker, numbers: CaseNumbersPort) -> shapes.Released:
    numbers.release(body.case_id, worker.sub)
    return shapes.Released(case_id=body.case_id)


@router.get("", responses=errors_of(401, 403, 422))
def past_cases(
    worker: CaseWorker,
    cases: CasesCase,
    review: ReviewRecordsPort,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
    status: CaseStatus | None = None,
    include_uncertain: bool = True,
    include_rejected: bool = True,
) -> list[shapes.PastCase]:
    """The newest first. A gp sees their own, doctors and admins see all."""
    statuses = frozenset(CaseStatus if status is None else [status])
    statuses -= frozenset() if include_uncertain else {CaseStatus.UNCERTAIN}
    statuses -= frozenset() if include_rejected else {CaseStatus.REJECTED}
    found = cases.page(worker, SPECIALTY, statuses, limit, None).items
    findings = dict(review.findings([case.image_ids[0] for case in found]))
    return [shapes.PastCase.of(case, findings.get(case.image_ids[0])) for case in found]


@router.post("", responses=errors_of(400, 401, 403, 404, 409, 422))
def log_case(body: shapes.ConfirmedCase, worker: CaseWorker, numbered: NumberedCasesCase) -> shapes.Logged:
    """Confirms a case with its final diagnosis."""
    numbered.add(worker, body.case_id, SPECIALTY, body.image_ids, body.notes)
    decided = Decided(Move.CONFIRM, body.reason, body.final_diagnosis)
    return _logged(numbered.decide(worker, body.case_id, decided), "Case logged")


@router.put("/{case_id}", responses=errors_of(400, 401, 403, 404, 409, 422))
def update_case(
    case_id: Number, body: shapes.CaseUpdate, worker: CaseWorker, numbered: NumberedCasesCase
) -> shapes.Updated:
    """Adds photos, changes the notes; with a final diagnosis it confirms the case."""
    about(numbered.case(worker, case_id).case_id)
    numbered.add(worker, case_id, SPECIALTY, body.image_ids, body.notes)
    if body.final_diagnosis is not None:
        numbered.decide(worker, case_id, Decided(Move.CONFIRM, body.reason, body.final_diagnosis))
    return shapes.Updated(case_id=case_id)


@router.post("/uncertain", responses=errors_of(400, 401, 403, 404, 409, 422))
def log_uncertain_case(
    body: shapes.CaseLog, worker: CaseWorker, numbered: NumberedCasesCase
) -> shapes.Logged:
    """Leaves a case to a specialist."""
    numbered.add(worker, body.case_id, SPECIALTY, body.image_ids, body.notes)
    decided = numbered.decide(worker, body.case_id, Decided(Move.DOUBT, body.reason))
    return _logged(decided, "Case marked as uncertain")


@router.post("/reject", responses=errors_of(401, 403, 404, 409, 422))
def reject_case(
    body: shapes.RejectCase, worker: CaseWorker, numbered: NumberedCasesCase, numbers: CaseNumbersPort
) -> shapes.Logged:
    """Puts a case aside. Of one without any photo that was accepted, only the number is given back."""
    if numbered.find(worker, body.case_id) is None:
        numbers.release(body.case_id, worker.sub)
        nothing = "Case rejected; it had no photo to keep, and its ID is free again"
        return shapes.Logged(message=nothing, case_id=body.case_id, case_status=CaseStatus.REJECTED)
    return _logged(numbered.decide(worker, body.case_id, Decided(Move.REJECT, body.reason)), "Case rejected")


@router.post("/{case_id}/label", responses=errors_of(400, 401, 403, 404, 409, 422))
def label_case(
    case_id: Number,
    body: shapes.LabelSubmission,
    reader: CaseReader,
    numbered: NumberedCasesCase,
    readings: ReadingsCase,
) -> shapes.Kept:
    case = numbered.case(reader, case_id)
    about(case.case_id)
    readings.label(reader, case, body.correct_label, body.notes)
    return shapes.Kept(case_id=case_id, message="Label saved")


@router.post("/{case_id}/annotations", responses=errors_of(400, 401, 403, 404, 409, 422))
def annotate_case(
    case_id: Number,
    body: shapes.AnnotationSubmission,
    reader: CaseReader,
    numbered: NumberedCasesCase,
    readings: ReadingsCase,
    annotations: AnnotationsCase,
) -> shapes.Kept:
    """Labels the case and keeps what is drawn, or neither. The label first: said again, it is still one."""
    case = numbered.case(reader, case_id)
    about(case.case_id)
    drawing = Drawing(body.shapes(), body.correct_label, on_photo=True)
    annotations.check(case, body.image_index, drawing)
    readings.label(reader, case, body.correct_label, body.notes)
    if drawing.shapes.count:
        annotations.add(reader, case, body.image_index, drawing)
    return shapes.Kept(case_id=case_id, message="Annotations saved")


def _logged(case: Case, message: str) -> shapes.Logged:
    about(case.case_id)
    return shapes.Logged(message=message, case_id=case.number, case_status=case.status)
