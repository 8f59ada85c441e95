"""What S3 tells the quality queue."""

from urllib.parse import unquote_plus

from pydantic import BaseModel, Field


class _Bucket(BaseModel):
    name: str


class _Object(BaseModel):
    key: str
    version_id: str = Field(alias="versionId")


class _Entity(BaseModel):
    bucket: _Bucket
    object: _Object


class _Record(BaseModel):
    s3: _Entity


class Upload(BaseModel):
    """One version of one original."""

    image_id: str
    object_version: str


class Notification(BaseModel):
    """Body of a message in the quality queue.

    S3 sends one `s3:TestEvent` without records when the notification is set up; it is not an upload.
    """

    records: list[_Record] = Field(default_factory=list, alias="Records")
    event: str | None = Field(default=None, alias="Event")

    @property
    def uploads(self) -> list[Upload]:
        return [
            Upload(
                image_id=unquote_plus(record.s3.object.key).removeprefix("uploads/"),
                object_version=record.s3.object.version_id,
            )
            for record in self.records
        ]


class MalformedMessageError(ValueError):
    """A message that is no S3 notification: poison, for the dead-letter queue."""


def uploads_of(body: str) -> list[Upload]:
    """The uploads that a message tells of.

    Raises:
        MalformedMessageError: the message is neither a notification nor S3's test event.
    """
    try:
        notification = Notification.model_validate_json(body)
    except ValueError as error:
        raise MalformedMessageError("not an S3 notification") from error
    if not notification.records and notification.event != "s3:TestEvent":
        raise MalformedMessageError("a notification without records")
    return notification.uploads
