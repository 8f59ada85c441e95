"""Is anybody there?"""

from fastapi import APIRouter
from pydantic import BaseModel, Field

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The API function answers."""

    status: str = Field(default="ok", examples=["ok"])


@router.get("/health", operation_id="health", summary="Whether the API answers")
def health() -> Health:
    """Needs no sign-in and asks nothing else: it says that this function runs, no more."""
    return Health()
