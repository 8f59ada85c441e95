"""What readers' labels teach: every image of a case whose label is decided."""

from collections.abc import Iterator
from dataclasses import dataclass

from triagelens.domain.errors import NotFoundError
from triagelens.services.panel_ports import PanelRecords
from triagelens.services.ports import Casework
from triagelens.services.snapshot_ports import LabelledImage


@dataclass(frozen=True)
class LabelledCaseImages:
    """`services.snapshot_ports.LabelledImages`, on panels and images."""

    panels: PanelRecords
    casework: Casework

    def of_specialty(self, specialty: str) -> Iterator[LabelledImage]:
        """One image after the other, the newest case first; an image of two cases comes once for each.

        An image that is gone, or never had a working image, teaches nothing.
        """
        for case in self.panels.training_cases(specialty):
            for image_id in case.image_ids:
                try:
                    image = self.casework.image(image_id)
                except NotFoundError:
                    continue  # erased
                if image.working_image is None:
                    continue
                yield LabelledImage(
                    image_id=image_id,
                    key=image.working_image.key,
                    object_version=None,
                    label=case.training_label,
                    patient_id=case.patient_id or image.patient_id,
                )
