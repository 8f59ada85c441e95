"""What readers draw on a case's images."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response, status

from clinic_api.correlation import correlation_id
from clinic_api.deps.cases import CaseReader, IfMatch, VisibleCase
from clinic_api.deps.reviewing import AnnotationsCase
from clinic_api.etags import etag, versions_in
from clinic_api.routes.cases import Cursor, Limit
from clinic_api.routes.responses import problems
from clinic_api.schemas.annotations import (
    ANNOTATION_ID_EXAMPLE,
    AnnotationEditRequest,
    AnnotationImportResponse,
    AnnotationList,
    AnnotationRequest,
    AnnotationResponse,
    CocoResponse,
)
from triagelens.domain.annotations import Annotation
from triagelens.domain.coco import CocoDocument
from triagelens.services.changes import Asked

router = APIRouter(prefix="/v1/cases/{case_id}/annotations", tags=["review"])

AnnotationId = Annotated[
    str, Path(max_length=64, description="From the list or the answer", examples=[ANNOTATION_ID_EXAMPLE])
]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    operation_id="annotate_case",
    summary="Draw on an image of a case (doctor, admin)",
    responses=problems(400, 401, 403, 404, 409, 503),
)
def annotate_case(
    body: AnnotationRequest,
    reader: CaseReader,
    case: VisibleCase,
    annotations: AnnotationsCase,
    response: Response,
) -> AnnotationResponse:
    """Strokes, boxes and polygons inside the working image, each with a label of the specialty.

    It does not label the case. As long as blind readers are awaited, nobody else sees it.
    """
    return _shown(annotations.add(reader, case, body.image_index, body.drawing()), response)


@router.get(
    "",
    operation_id="list_case_annotations",
    summary="Annotations of a case, newest first (doctor, admin)",
    responses=problems(400, 401, 403, 404, 503),
)
def list_case_annotations(
    reader: CaseReader,
    case: VisibleCase,
    annotations: AnnotationsCase,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AnnotationList:
    """The latest revision of each. As long as blind readers are awaited, each sees their own only."""
    return AnnotationList.of(annotations.page(reader, case, limit, cursor))


@router.get(
    "/coco",
    operation_id="export_case_annotations",
    summary="Annotations of a case as COCO (doctor, admin)",
    responses=problems(401, 403, 404, 413, 503),
)
def export_case_annotations(
    reader: CaseReader, case: VisibleCase, annotations: AnnotationsCase
) -> CocoResponse:
    """All that you may see. What comes out can be put in again, and nothing is lost."""
    return CocoResponse.model_validate(annotations.as_coco(reader, case))


@router.post(
    "/coco",
    status_code=status.HTTP_201_CREATED,
    operation_id="import_case_annotations",
    summary="Annotations of a case from COCO (doctor, admin)",
    responses=problems(400, 401, 403, 404, 409, 503),
)
def import_case_annotations(
    body: CocoDocument,
    reader: CaseReader,
    case: VisibleCase,
    annotations: AnnotationsCase,
) -> AnnotationImportResponse:
    """Images are known by their file name, less its ending; their size has to be the working image's.

    Boxes and polygons of any tool, and our own strokes; run-length masks are refused. The annotations are
    yours. If anything in the document does not fit, nothing of it is kept.
    """
    return AnnotationImportResponse.of(annotations.from_coco(reader, case, body))


@router.get(
    "/{annotation_id}",
    operation_id="get_case_annotation",
    summary="One annotation with its shapes (doctor, admin)",
    responses=problems(401, 403, 404, 503),
)
def get_case_annotation(
    annotation_id: AnnotationId,
    reader: CaseReader,
    case: VisibleCase,
    annotations: AnnotationsCase,
    response: Response,
    revision: Annotated[
        int | None, Query(ge=1, le=999_999, description="A former one; the latest, if not given")
    ] = None,
) -> AnnotationResponse:
    """The `ETag` names the revision, for a change to refer to."""
    return _shown(annotations.one(reader, case, annotation_id, revision), response)


@router.put(
    "/{annotation_id}",
    operation_id="edit_case_annotation",
    summary="Draw one's own annotation anew (doctor, admin)",
    responses=problems(400, 401, 403, 404, 409, 412, 428, 503),
)
def edit_case_annotation(
    annotation_id: AnnotationId,
    body: AnnotationEditRequest,
    reader: CaseReader,
    case: VisibleCase,
    annotations: AnnotationsCase,
    response: Response,
    if_match: IfMatch = None,
) -> AnnotationResponse:
    """As the next revision; former ones can still be read. Without any shape it is withdrawn."""
    asked = Asked(reader, versions_in(if_match), correlation_id())
    return _shown(annotations.edit(asked, case, annotation_id, body.drawing()), response)


def _shown(annotation: Annotation, response: Response) -> AnnotationResponse:
    response.headers["ETag"] = etag(annotation.revision)
    return AnnotationResponse.of(annotation)
