"""A patient's form and its photo in one request: an image, a case of it, and the form on the case.

Whatever a repeated request finds already made is taken and not made again, so it does not matter where an
earlier one stopped.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from triagelens.domain.cases import Case
from triagelens.domain.errors import ConflictError, OutdatedError
from triagelens.domain.forms import FormAnswers
from triagelens.domain.images import ImageRecord
from triagelens.domain.people import Person
from triagelens.domain.prediction import Prediction
from triagelens.services.cases import Cases, NewCase
from triagelens.services.forms import Forms, check_size
from triagelens.services.small_uploads import Photo, Sender, SmallUploads, finding_of

# Less than for a photo alone: the case and its form are written after it, in the same 29 seconds.
LONGEST_WAIT_S = 15


class UndecidedCases(Protocol):
    def undecided_case_of(self, image_id: str) -> str | None:
        """The undecided case that an image is in, if any."""


@dataclass(frozen=True)
class Submitted:
    """What a form became. `finding` is None as long as the photo is being analysed."""

    case: Case
    image: ImageRecord
    finding: Prediction | None


@dataclass(frozen=True)
class Submissions:
    uploads: SmallUploads
    cases: Cases
    forms: Forms
    undecided: UndecidedCases

    def submit(
        self, person: Person, specialty: str, photo: Photo, answers: FormAnswers, correlation_id: str
    ) -> Submitted:
        """The case of the form, which has the photo as its only image.

        Until the case is decided, and for a day at most, the same photo with the same form is the same case.
        Of a photo that cannot be used no case is made.

        Raises:
            TooLargeError, UnreadableImageError: photo or form are not ones that can be kept.
            NoFindingError: the analysis failed.
            UnknownSpecialtyError: there is no such specialty.
            TransitionError, ConflictError: somebody else changed the case at the same time.
        """
        check_size(answers)
        form = hashlib.sha256(answers.model_dump_json().encode()).hexdigest()
        sender = Sender(person, specialty, f"form {form}", correlation_id)
        (waited,) = self.uploads.analyse(sender, [photo], LONGEST_WAIT_S)
        image, finding = waited.record, finding_of(waited.record)
        case = self._case_of(person, image, correlation_id)
        with suppress(OutdatedError):  # it has its form
            self.forms.submit(person, case, case.image_ids.index(image.image_id), answers, None)
        return Submitted(case, image, finding)

    def _case_of(self, person: Person, image: ImageRecord, correlation_id: str) -> Case:
        """The undecided case of the image, which is opened if there is none."""
        known = self._known(person, image)
        if known is not None:
            return known
        try:
            return self.cases.open(person, NewCase(image.specialty, (image.image_id,)), correlation_id)
        except ConflictError:
            # The same request came twice at once, and the other one was faster.
            known = self._known(person, image)
            if known is None:
                raise
            return known

    def _known(self, person: Person, image: ImageRecord) -> Case | None:
        case_id = self.undecided.undecided_case_of(image.image_id)
        if case_id is None:
            return None
        case = self.cases.visible_to(person, case_id)
        return case if image.image_id in case.image_ids else None
