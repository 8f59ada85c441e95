"""The platform's labels, by the words that the old systems had for them."""

import re
from collections.abc import Mapping
from types import MappingProxyType

_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "skin": {
            "akiec": "akiec, actinic keratosis, actinic keratoses, bowens disease, ak",
            "bcc": "bcc, basal cell carcinoma",
            "bkl": "bkl, benign keratosis, benign keratoses, seborrheic keratosis, bk",
            "df": "df, dermatofibroma",
            "mel": "mel, melanoma",
            "nv": "nv, nevus, nevi, naevus, naevi, melanocytic nevus, melanocytic nevi, mole",
            "vasc": "vasc, vascular lesion, vascular lesions",
        },
        "eye": {"normal": "normal, healthy, no cataract", "cataract": "cataract"},
        "oral": {
            "normal": "normal, healthy, no lesion",
            "lesion": "lesion, abnormal, oral lesion",
        },
        "brain": {
            "glioma": "glioma, glioma tumor, glioma tumour",
            "meningioma": "meningioma, meningioma tumor, meningioma tumour",
            "pituitary": "pituitary, pituitary tumor, pituitary tumour",
            "no_tumour": "no tumour, no tumor, notumor, notumour, normal, healthy",
        },
    }
)


def label_of(specialty: str, words: str | None) -> str | None:
    """The label of a specialty that these words mean; None for words that mean none of them for sure."""
    if words is None:
        return None
    plain = " ".join(re.sub(r"[^a-z0-9 ]+", " ", words.casefold().replace("'", "")).split())
    for label, known in _WORDS.get(specialty, {}).items():
        if plain in known.split(", "):
            return label
    return None
