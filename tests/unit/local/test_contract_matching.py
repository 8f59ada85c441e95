"""What a contract takes for its answer, and what not."""

from typing import Any

import pytest

from tests.contracts.matching import KINDS, differences

ULID = "01k9qq3ztm5c2v8e6x4r1n7d0b"
UUID = "2f0c0c5e-6c0a-4b6c-9b52-4d3cf0b3a8b1"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

# Kind -> what it takes, and what it does not.
EXAMPLES: dict[str, tuple[list[Any], list[Any]]] = {
    "<text>": (["a", " ", "<text>"], ["", 1, None, True, ["a"], {"a": "b"}]),
    "<number>": ([0, -1, 0.5], ["1", None, True, False, [1]]),
    "<integer>": ([0, -3, 2.0], [0.5, "1", None, True]),
    "<share>": ([0, 1, 0.25], [-0.1, 1.1, "0.5", None, True]),
    "<percent>": ([0, 100, 45.5], [-1, 100.1, "45", None, True]),
    "<boolean>": ([True, False], [0, 1, "true", None]),
    "<timestamp>": (
        ["2025-12-03T18:00:00", "2025-12-03T18:00:00Z", "2025-12-03T18:00:00.5+01:00"],
        ["yesterday", "2025-13-03T18:00:00", "", 1_700_000_000, None, True],
    ),
    "<id>": ([ULID], [ULID.upper(), ULID[:-1], f"{ULID}0", UUID, "", 5, None]),
    "<uuid>": ([UUID], [UUID[:-1], f"{UUID}0", ULID, "", 5, None]),
    "<sha256>": ([SHA256], [SHA256.upper(), SHA256[:-1], f"{SHA256}0", "", 5, None]),
    "<url>": (
        ["https://example.org/a?b=c", "http://localhost:8000"],
        ["example.org", "ftp://example.org", "see https://example.org", "", 5, None],
    ),
    "<null>": ([None], ["", 0, False, [], {}]),
    "<anything>": ([None, "", 0, False, [], {"a": [1]}], []),
}
TAKEN = [(kind, value) for kind, (taken, _) in EXAMPLES.items() for value in taken]
REFUSED = [(kind, value) for kind, (_, refused) in EXAMPLES.items() for value in refused]


def test_every_kind_has_its_examples() -> None:
    assert set(EXAMPLES) == set(KINDS)


@pytest.mark.parametrize(("kind", "value"), TAKEN)
def test_a_kind_takes_its_values(kind: str, value: Any) -> None:
    assert differences(kind, value) == []
    assert differences({"a": [kind]}, {"a": [value]}) == []


@pytest.mark.parametrize(("kind", "value"), REFUSED)
def test_a_kind_refuses_all_others_and_says_where(kind: str, value: Any) -> None:
    assert differences(kind, value) == [f"answer: {value!r} is not {kind}"]
    assert differences({"a": [1, kind]}, {"a": [1, value]}) == [f"answer.a.1: {value!r} is not {kind}"]


@pytest.mark.parametrize("kind", sorted(set(EXAMPLES) - {"<null>", "<anything>"}))
def test_or_null_takes_none_too_and_nothing_else(kind: str) -> None:
    or_null = kind.replace(">", " or null>")
    taken, refused = EXAMPLES[kind]
    assert differences(or_null, None) == []
    for value in taken:
        assert differences(or_null, value) == [], value
    for value in refused:
        assert (differences(or_null, value) == []) == (value is None), value


@pytest.mark.parametrize(
    "kind", ["<txt>", "<>", "<text or nothing>", "<text", "<txt or null>", "<text from 1>", "<number from x>"]
)
def test_a_kind_that_there_is_not_is_no_agreement(kind: str) -> None:
    with pytest.raises(KeyError):
        differences(kind, "a")


@pytest.mark.parametrize("value", ["a", "", 1, 0.5, True, None, [], {}, [1, [2]], {"a": {"b": None}}])
def test_what_is_no_kind_has_to_be_equal(value: Any) -> None:
    assert differences(value, value) == []


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ("a", "b"),
        ("1", 1),
        (1, True),
        (0, False),
        (True, 1),
        (None, False),
        (None, ""),
        (0, None),
        (1, 2),
        ("a", ["a"]),
    ],
)
def test_what_is_not_equal_is_told(expected: Any, found: Any) -> None:
    assert differences(expected, found) == [f"answer: {found!r} is not {expected!r}"]


def test_a_whole_number_is_itself_with_and_without_a_point() -> None:
    assert differences(85, 85.0) == differences(85.0, 85) == []


def test_missing_and_additional_keys_are_told() -> None:
    expected = {"status": "ok", "id": "<id>", "inner": {"a": 1}}
    found = {"status": "ok", "more": None, "inner": {"b": 1}}
    assert differences(expected, found) == [
        "answer.id: is missing",
        "answer.more: is not expected",
        "answer.inner.a: is missing",
        "answer.inner.b: is not expected",
    ]


