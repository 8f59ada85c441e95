"""Scans as the brain tumour system's portals show them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel

from clinic_api.compat.braintumor_words import SPECIALTY, TUMOURS, Word, word_for
from clinic_api.deps.former_patients import IllustratingCase
from clinic_api.deps.ports import WorkingImagesPort
from triagelens.domain.images import ImageRecord, ImageStatus
from triagelens.domain.prediction import Prediction
from triagelens.services.images import URL_LIFETIME


class Scan(BaseModel):
    """A scan, and what was found.

    Attributes:
        original_path, heatmap_path, overlay_path: presigned, good for five minutes. The pictures of the
            evidence are null where they could not be drawn in time, or not at all.
        confidence: of the model in its first label, 0..1.
        probability: of a tumour of any kind, 0..1.
        demonstration: the model is not for patients.
    """

    scan_id: str
    original_filename: str | None
    original_path: str | None = None
    heatmap_path: str | None = None
    overlay_path: str | None = None
    prediction: Word | None = None
    confidence: float | None = None
    probability: float | None = None
    demonstration: bool | None = None
    status: Literal["completed", "processing"]
    created_at: datetime

    @classmethod
    def of(cls, record: ImageRecord, pictures: dict[str, str]) -> Self:
        shown = {} if record.prediction is None else _told(record.prediction)
        return cls(
            scan_id=record.image_id,
            original_filename=record.upload.original_filename,
            status="processing" if record.prediction is None else "completed",
            created_at=record.created_at,
            **pictures,
            **shown,
        )


class ScanPictures:
    """Puts scans together with their pictures: a dependency, whose time begins with the request.

    Every read of a list takes one call of `explain_image` for each scan in it; that is quick for what was
    drawn before.
    """

    def __init__(self, illustrating: IllustratingCase, working: WorkingImagesPort) -> None:
        self._illustrating = illustrating
        self._working = working

    def scans(self, records: Sequence[ImageRecord]) -> list[Scan]:
        """All of `records`, with as many pictures as there is time for."""
        drawn = self._illustrating.of([record for record in records if record.prediction is not None])
        scans = []
        for record in records:
            keys: dict[str, str] = {}
            if record.working_image is not None:
                keys["original_path"] = record.working_image.key
            if record.image_id in drawn:
                keys["heatmap_path"] = drawn[record.image_id].heatmap_key
                keys["overlay_path"] = drawn[record.image_id].overlay_key
            links = {name: self._working.url(key, URL_LIFETIME) for name, key in keys.items()}
            scans.append(Scan.of(record, links))
        return scans


class ScanList(BaseModel):
    """A page of a patient's scans, newest first; it may hold fewer than was asked for."""

    success: bool = True
    scans: list[Scan]
    cursor: str | None

    @classmethod
    def of(cls, records: Sequence[ImageRecord], pictures: ScanPictures, cursor: str | None) -> Self:
        """Only of the brain, and once there is a finding: the former system knew no other scans."""
        found = [r for r in records if r.specialty == SPECIALTY and r.status is ImageStatus.ANALYZED]
        return cls(scans=pictures.scans(found), cursor=cursor)


def _told(prediction: Prediction) -> dict[str, object]:
    of_tumours = sum(entry.probability for entry in prediction.probabilities if entry.label in TUMOURS)
    return {
        "prediction": word_for(prediction),
        "confidence": prediction.confidence,
        "probability": min(of_tumours, 1.0),
        "demonstration": prediction.demonstration,
    }
