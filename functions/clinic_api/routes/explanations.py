"""What a finding rests on."""

from typing import Annotated

from fastapi import APIRouter, Query

from clinic_api.deps.access import VisibleImage
from clinic_api.deps.explanations import ExplainerPort
from clinic_api.deps.ports import ClockPort, WorkingImagesPort
from clinic_api.routes.responses import problems
from clinic_api.schemas.explanations import ExplanationResponse
from triagelens.services.explanations import finding_of, known_label
from triagelens.services.images import URL_LIFETIME, SignedUrl

router = APIRouter(prefix="/v1/images", tags=["images"])


@router.get(
    "/{image_id}/explanation",
    operation_id="explain_image",
    summary="Heatmap and overlay of the evidence for a label",
    responses=problems(400, 401, 403, 404, 409, 503),
)
def explain_image(
    record: VisibleImage,
    explainer: ExplainerPort,
    pictures: WorkingImagesPort,
    clock: ClockPort,
    label: Annotated[
        str | None,
        Query(max_length=64, description="One of the model's labels; the most probable unless told"),
    ] = None,
) -> ExplanationResponse:
    """Any label can be asked for, not only the top one. Links are good for five minutes.

    The pictures are drawn when they are first asked for, which takes a moment, and kept from then on.
    """
    wanted = known_label(finding_of(record), label)
    found = explainer.explain(record.image_id, wanted)
    heatmap, overlay = (
        SignedUrl(pictures.url(key, URL_LIFETIME), URL_LIFETIME)
        for key in (found.heatmap_key, found.overlay_key)
    )
    return ExplanationResponse.of(found, heatmap, overlay, clock())
