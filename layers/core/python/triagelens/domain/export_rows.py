"""Rows of an export, and how a row becomes a line.

A row without `people` holds ids, figures, dates and words of ours alone. What people typed (notes,
diagnoses, reasons, names of files and devices) and patients' names are in it only with `people`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from triagelens.domain.cases import Case
from triagelens.domain.images import ImageRecord
from triagelens.domain.panels import Panel
from triagelens.domain.specialties import SPECIALTIES

Row: TypeAlias = dict[str, Any]

IMAGE_COLUMNS = (
    *("image_id", "specialty", "status", "purpose", "owner", "patient_id", "created_at", "updated_at"),
    *("captured_at", "content_type", "size_bytes", "width", "height", "working_width", "working_height"),
    *("verdict", "rejection_reasons", "warnings", "focus_score", "detail_score", "brightness"),
    *("top_label", "probability", "margin", "entropy", "probabilities", "decision", "decision_reasons"),
    *(
        "model_name",
        "model_version",
        "demonstration",
        "on_device_label",
        "on_device_probability",
        "failure_code",
    ),
)
IMAGE_PEOPLE = ("patient_name", "original_filename", "device", "on_device_said")
CASE_COLUMNS = (
    *("case_id", "number", "specialty", "status", "owner", "patient_id", "image_ids", "created_at"),
    *("updated_at", "updated_by", "decided_by", "decided_at", "readers_wanted", "panel", "labels"),
    *("adjudicated_by", "training_label"),
)
CASE_PEOPLE = ("patient_name", "notes", "final_diagnosis", "decision_reason", "adjudication_reason")

# A cell that begins like this is calculated by spreadsheet programs (OWASP, CSV Injection).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True)
class People:
    """What a row may tell of people: names by patient id."""

    names: Mapping[str, str]

    def name(self, patient_id: str | None) -> str | None:
        return None if patient_id is None else self.names.get(patient_id)


def columns(of_images: bool, with_people: bool) -> tuple[str, ...]:
    """The fields of a row, in their order."""
    if of_images:
        return IMAGE_COLUMNS + (IMAGE_PEOPLE if with_people else ())
    return CASE_COLUMNS + (CASE_PEOPLE if with_people else ())


def image_row(image: ImageRecord, people: People | None) -> Row:
    """An image as a row. An object detail that is not known yet is None."""
    upload, quality, found = image.upload, image.quality, image.prediction
    row: Row = dict.fromkeys(IMAGE_COLUMNS)
    row |= image.model_dump(
        mode="json",
        include={"image_id", "specialty", "status", "owner", "patient_id", "created_at", "updated_at"},
    )
    row |= upload.model_dump(mode="json", include={"purpose", "captured_at", "content_type", "size_bytes"})
    if quality is not None:
        figures = {"verdict", "focus_score", "detail_score", "brightness", "width", "height"}
        row |= quality.model_dump(mode="json", include=figures)
        for column, severity in (("rejection_reasons", "reject"), ("warnings", "warn")):
            row[column] = [reason.code for reason in quality.reasons if reason.severity == severity]
    if image.working_image is not None:
        row |= {
            "working_width": image.working_image.width,
            "working_height": image.working_image.height,
        }
    if found is not None:
        row |= found.model_dump(
            mode="json",
            include={"top_label", "probability", "margin", "entropy", "decision", "demonstration"},
        )
        row["decision_reasons"] = [str(reason) for reason in found.reasons]
        row["probabilities"] = {entry.label: entry.probability for entry in found.probabilities}
        row |= {"model_name": found.model.name, "model_version": found.model.version}
    said = upload.on_device_prediction
    if said is not None and said.label in _labels(image.specialty):
        row |= {"on_device_label": said.label, "on_device_probability": said.probability}
    if image.failure is not None:
        row["failure_code"] = image.failure.code
    if people is not None:
        row |= {
            "patient_name": people.name(image.patient_id),
            "original_filename": upload.original_filename,
            "device": None if upload.device is None else upload.device.model_dump(exclude_none=True),
            "on_device_said": None if said is None else said.model_dump(exclude_none=True),
        }
    return row


def case_row(case: Case, panel: Panel, people: People | None) -> Row:
    """A case as a row. Labels of a panel that still waits for a blind reader are not in it."""
    decision = case.decision
    row: Row = dict.fromkeys(CASE_COLUMNS)
    row |= case.model_dump(
        mode="json",
        include={
            *("case_id", "number", "specialty", "status", "owner", "patient_id", "image_ids"),
            *("created_at", "updated_at", "updated_by"),
        },
    )
    row |= {"readers_wanted": panel.readers_wanted, "panel": str(panel.state)}
    if decision is not None:
        row |= {"decided_by": decision.by, "decided_at": decision.model_dump(mode="json")["at"]}
    settled = panel.adjudication
    if not panel.hides_labels:
        row |= {"labels": panel.labels, "training_label": panel.training_label}
        row["adjudicated_by"] = settled and settled.by
    if people is not None:
        row |= {
            "patient_name": people.name(case.patient_id),
            "notes": case.notes,
            "final_diagnosis": case.final_diagnosis,
            "decision_reason": decision and decision.reason,
            "adjudication_reason": settled and settled.reason,
        }
    return row


def cells(row: Row, order: Sequence[str]) -> list[str | int | float]:
    """A row's cells for CSV: lists and objects as JSON, and nothing that a spreadsheet would calculate."""
    return [_cell(row[name]) for name in order]


def _cell(value: Any) -> str | int | float:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return value
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def _labels(specialty: str) -> tuple[str, ...]:
    known = SPECIALTIES.get(specialty)
    return () if known is None else known.label_names
