"""The patient's form of a case."""

from fastapi import APIRouter, Response

from clinic_api.deps.cases import CaseWorker, IfMatch, VisibleCase
from clinic_api.deps.reviewing import FormsCase
from clinic_api.etags import etag, versions_in
from clinic_api.routes.responses import problems
from clinic_api.schemas.forms import PatientFormRequest, PatientFormResponse
from triagelens.domain.forms import PatientForm

router = APIRouter(prefix="/v1/cases/{case_id}/form", tags=["cases"])


@router.put(
    "",
    operation_id="submit_case_form",
    summary="Submit a patient's form with its image",
    responses=problems(400, 401, 403, 404, 409, 412, 413, 503),
)
def submit_case_form(
    body: PatientFormRequest,
    worker: CaseWorker,
    case: VisibleCase,
    forms: FormsCase,
    response: Response,
    if_match: IfMatch = None,
) -> PatientFormResponse:
    """The first needs no `If-Match`; every further one takes the place of the version that it names."""
    versions = None if if_match is None else versions_in(if_match)
    return _shown(forms.submit(worker, case, body.image_index, body.form, versions), response)


@router.get(
    "",
    operation_id="get_case_form",
    summary="The patient's form of a case",
    responses=problems(401, 403, 404, 503),
)
def get_case_form(
    _worker: CaseWorker, case: VisibleCase, forms: FormsCase, response: Response
) -> PatientFormResponse:
    """Among clinicians: patients do not see it. The `ETag` names the version."""
    return _shown(forms.of(case), response)


def _shown(form: PatientForm, response: Response) -> PatientFormResponse:
    response.headers["ETag"] = etag(form.version)
    return PatientFormResponse.of(form)
