"""What travels through our queues and on the bus."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict


class InferenceRequest(BaseModel):
    """Body of a message in the inference queue: analyse this version of that image."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    image_id: str
    object_version: str
    attempt: int
    correlation_id: str


class Event(BaseModel):
    """A fact for the bus. Its id is the same however often it is published, so receivers can tell copies."""

    model_config = ConfigDict(frozen=True)

    event_id: str
    type: str
    time: datetime
    correlation_id: str
    detail: dict[str, Any]
