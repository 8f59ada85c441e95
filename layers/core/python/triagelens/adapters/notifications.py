"""What S3 tells a queue about new objects."""

from dataclasses import dataclass
from urllib.parse import unquote_plus

from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True)
class NewObject:
    """One version of one object."""

    key: str
    object_version: str


class MalformedMessageError(ValueError):
    """A message that is no S3 notification: poison, for the dead-letter queue."""


class _Object(BaseModel):
    key: str
    version_id: str = Field(alias="versionId")


class _Entity(BaseModel):
    object: _Object


class _Record(BaseModel):
    s3: _Entity


class _Notification(BaseModel):
    # What is no notification may be anything; it does not belong into a log.
    model_config = ConfigDict(hide_input_in_errors=True)

    records: list[_Record] = Field(default_factory=list, alias="Records")
    event: str | None = Field(default=None, alias="Event")


def new_objects(body: str) -> list[NewObject]:
    """The objects that a message tells of; none for the `s3:TestEvent` that S3 sends when it is set up.

    Raises:
        MalformedMessageError: the message is neither a notification nor S3's test event.
    """
    try:
        notification = _Notification.model_validate_json(body)
    except ValueError as error:
        raise MalformedMessageError("not an S3 notification") from error
    if not notification.records and notification.event != "s3:TestEvent":
        raise MalformedMessageError("a notification without records")
    entities = [record.s3.object for record in notification.records]
    return [NewObject(key=unquote_plus(entity.key), object_version=entity.version_id) for entity in entities]
