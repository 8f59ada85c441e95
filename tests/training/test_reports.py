"""The page about a run shows what is true, and says so when there is nothing to show."""

import xml.etree.ElementTree as ET

import numpy as np

from training_job.charts import curves, reliability_diagram
from training_job.conformal import measure_sets
from training_job.evaluate import expected_calibration_error, reliability
from training_job.measures import measure
from training_job.quantise import compare
from training_job.report import Findings, Judged, render

LABELS = ("normal", "<b>odd</b>")


def judged(logits: list[list[float]], targets: list[int]) -> Judged:
    answers, truth = np.array(logits), np.array(targets)
    return Judged(
        name="held-out",
        measures=measure(answers, truth, LABELS, 1.0),
        logits=answers,
        targets=truth,
        pixels=np.zeros((len(targets) + 1, 8, 8, 3), np.uint8),
        rows=np.arange(1, len(targets) + 1),
        files=[f"{index}.jpg" for index in range(len(targets))],
    )


def page(of: Judged | None) -> str:
    return render(
        "A model", [{"loss": 1.0, "accuracy": 0.5}, {"loss": 0.5, "accuracy": 0.7}], of, 1.0, "tests"
    )


def test_the_most_confident_mistake_comes_first_and_right_answers_do_not() -> None:
    shown = page(judged([[1, 0], [9, 0], [0, 5], [3, 0]], [1, 1, 1, 0]))
    assert shown.index("1.jpg") < shown.index("0.jpg")
    assert "2.jpg" not in shown
    assert "3.jpg" not in shown
    assert shown.count("<figure>") == 2


def test_names_from_the_folder_are_text_and_nothing_else() -> None:
    shown = page(judged([[1, 0], [0, 1]], [0, 1]))
    assert "<b>odd" not in shown
    assert "&lt;b&gt;odd" in shown


def test_a_run_without_images_to_judge_by_says_so() -> None:
    assert "nothing is known about the model" in page(None)


def test_charts_are_well_formed_and_stay_in_their_frame() -> None:
    charts = [
        curves({"training": [2.0, 1.0, 0.5], "a <b>": [3.0]}),
        curves({}),
        curves({"one": [0.0]}, top=1.0),
        reliability_diagram({"before": reliability(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0]))}),
    ]
    for chart in charts:
        root = ET.fromstring(chart)  # noqa: S314
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for line in root.iter("polyline"):
            for point in line.attrib["points"].split():
                x, y = map(float, point.split(","))
                assert 0 <= x <= width
                assert 0 <= y <= height


def test_calibration_error_is_what_the_diagram_shows() -> None:
    rng = np.random.default_rng(2)
    share = rng.random(500)
    probabilities, targets = np.stack([share, 1 - share], axis=1), rng.integers(0, 2, 500)
    bins = reliability(probabilities, targets)
    assert sum(found.images for found in bins) == 500
    gap = sum(found.images * abs(found.accuracy - found.confidence) for found in bins) / 500
    assert expected_calibration_error(probabilities, targets) == gap


def test_sets_outliers_and_precision_are_told_where_they_are_known() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.5, 0.5]])
    sets = measure_sets(probabilities, np.array([0, 1, 1, 0]), 0.45, 0.9)
    found = Findings(
        calibrated_on=60,
        conformal=sets,
        outliers=0.25,
        outliers_expected=0.0164,
        quantised=compare(0.9, 0.85),
    )
    of = judged([[1, 0], [0, 5]], [0, 1])
    shown = render("A model", [{"loss": 1.0, "accuracy": 0.5}], of, 1.0, "tests", found)
    for words in (
        "probability at least 0.5500",
        "Calibrated on 60 validation images that chose nothing",
        "in 90.0% of the sets",
        "0.500 (0.150 to 0.850), 4 images",
        "<tr><th>0</th><td>1</td></tr><tr><th>1</th><td>3</td></tr>",
        "25.0% of the held-out images for images of another kind. About 1.6% is to be expected",
        "0.9000 in float32, 0.8500 in int8; float32 is served",
    ):
        assert words in shown
    plain = page(of)
    assert "too few to choose the epoch and to calibrate" in plain
    assert "too few" not in shown
    for heading in ("Sets of labels", "Unlike the training images", "Precision"):
        assert heading in shown
        assert heading not in plain
