"""Errors as FastAPI tells them by itself, which is how two of the former systems told theirs."""

from typing import Any

from clinic_api.errors import Refusal
from clinic_api.schemas.problems import FieldProblem


def detail_of(refusal: Refusal) -> str | list[dict[str, Any]]:
    """FastAPI's `detail`: words, or a list of what does not fit."""
    return [_entry(problem) for problem in refusal.errors] or refusal.detail


def _entry(problem: FieldProblem) -> dict[str, Any]:
    if problem.parameter is not None:
        return {"loc": ["query", problem.parameter], "msg": problem.message, "type": problem.code}
    steps = (problem.pointer or "#").removeprefix("#").split("/")[1:]
    return {"loc": ["body", *steps], "msg": problem.message, "type": problem.code}
