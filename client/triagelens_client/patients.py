"""Patients: make their records, look at them, change them, erase them."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import httpx

from triagelens_client.case_models import Case
from triagelens_client.http import Http, read_answer, segment
from triagelens_client.models import Image, Page, all_of
from triagelens_client.patient_models import Erasure, Patient
from triagelens_client.tokens import TokenProvider


class Patients:
    """The patients that the person may see. Made by `Triagelens`, as its `patients`.

    Details are `email`, `birth_date` or `age`, `gender`, `phone` and `address`.
    """

    def __init__(self, http: Http, tokens: TokenProvider) -> None:
        self._http = http
        self._tokens = tokens

    def create(
        self, name: str, *, number: str | None = None, invite: bool = False, **details: Any
    ) -> Patient:
        """A new record; with a number of its own, if None is given.

        Args:
            invite: makes an account too, whose first password goes to `email`. Should that stop half-way,
                the same call again completes it.
        """
        given = {"name": name, "number": number, "invite": invite or None, **details}
        body = _as_json({key: value for key, value in given.items() if value is not None})
        return read_answer(Patient, self._send("POST", "", body=body))

    def page(self, limit: int = 50, cursor: str | None = None) -> Page[Patient]:
        """One page of patients, newest first."""
        query = {"limit": limit, "cursor": cursor}
        return read_answer(Page[Patient], self._send("GET", "", query=query))

    def all(self, limit: int = 50) -> Iterator[Patient]:
        """Patients, newest first, page by page of `limit`."""
        return all_of(lambda cursor: self.page(limit, cursor))

    def get(self, patient_id: str) -> Patient:
        return read_answer(Patient, self._send("GET", f"/{segment(patient_id)}"))

    def amend(self, patient: Patient, **changes: Any) -> Patient:
        """Changes `name`, `number` or details; None clears a detail.

        Raises:
            OutdatedError: somebody else has changed the record since: read it again, then decide.
        """
        version = {"If-Match": f'"{patient.version}"'}
        path = f"/{segment(patient.patient_id)}"
        response = self._send("PATCH", path, body=_as_json(changes), headers=version)
        return read_answer(Patient, response)

    def images(self, patient_id: str) -> Iterator[Image]:
        """Images that were announced for the patient, newest first."""

        def page(cursor: str | None) -> Page[Image]:
            path = f"/{segment(patient_id)}/images"
            return read_answer(Page[Image], self._send("GET", path, query={"cursor": cursor}))

        return all_of(page)

    def cases(self, patient_id: str) -> Iterator[Case]:
        """Cases that name the patient, newest first."""

        def page(cursor: str | None) -> Page[Case]:
            path = f"/{segment(patient_id)}/cases"
            return read_answer(Page[Case], self._send("GET", path, query={"cursor": cursor}))

        return all_of(page)

    def erase(self, patient_id: str) -> Erasure:
        """Erases the patient with everything that is theirs, for good. Doctors and admins; safe to repeat."""
        path = f"/{segment(patient_id)}"
        return read_answer(Erasure, self._send("DELETE", path, idempotent=True))

    def erasure(self, erasure_id: str) -> Erasure:
        """The receipt as it stands."""
        path = f"/v1/erasures/{segment(erasure_id)}"
        return read_answer(Erasure, self._http.send("GET", path, tokens=self._tokens))

    def erasures(self) -> Iterator[Erasure]:
        """All receipts, newest first."""

        def page(cursor: str | None) -> Page[Erasure]:
            answer = self._http.send("GET", "/v1/erasures", tokens=self._tokens, query={"cursor": cursor})
            return read_answer(Page[Erasure], answer)

        return all_of(page)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.send(method, f"/v1/patients{path}", tokens=self._tokens, **request)


def _as_json(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: f"{value}" if isinstance(value, date) else value for name, value in fields.items()}