def test_a_key_that_is_null_is_there_and_a_missing_one_is_not_null() -> None:
    assert differences({"a": "<null>"}, {"a": None}) == []
    assert differences({"a": "<null>"}, {}) == ["answer.a: is missing"]
    assert differences({"a": "<anything>"}, {}) == ["answer.a: is missing"]


@pytest.mark.parametrize("found", [None, [], "a", 1])
def test_what_is_no_object_is_told(found: Any) -> None:
    assert differences({"a": 1}, found) == [f"answer: {found!r} is no object"]


def test_a_kind_as_the_only_key_stands_for_every_key() -> None:
    shape = {"<text>": {"count": "<integer>"}}
    assert differences(shape, {}) == []
    assert differences(shape, {"mel": {"count": 1}, "nv": {"count": 2}}) == []
    assert differences(shape, {"mel": {"count": 0.5}, "nv": {}}) == [
        "answer.mel.count: 0.5 is not <integer>",
        "answer.nv.count: is missing",
    ]
    assert differences({"<id>": 1}, {"no-id": 2}) == [
        "answer's key: 'no-id' is not <id>",
        "answer.no-id: 2 is not 1",
    ]
    assert differences(shape, [{}]) == ["answer: [{}] is no object"]


def test_beside_another_key_it_stands_for_itself() -> None:
    assert differences({"<text>": 1, "b": 2}, {"a": 1, "b": 2}) == [
        "answer.<text>: is missing",
        "answer.a: is not expected",
    ]


def test_a_list_has_these_entries_in_this_order() -> None:
    assert differences(["a", "<number>"], ["a", 3]) == []
    assert differences(["a", "b"], ["b", "a"]) == ["answer.0: 'b' is not 'a'", "answer.1: 'a' is not 'b'"]
    assert differences(["a"], ["a", "b"]) == ["answer: has 2 entries, not 1"]
    assert differences(["a"], []) == ["answer: has 0 entries, not 1"]
    assert differences([], [1]) == ["answer: has 1 entries, not 0"]


@pytest.mark.parametrize("expected", [[], ["a"], ["<each>", 1], ["<any>", 1]])
@pytest.mark.parametrize("found", [None, "a", {}, {"0": "a"}])
def test_what_is_no_list_is_told(expected: Any, found: Any) -> None:
    assert differences(expected, found) == [f"answer: {found!r} is no list"]


def test_each_is_one_or_more_and_any_is_none_too() -> None:
    shape = {"a": ["<any>", "<integer>"]}
    assert differences(["<each>", shape], []) == ["answer: is empty"]
    assert differences(["<any>", shape], []) == []
    for many in ("<each>", "<any>"):
        assert differences([many, shape], [{"a": []}, {"a": [1, 2]}]) == []
        assert differences([many, shape], [{"a": [1]}, {"a": [1, "2"]}, {}]) == [
            "answer.1.a.1: '2' is not <integer>",
            "answer.2.a: is missing",
        ]


@pytest.mark.parametrize(
    ("kind", "taken", "refused"),
    [
        ("<integer from 10000>", [10000, 10001.0], [9999, -3, 10000.5, "10000", None, True]),
        ("<number from 0>", [0, 0.5], [-0.1, "1", None, False]),
        ("<integer from -1 or null>", [-1, 0, None], [-2, 0.5]),
    ],
)
def test_a_number_may_have_a_least_value(kind: str, taken: list[Any], refused: list[Any]) -> None:
    for value in taken:
        assert differences({"a": kind}, {"a": value}) == []
    for value in refused:
        assert differences({"a": kind}, {"a": value}) == [
            f"answer.a: {value!r} is not {kind.replace(' or null', '')}"
        ]


def test_one_of_some_values_is_none_else() -> None:
    shape = {"a": ["<one of>", "Tumor", "No Tumor", None]}
    for value in ("Tumor", "No Tumor", None):
        assert differences(shape, {"a": value}) == []
    others: list[Any] = ["tumor", "banana", "", "<one of>", 1, ["Tumor"], []]
    for value in others:
        assert differences(shape, {"a": value}) == [
            f"answer.a: {value!r} is none of ['Tumor', 'No Tumor', None]"
        ]
    assert differences(["<each>", ["<one of>", 1, 2]], [1, 2, 3]) == ["answer.2: 3 is none of [1, 2]"]
    assert differences(["<one of>"], "a") == ["answer: 'a' is none of []"]


def test_every_difference_is_told() -> None:
    expected = {"cases": ["<each>", {"id": "<id>", "scores": {"<text>": "<share>"}}], "total": 2}
    found = {"cases": [{"id": ULID, "scores": {"mel": 0.5}}, {"id": 7, "scores": {"": 2}}], "total": 1}
    assert differences(expected, found) == [
        "answer.cases.1.id: 7 is not <id>",
        "answer.cases.1.scores's key: '' is not <text>",
        "answer.cases.1.scores.: 2 is not <share>",
        "answer.total: 1 is not 2",
    ]
