"""What a report shows, before anybody sets it."""

import hashlib
from datetime import datetime

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


def percent(share: float) -> str:
    """A share, 0 to 1, as people read it. What is rounded never reads as certain: no model is."""
    if share >= 0.9995:
        return ">99.9 %"
    return "<0.1 %" if share < 0.0005 else f"{share * 100:.1f} %"


class Fact(_Part):
    """One line of a table: what, and its value."""

    name: str
    value: str


class Clinic(_Part):
    """Who issues the report. `logo` is a PNG, JPEG or SVG file's bytes."""

    name: str
    address: str = ""
    logo: bytes | None = None


class ShownLabel(_Part):
    """A label of the model and its probability, 0 to 1."""

    title: str
    probability: float


class ShownImage(_Part):
    """One image of the case, with what was found in it.

    Attributes:
        picture: JPEG: the overlay with its legend, or the working image where there is no explanation; None
            where there is not even that.
        caption: what the picture shows, also for who cannot see it.
        labels: most probable first; empty where there is no finding.
        facts: quality, model, decision.
    """

    picture: bytes | None
    caption: str
    labels: tuple[ShownLabel, ...] = ()
    facts: tuple[Fact, ...] = ()


class Remark(_Part):
    """What a reader wrote, who and when."""

    who: str
    when: str
    text: str


class ReportContent(_Part):
    """Everything that a report shows, in its order, but for number and time.

    Attributes:
        models: name and version; digest and intended use.
        link: address of the case in the clinic's portal, for the QR code.
    """

    title: str
    clinic: Clinic
    about: tuple[Fact, ...]
    patient: tuple[Fact, ...] = ()
    summary: tuple[Fact, ...] = ()
    images: tuple[ShownImage, ...] = ()
    remarks: tuple[Remark, ...] = ()
    models: tuple[Fact, ...] = ()
    disclaimer: str
    link: str

    @property
    def sha256(self) -> str:
        """Digest of what the report shows, pictures included."""
        text = self.model_dump_json(exclude={"clinic": {"logo"}, "images": {"__all__": {"picture"}}})
        digest = hashlib.sha256(text.encode())
        for picture in (self.clinic.logo, *(image.picture for image in self.images)):
            digest.update(hashlib.sha256(picture or b"").digest())
        return digest.hexdigest()


class ReportDocument(ReportContent):
    """A report as it is set.

    Attributes:
        version: counts the reports of the same case or patient.
    """

    version: int
    made_at: datetime

    @classmethod
    def of(cls, content: ReportContent, version: int, made_at: datetime) -> "ReportDocument":
        fields = {name: getattr(content, name) for name in ReportContent.model_fields}
        return cls(**fields, version=version, made_at=made_at)
