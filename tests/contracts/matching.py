"""Whether an answer is the one that a contract tells.

A text in angle brackets stands for any value of that kind, `... or null` for none too. As an object's only
key it stands for every key. `<number from 1>` and `<integer from 1>` have a least value. `["<each>", shape]`
is a list of one or more, `["<any>", shape]` of any number, all of that shape; `["<one of>", "a", "b"]` is one
of these values. Everything else is to be equal, and an object has these keys and no others.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

MANY = {"<each>": 1, "<any>": 0}
ONE_OF = "<one of>"
NULL = " or null>"
_FROM = re.compile(r"(<(?:number|integer)) from (-?\d+)>")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_timestamp(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value) is not None
    except (TypeError, ValueError):
        return False


KINDS: Mapping[str, Callable[[Any], bool]] = {
    "<text>": _is_text,
    "<number>": _is_number,
    "<integer>": lambda value: _is_number(value) and int(value) == value,
    "<share>": lambda value: _is_number(value) and 0 <= value <= 1,
    "<percent>": lambda value: _is_number(value) and 0 <= value <= 100,
    "<boolean>": lambda value: isinstance(value, bool),
    "<timestamp>": _is_timestamp,
    "<id>": lambda value: isinstance(value, str) and re.fullmatch(r"[0-9a-z]{26}", value) is not None,
    "<uuid>": lambda value: isinstance(value, str) and re.fullmatch(r"[0-9a-f-]{36}", value) is not None,
    "<sha256>": lambda value: isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None,
    "<url>": lambda value: isinstance(value, str) and re.match(r"https?://", value) is not None,
    "<null>": lambda value: value is None,
    "<anything>": lambda value: True,
}


def differences(expected: Any, found: Any, at: str = "answer") -> list[str]:
    """What is not as expected, in words; empty if all is.

    Raises:
        KeyError: a text in angle brackets that is no known kind.
    """
    if isinstance(expected, str) and expected.startswith("<"):
        if expected.endswith(NULL):
            if found is None:
                return []
            expected = expected.removesuffix(NULL) + ">"
        return [] if _is_of(expected, found) else [f"{at}: {found!r} is not {expected}"]
    if isinstance(expected, dict):
        return _of_object(expected, found, at)
    if isinstance(expected, list):
        return _of_list(expected, found, at)
    same = type(expected) is type(found) or (_is_number(expected) and _is_number(found))
    return [] if same and expected == found else [f"{at}: {found!r} is not {expected!r}"]


def _is_of(kind: str, found: Any) -> bool:
    if least := _FROM.fullmatch(kind):
        return KINDS[f"{least[1]}>"](found) and found >= int(least[2])
    return KINDS[kind](found)


def _of_object(expected: dict[str, Any], found: Any, at: str) -> list[str]:
    if not isinstance(found, dict):
        return [f"{at}: {found!r} is no object"]
    if len(expected) == 1 and (only := next(iter(expected))) in KINDS:
        return [
            line
            for key, value in found.items()
            for line in (
                *differences(only, key, f"{at}'s key"),
                *differences(expected[only], value, f"{at}.{key}"),
            )
        ]
    lines = [f"{at}.{key}: is missing" for key in expected if key not in found]
    lines += [f"{at}.{key}: is not expected" for key in found if key not in expected]
    both = [key for key in expected if key in found]
    return lines + [line for key in both for line in differences(expected[key], found[key], f"{at}.{key}")]


def _of_list(expected: list[Any], found: Any, at: str) -> list[str]:
    if expected[:1] == [ONE_OF]:
        taken = any(differences(value, found) == [] for value in expected[1:])
        return [] if taken else [f"{at}: {found!r} is none of {expected[1:]!r}"]
    if not isinstance(found, list):
        return [f"{at}: {found!r} is no list"]
    if len(expected) == 2 and isinstance(expected[0], str) and expected[0] in MANY:
        least, shape = MANY[expected[0]], expected[1]
        few = [f"{at}: is empty"] if len(found) < least else []
        return few + [
            line for i, value in enumerate(found) for line in differences(shape, value, f"{at}.{i}")
        ]
    if len(expected) != len(found):
        return [f"{at}: has {len(found)} entries, not {len(expected)}"]
    pairs = zip(expected, found, strict=True)
    return [line for i, (one, other) in enumerate(pairs) for line in differences(one, other, f"{at}.{i}")]
