"""A dataset's words for what its images show, as the labels that a specialty's models answer with."""

import re
from collections.abc import Iterable, Mapping

from triagelens.domain.specialties import SPECIALTIES

_LONGEST = 64

# As the datasets that people have call it; each is in `_plain` form.
_ALSO: Mapping[str, Mapping[str, str]] = {
    "skin": {
        "actinic keratoses": "akiec",
        "actinic keratosis": "akiec",
        "bowen s disease": "akiec",
        "bowens disease": "akiec",
        "ak": "akiec",
        "intraepithelial carcinoma": "akiec",
        "actinic keratoses and intraepithelial carcinoma": "akiec",
        "basal cell carcinomas": "bcc",
        "benign keratosis like lesions": "bkl",
        "benign keratosis like lesion": "bkl",
        "seborrheic keratosis": "bkl",
        "seborrhoeic keratosis": "bkl",
        "solar lentigo": "bkl",
        "lichen planus like keratosis": "bkl",
        "dermatofibromas": "df",
        "melanomas": "mel",
        "malignant melanoma": "mel",
        "nevus": "nv",
        "nevi": "nv",
        "naevus": "nv",
        "naevi": "nv",
        "melanocytic nevi": "nv",
        "melanocytic nevus": "nv",
        "melanocytic naevi": "nv",
        "vascular lesions": "vasc",
        "vascular": "vasc",
    },
    "eye": {"healthy": "normal", "no cataract": "normal", "cataracts": "cataract"},
    "oral": {"healthy": "normal", "no lesion": "normal", "lesions": "lesion"},
    "brain": {
        "glioma tumor": "glioma",
        "glioma tumour": "glioma",
        "meningioma tumor": "meningioma",
        "meningioma tumour": "meningioma",
        "pituitary tumor": "pituitary",
        "no tumor": "no_tumour",
        "notumor": "no_tumour",
        "notumour": "no_tumour",
        "normal": "no_tumour",
        "healthy": "no_tumour",
    },
}


def label_names(given: Iterable[str], specialty: str, *, new: bool) -> dict[str, str | None]:
    """The specialty's label for each word that a dataset uses; None for what it does not know.

    Args:
        new: the specialty is not in the table: words that differ by more than case, spaces and signs
            become labels of their own.
    """
    words = sorted(set(given))
    if new or specialty not in SPECIALTIES:
        return {word: _plain(word).replace(" ", "_")[:_LONGEST] or None for word in words}
    known = dict(_ALSO.get(specialty, {}))
    for label in SPECIALTIES[specialty].labels:
        known[_plain(label.name)] = known[_plain(label.title)] = label.name
    return {word: known.get(_plain(word)) for word in words}


def in_order(labels: Iterable[str], specialty: str) -> tuple[str, ...]:
    """Labels in the order in which a model of the specialty answers."""
    found = set(labels)
    if specialty in SPECIALTIES:
        return tuple(name for name in SPECIALTIES[specialty].label_names if name in found)
    return tuple(sorted(found))


def _plain(word: str) -> str:
    """Lower case, with one space for every run of spaces and signs."""
    return " ".join(re.findall(r"[^\W_]+", word.casefold()))
