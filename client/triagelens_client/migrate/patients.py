"""What old systems knew of patients, by the platform's rules."""

import hashlib
import re
from typing import Any

from triagelens_client.migrate.reading import Record, number, text

NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9./-]{0,31}")
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
PHONE = re.compile(r"\+?[0-9 ()/.-]{3,32}")
OLDEST = 150
GENDERS = {
    "f": "female",
    "female": "female",
    "woman": "female",
    "m": "male",
    "male": "male",
    "man": "male",
    "other": "other",
    "diverse": "other",
    "unknown": "unknown",
}


def number_of(old: str) -> str:
    """The old number if it keeps to the rules, else one made of it that is the same each time."""
    if NUMBER.fullmatch(old):
        return old
    return f"X{hashlib.sha256(old.encode()).hexdigest()[:15]}"


def gender_of(words: str | None) -> str | None:
    return None if words is None else GENDERS.get(words.casefold())


def details_of(record: Record) -> tuple[dict[str, Any], list[str]]:
    """E-mail, age, gender, phone and address, and a remark on each that does not keep to the rules."""
    given = {name: text(record, name, most=500) for name in ("email", "age", "gender", "phone", "address")}
    age = number(record, "age")
    fit: dict[str, Any] = {
        "email": given["email"] if given["email"] and EMAIL.fullmatch(given["email"]) else None,
        "age": int(age) if age is not None and 0 <= age <= OLDEST else None,
        "gender": gender_of(given["gender"]),
        "phone": given["phone"] if given["phone"] and PHONE.fullmatch(given["phone"]) else None,
        "address": given["address"],
    }
    remarks = [
        f"the {name} is not one that the platform takes"
        for name, value in given.items()
        if value is not None and fit[name] is None
    ]
    return {name: value for name, value in fit.items() if value is not None}, remarks
