"""A report can be set whatever people have typed."""

import random
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.documents.test_report import document, text_of
from triagelens.documents.legible import REPLACEMENT, legible
from triagelens.documents.report import typeset
from triagelens.domain.report_document import Fact, Remark

NAMES = [
    "José Ångström",
    "王小明",
    "محمد الأمين",
    "שָׁלוֹם",
    "नरेन्द्र",
    "ไทย",
    "தமிழ்",
    "მარიამ",
    "አማርኛ",
    "Łukasz Żółć",
]
MARKS = [chr(point) for point in range(0x110000) if unicodedata.category(chr(point)).startswith("M")]
UNSEEN = [
    chr(point) for point in range(0x110000) if unicodedata.category(chr(point)) in ("Cf", "Cc", "Cs", "Co")
]
LETTERS = "aéßЖΩאبक한王ガｶ😀\u200d\u200c\ufe0f\U0001f3ff"


@pytest.mark.parametrize("name", NAMES)
def test_names_stay_as_they_are_written(name: str) -> None:
    assert legible(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("e\u0301", "é"),
        ("a\x00b\tc\x7f", "a b c "),
        ("one\u2028two\n\nthree", "one\ntwo\n\nthree"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("\ufeffbom\u00ad", "bom"),
        ("\ue000\uffff\U000e0041", REPLACEMENT * 2),
        ("\ud800", REPLACEMENT),
        ("王\u0301 a\u093f", "王 a"),
        ("\u0301", ""),
        ("👩\u200d⚕\ufe0f", "👩⚕"),
        ("ب\u200cب क्\u200dष", "ب\u200cب क्\u200dष"),
        ("a\u200d😀", "a😀"),
    ],
)
def test_what_cannot_be_shown_is_replaced_or_left_out(typed: str, shown: str) -> None:
    assert legible(typed) == shown


def test_an_endless_word_may_be_broken_and_others_may_not() -> None:
    assert legible("x" * 30) == "x" * 30
    assert legible("x" * 32) == "x" * 30 + "\u200bx\u200bx"
    assert legible("a" * 20 + " " + "b" * 20) == "a" * 20 + " " + "b" * 20


@given(st.text(max_size=200))
def test_legible_text_is_legible_already(typed: str) -> None:
    shown = legible(typed)
    assert legible(shown.replace("\u200b", "")) == shown


@settings(max_examples=25)
@given(st.lists(st.text(min_size=1, max_size=300), min_size=4, max_size=4))
def test_any_text_can_be_set(typed: list[str]) -> None:
    one, two, three, four = typed
    pdf, pages = typeset(
        document(
            title=f"Case {one}",
            about=(Fact(name="Notes", value=two),),
            patient=(Fact(name="Name", value=three),),
            remarks=(Remark(who=four, when="now", text=one),),
            images=(),
        )
    )
    assert pages >= 1
    letters = "".join(letter for letter in text_of(pdf) if not unicodedata.combining(letter))
    assert "2026-01-1612:00UTC" in "".join(letters.split()), "all of it to the last line"


@pytest.mark.parametrize("seed", range(4))
def test_letters_with_marks_that_do_not_belong_together_can_be_set(seed: int) -> None:
    drawn = random.Random(seed)
    kinds = (MARKS, UNSEEN, LETTERS, LETTERS)
    texts = ["".join(drawn.choice(drawn.choice(kinds)) for _ in range(150)) for _ in range(10)]
    remarks = tuple(Remark(who="Reader", when="now", text=text) for text in texts)
    pdf, _ = typeset(document(images=(), remarks=remarks))
    assert text_of(pdf).count("Reader") >= len(remarks), f"seed {seed}"
