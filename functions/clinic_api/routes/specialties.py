"""Fields of medicine."""

from fastapi import APIRouter

from clinic_api.deps.access import CurrentPerson
from clinic_api.routes.responses import problems
from clinic_api.schemas.images import SpecialtyList, SpecialtyResponse
from triagelens.domain.specialties import SPECIALTIES

router = APIRouter(prefix="/v1", tags=["specialties"])


@router.get(
    "/specialties",
    operation_id="list_specialties",
    summary="What photos can be sent for",
    responses=problems(401, 403, 503),
)
def list_specialties(_person: CurrentPerson) -> SpecialtyList:
    """Every specialty with its labels, and how sharp a photo has to be."""
    return SpecialtyList(items=[SpecialtyResponse.of(entry) for entry in SPECIALTIES.values()])
