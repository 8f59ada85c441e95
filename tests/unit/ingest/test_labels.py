"""Words that datasets use become the labels of the specialty, or are named as unknown."""

import pytest

from training_job.ingest.labels import in_order, label_names
from triagelens.domain.specialties import SPECIALTIES


@pytest.mark.parametrize(
    ("specialty", "word", "label"),
    [
        ("skin", "mel", "mel"),
        ("skin", " Melanoma ", "mel"),
        ("skin", "MELANOCYTIC_NEVI", "nv"),
        ("skin", "Melanocytic naevus", "nv"),
        ("skin", "Actinic keratosis or Bowen's disease", "akiec"),
        ("skin", "benign-keratosis-like lesions", "bkl"),
        ("skin", "wart", None),
        ("brain", "no tumor", "no_tumour"),
        ("brain", "Pituitary tumour", "pituitary"),
        ("brain", "glioma_tumor", "glioma"),
        ("eye", "Healthy", "normal"),
        ("oral", "LESION", "lesion"),
    ],
)
def test_words_become_labels(specialty: str, word: str, label: str | None) -> None:
    assert label_names([word], specialty, new=False) == {word: label}


@pytest.mark.parametrize("specialty", SPECIALTIES)
def test_every_label_is_known_by_its_name_and_title(specialty: str) -> None:
    for label in SPECIALTIES[specialty].labels:
        assert set(label_names([label.name, label.title], specialty, new=False).values()) == {label.name}


def test_a_new_specialty_keeps_its_words_and_joins_those_that_differ_in_writing_alone() -> None:
    found = label_names(["Grade 1", "grade-1", "Ödem", "!?"], "retina", new=True)
    assert found == {"Grade 1": "grade_1", "grade-1": "grade_1", "Ödem": "ödem", "!?": None}


def test_labels_are_in_the_order_in_which_models_answer() -> None:
    assert in_order(["nv", "akiec", "mel"], "skin") == ("akiec", "mel", "nv")
    assert in_order(["b", "a"], "retina") == ("a", "b")
