"""Cells of an export that a spreadsheet program would calculate, and months."""

import csv
import io
from datetime import date

import pytest

from tests.fakes import START
from triagelens.domain.abstention import DecisionReason, Judgement, ModelDecision
from triagelens.domain.export_rows import FORMULA_STARTS, cells, columns, image_row
from triagelens.domain.exports import months_between
from triagelens.domain.images import ImageRecord, ImageStatus, UploadDeclaration
from triagelens.domain.prediction import ModelIdentity, Prediction


@pytest.mark.parametrize("start", [*FORMULA_STARTS, " =", "  @"])
def test_a_text_that_begins_like_a_formula_is_quoted(start: str) -> None:
    text = f"{start}HYPERLINK(1)"
    [cell] = cells({"notes": text}, ["notes"])
    assert cell == f"'{text}"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_the_starts_that_owasp_names_are_among_them(start: str) -> None:
    assert start in FORMULA_STARTS


def test_figures_stay_figures_and_other_texts_as_they_are() -> None:
    row = {"a": -0.5, "b": 3, "c": None, "d": True, "e": "O'Neill-Smith", "f": ["=x"], "g": {"mel": 0.5}}
    assert cells(row, list(row)) == [-0.5, 3, "", "true", "O'Neill-Smith", '["=x"]', '{"mel":0.5}']


def test_a_text_cannot_leave_its_cell() -> None:
    out = io.StringIO()
    texts = ['a",=1+1', "b;=1+1", "c\n=1+1", "d\r\n=1+1"]
    names = list("wxyz")
    writer = csv.writer(out, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(cells(dict(zip(names, texts, strict=True)), names))
    out.seek(0)
    [read] = csv.reader(out)
    assert read == texts


@pytest.mark.parametrize(
    ("judgement", "told"),
    [
        (None, (None, [])),
        (
            Judgement(decision=ModelDecision.UNCERTAIN, reasons=(DecisionReason.NO_LABEL,)),
            ("uncertain", ["no_label"]),
        ),
    ],
)
def test_a_row_tells_whether_the_finding_may_stand(
    judgement: Judgement | None, told: tuple[str | None, list[str]]
) -> None:
    finding = Prediction.ranked(
        {"nv": 0.6, "mel": 0.4},
        specialty="skin",
        model=ModelIdentity(name="m", version="1", sha256="0" * 64, manifest_sha256="1" * 64),
        demonstration=False,
        intended_use="tests",
        judgement=judgement,
    )
    image = ImageRecord(
        image_id="image",
        owner="owner",
        specialty="skin",
        status=ImageStatus.ANALYZED,
        upload=UploadDeclaration(content_type="image/jpeg", size_bytes=1),
        upload_expires_at=START,
        created_at=START,
        updated_at=START,
        correlation_id="request",
        prediction=finding,
    )
    row = image_row(image, None)
    assert (row["decision"], row["decision_reasons"]) == told
    assert set(row) == set(columns(of_images=True, with_people=False))


@pytest.mark.parametrize("of_images", [True, False])
def test_people_come_behind_everything_else(of_images: bool) -> None:
    plain, whole = columns(of_images, False), columns(of_images, True)
    assert whole[: len(plain)] == plain
    assert len(set(whole)) == len(whole)
    assert "patient_name" in set(whole) - set(plain)


def test_months_go_over_the_end_of_a_year() -> None:
    assert months_between(date(2025, 11, 30), date(2026, 2, 1)) == ["202511", "202512", "202601", "202602"]
    assert months_between(date(2026, 5, 5), date(2026, 5, 6)) == ["202605"]
