"""Scans that are sent to the brain tumour system, and what becomes of them."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Response, UploadFile, status
from pydantic import BaseModel

from clinic_api.compat.braintumor_scans import Scan, ScanPictures
from clinic_api.compat.braintumor_words import SPECIALTY
from clinic_api.correlation import correlation_id
from clinic_api.deps.access import CurrentPerson
from clinic_api.deps.former_apps import SmallUploadsCase
from clinic_api.deps.former_patients import patient_named
from clinic_api.deps.patients import PatientsCase
from clinic_api.trail import about
from triagelens.domain.errors import NoFindingError, UnreadableImageError
from triagelens.domain.images import ImageRecord
from triagelens.services.small_uploads import Photo, Sender, finding_of

LATER_TEXT = "The scan is being analysed. Send the same file again, or look at the patient's scans."


class Unfit(BaseModel):
    """A file that came to nothing, and why."""

    scan_id: str
    original_filename: str | None
    error: str
    code: str


class Uploaded(BaseModel):
    """What became of files that were sent together. `scan` is the first of `scans`."""

    success: bool = True
    message: str
    scan: Scan
    scans: list[Scan]
    failed: list[Unfit]


def uploaded(records: Sequence[ImageRecord], pictures: ScanPictures, response: Response) -> Uploaded:
    """The answer to an upload: 202 as long as something is still to come.

    Raises:
        UnreadableImageError, NoFindingError: of the first file, where all came to nothing.
    """
    fit: list[ImageRecord] = []
    unfit: list[tuple[ImageRecord, UnreadableImageError | NoFindingError]] = []
    for record in records:
        try:
            finding_of(record)
            fit.append(record)
        except (UnreadableImageError, NoFindingError) as error:
            unfit.append((record, error))
    if not fit:
        raise unfit[0][1]
    failed = [
        Unfit(
            scan_id=record.image_id,
            original_filename=record.upload.original_filename,
            error=str(error),
            code=error.code.upper(),
        )
        for record, error in unfit
    ]
    scans = pictures.scans(fit)
    waits = any(scan.status == "processing" for scan in scans)
    if waits:
        response.status_code = status.HTTP_202_ACCEPTED
    message = LATER_TEXT if waits else "Scan uploaded and analyzed successfully"
    return Uploaded(message=message, scan=scans[0], scans=scans, failed=failed)


class ScanIntake:
    """Takes files in: a dependency."""

    def __init__(
        self,
        person: CurrentPerson,
        patients: PatientsCase,
        uploads: SmallUploadsCase,
        pictures: Annotated[ScanPictures, Depends()],
        response: Response,
    ) -> None:
        self._person, self._patients, self._uploads = person, patients, uploads
        self._pictures, self._response = pictures, response

    def take(self, patient_id: str, files: Sequence[UploadFile]) -> Uploaded:
        """What was found on each, as far as it is there in time."""
        patient = patient_named(patient_id, self._person, self._patients)
        self._patients.check_photo_of(self._person, patient.patient_id)
        sender = Sender(self._person, SPECIALTY, "braintumor", correlation_id(), patient.patient_id)
        photos = [Photo(data=file.file.read(), filename=file.filename) for file in files]
        records = [one.record for one in self._uploads.analyse(sender, photos)]
        if len(records) == 1:  # several are told by their patient
            about(records[0].image_id)
        return uploaded(records, self._pictures, self._response)
