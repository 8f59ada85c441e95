"""The patients' forms of SMITA, in the fields that the platform's form has; the rest as answers."""

from collections.abc import Mapping
from typing import Any

from triagelens_client.migrate.patients import gender_of
from triagelens_client.migrate.reading import Record, listed, number, sayable, text

MOST_ANSWERS = 50
MOST_SYMPTOMS = 30
_TEXTS: Mapping[str, tuple[tuple[str, ...], int]] = {
    "name": (("name", "patient_name", "full_name"), 200),
    "phone": (("phone", "phone_number", "mobile", "contact"), 40),
    "address": (("address",), 500),
    "complaint": (("complaint", "chief_complaint", "complaints"), 4_000),
    "site": (("site", "lesion_site", "location"), 200),
    "medical_history": (("medical_history",), 4_000),
    "family_history": (("family_history",), 4_000),
}
_HABITS: Mapping[str, tuple[str, ...]] = {
    "tobacco": ("tobacco", "smoking", "tobacco_use"),
    "areca_nut": ("areca_nut", "betel_nut", "betel"),
    "alcohol": ("alcohol", "drinking"),
}
_HABIT_WORDS = {
    **dict.fromkeys(("yes", "true", "current", "daily", "sometimes"), "current"),
    **dict.fromkeys(("no", "false", "never", "none"), "never"),
    **dict.fromkeys(("former", "past", "stopped", "quit"), "former"),
}
_CONSENT = ("consent", "patient_consent", "has_consent")
# Of the record, not of what was asked.
_OURS = frozenset(
    {
        *("_id", "smita_id", "smitaId", "__v", "comments", "user", "user_id", "userId"),
        *("image", "image_url", "imageUrl", "image_path", "url", "filename"),
        *("prediction", "prediction_label", "result", "label", "confidence", "confidence_score"),
        *("probability", "created_at", "createdAt", "updated_at", "updatedAt", "timestamp", "date"),
    }
)


def form_of(reference: str, record: Record) -> dict[str, Any]:
    """The form, as the API takes it.

    What says nothing of a consent is taken as none: nobody can give it afterwards for somebody else.
    """
    inner = record.get("form") or record.get("patient") or record.get("formData")
    asked = {**record, **inner} if isinstance(inner, dict) else dict(record)
    used = {"form", "patient", "formData"}
    form: dict[str, Any] = {"consent": _consent(asked), "reference": reference[:200]}
    for field, (names, most) in _TEXTS.items():
        _put(form, used, asked, field, names, text(asked, *names, most=most))
    age = number(asked, "age")
    _put(form, used, asked, "age", ("age",), int(age) if age is not None and 0 <= age <= 130 else None)
    _put(form, used, asked, "gender", ("gender", "sex"), gender_of(text(asked, "gender", "sex")))
    days = number(asked, "duration_days")
    fits = days is not None and 0 <= days <= 50_000
    _put(form, used, asked, "duration_days", ("duration_days",), int(days) if fits and days else None)
    symptoms = tuple(sayable(str(one)).strip()[:200] for one in listed(asked, "symptoms") if str(one).strip())
    _put(form, used, asked, "symptoms", ("symptoms",), symptoms[:MOST_SYMPTOMS] or None)
    for field, names in _HABITS.items():
        said = _first(asked, names)
        habit = None if said is None else _HABIT_WORDS.get(str(said).strip().casefold())
        _put(form, used, asked, field, names, habit)
    used |= {name for name in _CONSENT if isinstance(asked.get(name), bool)}
    form["answers"] = _answers(asked, used | _OURS)
    return form


def _put(
    form: dict[str, Any], used: set[str], asked: Record, field: str, names: tuple[str, ...], value: Any
) -> None:
    """Sets a field of the form, and notes which of the record's it came from; without a value neither."""
    if value is not None:
        form[field] = value
        used.add(next(name for name in names if asked.get(name) not in (None, "")))


def _consent(asked: Record) -> bool:
    given = _first(asked, _CONSENT)
    return given is True or str(given).strip().casefold() in ("yes", "true", "given")


def _first(asked: Record, names: tuple[str, ...]) -> Any:
    return next((asked[name] for name in names if asked.get(name) not in (None, "")), None)


def _answers(asked: Record, used: set[str] | frozenset[str]) -> dict[str, str]:
    answers: dict[str, str] = {}
    for name, value in asked.items():
        plain = sayable(name).strip()[:200]
        if name in used or not plain or len(answers) == MOST_ANSWERS:
            continue
        said = "; ".join(map(str, value)) if isinstance(value, list) else value
        if isinstance(said, str | int | float) and str(said).strip():
            answers[plain] = sayable(str(said))[:2_000]
    return answers
