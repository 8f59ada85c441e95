"""Cases: make them of images, look at them, decide them, say something about them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import httpx

from triagelens_client.case_models import Case, CaseLabel, CaseNumber, Change, Comment
from triagelens_client.http import Http, read_answer, segment
from triagelens_client.models import Page, all_of
from triagelens_client.review_models import PatientForm
from triagelens_client.tokens import TokenProvider

Entry = TypeVar("Entry")


class Cases:
    """The deployment's cases. Made by `Triagelens`, as its `cases`.

    A change takes the case as it was read, and is refused with OutdatedError if somebody else has
    changed it since: read it again, then decide.
    """

    def __init__(self, http: Http, tokens: TokenProvider) -> None:
        self._http = http
        self._tokens = tokens

    def take_number(self) -> int:
        """A case number that nobody else gets."""
        return read_answer(CaseNumber, self._send("POST", "/ids")).number

    def release_number(self, number: int) -> None:
        """Gives back a number that no case has."""
        self._send("DELETE", f"/ids/{number}")

    def create(
        self,
        specialty: str,
        image_ids: Sequence[str],
        *,
        number: int | None = None,
        patient_id: str | None = None,
        notes: str | None = None,
        readers: int | None = None,
    ) -> Case:
        """A new case; with a number of its own, if None is given.

        Args:
            readers: how many are to label it without knowing of each other.
        """
        body: dict[str, Any] = {"specialty": specialty, "image_ids": list(image_ids)}
        optional = {"number": number, "patient_id": patient_id, "notes": notes, "readers_wanted": readers}
        body |= {name: value for name, value in optional.items() if value is not None}
        return read_answer(Case, self._send("POST", "", body=body))

    def page(
        self,
        *,
        status: str | None = None,
        specialty: str | None = None,
        include_uncertain: bool = True,
        include_rejected: bool = True,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Case]:
        """One page of the cases that the person may see, newest first."""
        query = {
            "status": status,
            "specialty": specialty,
            "include_uncertain": str(include_uncertain).lower(),
            "include_rejected": str(include_rejected).lower(),
            "limit": limit,
            "cursor": cursor,
        }
        return read_answer(Page[Case], self._send("GET", "", query=query))

    def all(self, **wanted: Any) -> Iterator[Case]:
        """The cases that the person may see, newest first, page by page; `wanted` as for `page`."""
        return all_of(lambda cursor: self.page(**wanted, cursor=cursor))

    def get(self, case_id: str) -> Case:
        """The case with its images and their findings."""
        return read_answer(Case, self._send("GET", f"/{segment(case_id)}"))

    def amend(self, case: Case, **changes: Any) -> Case:
        """Changes `image_ids`, `patient_id` or `notes` of a case that is not decided; None clears."""
        return self._change("PATCH", case, "", changes)

    def confirm(self, case: Case, final_diagnosis: str, reason: str | None = None) -> Case:
        """Decides the case with a diagnosis. Final."""
        body = {"final_diagnosis": final_diagnosis} | ({} if reason is None else {"reason": reason})
        return self._change("POST", case, "/confirm", body)

    def uncertain(self, case: Case, reason: str) -> Case:
        """Leaves the case to somebody who knows better."""
        return self._change("POST", case, "/uncertain", {"reason": reason})

    def reject(self, case: Case, reason: str) -> Case:
        """Puts the case aside. Final."""
        return self._change("POST", case, "/reject", {"reason": reason})

    def history(self, case_id: str) -> Iterator[Change]:
        """Every change of the case, its comments and its labels, newest first."""
        return self._all(Page[Change], f"/{segment(case_id)}/history")

    def comments(self, case_id: str) -> Iterator[Comment]:
        """Newest first."""
        return self._all(Page[Comment], f"/{segment(case_id)}/comments")

    def comment(self, case_id: str, text: str) -> Comment:
        response = self._send("POST", f"/{segment(case_id)}/comments", body={"text": text})
        return read_answer(Comment, response)

    def edit_comment(self, case_id: str, comment_id: str, text: str) -> Comment:
        """Gives one's own comment another text; the former one stays in the history."""
        path = f"/{segment(case_id)}/comments/{segment(comment_id)}"
        return read_answer(Comment, self._send("PATCH", path, body={"text": text}))

    def label(self, case_id: str, correct_label: str, notes: str | None = None) -> CaseLabel:
        """Says what the case is, in place of what one said before. Doctors and admins."""
        body = {"correct_label": correct_label} | ({} if notes is None else {"notes": notes})
        response = self._send("PUT", f"/{segment(case_id)}/label", body=body, idempotent=True)
        return read_answer(CaseLabel, response)

    def labels(self, case_id: str) -> Iterator[CaseLabel]:
        """What each reader takes the case for. Doctors and admins."""
        return self._all(Page[CaseLabel], f"/{segment(case_id)}/labels")

    def form(self, case_id: str) -> PatientForm:
        """The patient's form that goes with the case."""
        return read_answer(PatientForm, self._send("GET", f"/{segment(case_id)}/form"))

    def submit_form(
        self,
        case_id: str,
        form: Mapping[str, Any],
        image_index: int = 0,
        *,
        instead_of: PatientForm | None = None,
    ) -> PatientForm:
        """Submits the patient's form with one of the case's images.

        Args:
            instead_of: the form that is there, as it was read; refused with OutdatedError if it changed.
        """
        version = {} if instead_of is None else {"If-Match": f'"{instead_of.version}"'}
        body = {"image_index": image_index, "form": dict(form)}
        response = self._send("PUT", f"/{segment(case_id)}/form", body=body, headers=version)
        return read_answer(PatientForm, response)

    def _change(self, method: str, case: Case, path: str, body: dict[str, Any]) -> Case:
        version = {"If-Match": f'"{case.version}"'}
        response = self._send(method, f"/{segment(case.case_id)}{path}", body=body, headers=version)
        return read_answer(Case, response)

    def _all(self, kind: type[Page[Entry]], path: str) -> Iterator[Entry]:
        def page(cursor: str | None) -> Page[Entry]:
            return read_answer(kind, self._send("GET", path, query={"cursor": cursor}))

        return all_of(page)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return self._http.send(method, f"/v1/cases{path}", tokens=self._tokens, **request)
