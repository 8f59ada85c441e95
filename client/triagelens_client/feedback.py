"""What people think of the platform."""

from collections.abc import Iterator
from typing import Any

import httpx

from triagelens_client.http import Http, read_answer
from triagelens_client.models import Page, all_of
from triagelens_client.review_models import Feedback, FeedbackReset, FeedbackStatus
from triagelens_client.tokens import TokenProvider


class Feedbacks:
    """Feedback of everybody, each one's own. Made by `Triagelens`, as its `feedback`."""

    def __init__(self, http: Http, tokens: TokenProvider) -> None:
        self._http = http
        self._tokens = tokens

    def give(self, rating: int, text: str | None = None) -> Feedback:
        """1 (bad) to 5 (good), in place of what one said before."""
        body = {"rating": rating} | ({} if text is None else {"text": text})
        return read_answer(Feedback, self._send("POST", body=body))

    def mine(self) -> FeedbackStatus:
        """Whether one has given feedback, and what one said."""
        return read_answer(FeedbackStatus, self._send("GET", "/mine"))

    def all(self) -> Iterator[Feedback]:
        """Everybody's, newest first. Admins."""
        return all_of(lambda cursor: read_answer(Page[Feedback], self._send("GET", query={"cursor": cursor})))

    def reset(self) -> int:
        """Takes all feedback away, and tells how many there were. Admins."""
        removed = 0
        while True:
            answer = read_answer(FeedbackReset, self._send("DELETE"))
            removed += answer.removed
            if not answer.more:
                return removed

    def _send(self, method: str, path: str = "", **request: Any) -> httpx.Response:
        return self._http.send(method, f"/v1/feedback{path}", tokens=self._tokens, **request)
