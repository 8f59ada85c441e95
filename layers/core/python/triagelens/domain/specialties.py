"""The specialties of this deployment: one table, one entry each.

A new specialty is a new entry here plus a model; no other code changes.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict

from triagelens.domain.errors import UnknownSpecialtyError


class Label(BaseModel):
    """One class that a model of a specialty may answer with."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str


class Specialty(BaseModel):
    """What the platform knows about a field of medicine before any model is registered.

    Attributes:
        focus_threshold: variance of the Laplacian of the grey working image (grey levels squared)
            below which a photo counts as blurred; calibrated in docs/quality.md.
        urgent_labels: findings that a person should see first.
        sensitivity_floors: label -> least sensitivity (0..1) that a model must show to be promoted.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    labels: tuple[Label, ...]
    focus_threshold: float
    urgent_labels: frozenset[str] = frozenset()
    sensitivity_floors: Mapping[str, float] = MappingProxyType({})

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)


def _labels(**titles: str) -> tuple[Label, ...]:
    return tuple(Label(name=name, title=title) for name, title in titles.items())


_TABLE = (
    Specialty(
        name="skin",
        title="Dermatology",
        labels=_labels(
            akiec="Actinic keratosis or Bowen's disease",
            bcc="Basal cell carcinoma",
            bkl="Benign keratosis",
            df="Dermatofibroma",
            mel="Melanoma",
            nv="Melanocytic naevus",
            vasc="Vascular lesion",
        ),
        focus_threshold=12.0,
        urgent_labels=frozenset({"mel", "bcc", "akiec"}),
        sensitivity_floors={"mel": 0.85, "bcc": 0.8, "akiec": 0.75},
    ),
    Specialty(
        name="eye",
        title="Ophthalmology",
        labels=_labels(normal="Normal", cataract="Cataract"),
        focus_threshold=12.0,
        sensitivity_floors={"cataract": 0.85},
    ),
    Specialty(
        name="oral",
        title="Oral medicine",
        labels=_labels(normal="Normal", lesion="Lesion"),
        focus_threshold=10.0,
        urgent_labels=frozenset({"lesion"}),
        sensitivity_floors={"lesion": 0.85},
    ),
    Specialty(
        name="brain",
        title="Neuroradiology",
        labels=_labels(
            glioma="Glioma", meningioma="Meningioma", pituitary="Pituitary tumour", no_tumour="No tumour"
        ),
        focus_threshold=15.0,
        urgent_labels=frozenset({"glioma", "meningioma", "pituitary"}),
        sensitivity_floors={"glioma": 0.85, "meningioma": 0.8, "pituitary": 0.8},
    ),
)

SPECIALTIES: Mapping[str, Specialty] = MappingProxyType({entry.name: entry for entry in _TABLE})
_TITLES = {(entry.name, label.name): label.title for entry in _TABLE for label in entry.labels}


def specialty(name: str) -> Specialty:
    """The specialty of that name.

    Raises:
        UnknownSpecialtyError: the deployment has none of that name.
    """
    try:
        return SPECIALTIES[name]
    except KeyError:
        raise UnknownSpecialtyError(name, known=sorted(SPECIALTIES)) from None


def label_title(of_specialty: str, label: str) -> str:
    """The title of a label; the label itself where a model knows one that the specialty does not."""
    return _TITLES.get((of_specialty, label), label)
