"""The API and its storage in memory, behind httpx's transport: what the client sees, no more."""

import itertools
import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.parser import BytesParser
from typing import Any

import httpx

API = "https://api.example.org/api"
STORAGE = "https://uploads.example.org/"

RIGHT = "correct horse"
"""The password of every person."""

Answer = httpx.Response | Exception


def problem(status: int, code: str, detail: str, **more: Any) -> httpx.Response:
    headers = more.pop("headers", {})
    document = {
        "type": "about:blank",
        "title": code,
        "status": status,
        "code": code,
        "detail": detail,
        **more,
    }
    return httpx.Response(
        status,
        content=json.dumps(document),
        headers={"content-type": "application/problem+json", **headers},
    )


def analysed(image_id: str, specialty: str, label: str = "mel", probability: float = 0.9) -> dict[str, Any]:
    """An analysed image as the API answers it."""
    return {
        "image_id": image_id,
        "specialty": specialty,
        "status": "analyzed",
        "created_at": "2026-11-20T10:00:00Z",
        "quality": {"verdict": "accepted", "focus_score": 312.5, "reasons": []},
        "prediction": {
            "top_label": label,
            "probability": probability,
            "margin": 0.8,
            "entropy": 0.3,
            "probabilities": [
                {"label": label, "probability": probability},
                {"label": "nv", "probability": 1 - probability},
            ],
            "model": {"name": "phantom-skin", "version": "1", "sha256": "0" * 64},
            "demonstration": True,
            "intended_use": "demonstration only",
            "timings_ms": {"inference": 12.0},
        },
        "a_field_of_a_newer_api": 1,
    }


def rejected(image_id: str, specialty: str) -> dict[str, Any]:
    reason = {"code": "blurred", "message": "Hold the camera still.", "value": 12.0, "threshold": 100.0}
    return {
        "image_id": image_id,
        "specialty": specialty,
        "status": "rejected",
        "quality": {"verdict": "rejected", "focus_score": 12.0, "reasons": [reason]},
    }


def parts(request: httpx.Request) -> Iterator[tuple[str, bytes]]:
    """Name and content of each part of a multipart form, in order."""
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    for part in BytesParser().parsebytes(head + request.content).walk():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            yield name, payload


@dataclass
class FakeApi:
    """Counts what it is asked, answers from memory, fails when told to.

    Attributes:
        seen: each request in order, as `METHOD path`, or `UPLOAD key` for the storage.
        script: (method and path, answers): given once each before the ordinary answer.
        polls_until_done: how many polls of an image are answered 202 first.
        outcome: makes the final record of an image.
    """

    seen: list[str] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    script: dict[str, deque[Answer]] = field(default_factory=dict)
    polls_until_done: int = 0
    accepts_any_password: bool = False
    outcome: Callable[[str, str], dict[str, Any]] = analysed
    good_tokens: set[str] = field(default_factory=lambda: {"access-0"})
    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    stored: dict[str, bytes] = field(default_factory=dict)
    models: list[dict[str, Any]] = field(default_factory=list)
    import_verdicts: deque[dict[str, Any]] = field(default_factory=deque)
    replays: deque[dict[str, Any]] = field(default_factory=deque)
    most_at_once: int = 0
    _under_way: int = 0
    _polls: dict[str, int] = field(default_factory=dict)
    _counter: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def next_answers(self, request: str, *answers: Answer) -> None:
        """The next requests of that kind get these answers, one each."""
        self.script.setdefault(request, deque()).extend(answers)

    def asked(self, pattern: str) -> list[httpx.Request]:
        """The requests whose line matches, in order."""
        return [
            request
            for line, request in zip(self.seen, self.requests, strict=True)
            if re.fullmatch(pattern, line)
        ]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        request.read()
        if str(request.url).startswith(STORAGE):
            return self._storage(request)
        path = request.url.path.removeprefix("/api")
        line = f"{request.method} {path}"
        scripted = self._note(line, request)
        if scripted is not None:
            return scripted
        if path == "/v1/auth/sign-out":
            self.good_tokens = set()
            return httpx.Response(204)
        if path.startswith("/v1/auth/"):
            return self._auth(path.removeprefix("/v1/auth/"), json.loads(request.content))
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.good_tokens:
            return problem(401, "unauthenticated", "The access token has ended.")
        return self._route(request, path)

    def _note(self, line: str, request: httpx.Request) -> httpx.Response | None:
        with self._lock:
            self.seen.append(line)
            self.requests.append(request)
            waiting = self.script.get(line)
            answer = waiting.popleft() if waiting else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _storage(self, request: httpx.Request) -> httpx.Response:
        sent = list(parts(request)) if request.method == "POST" else []
        key = dict(sent).get("key", b"").decode() or request.url.path
        scripted = self._note(f"{'UPLOAD' if sent else 'DOWNLOAD'} {key}", request)
        if scripted is not None:
            return scripted
        if not sent:
            return httpx.Response(200, content=b"\xff\xd8\xff pixels")
        assert sent[-1][0] == "file", "S3 ignores every field after the file"
        self.stored[key] = sent[-1][1]
        return httpx.Response(204)

    def _auth(self, what: str, body: dict[str, Any]) -> httpx.Response:
        if what == "sign-up":
            return httpx.Response(201, json={"message": "A code is on its way."})
        if what == "confirm":
            return httpx.Response(204)
        if what == "sign-in" and body["password"] != RIGHT and not self.accepts_any_password:
            return problem(401, "sign_in_failed", "Wrong username or password.")
        token = f"access-{next(self._counter)}"
        self.good_tokens = {token}
        answer = {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}
        return httpx.Response(
            200, json=answer | ({"refresh_token": "refresh-1"} if what == "sign-in" else {})
        )

    def _route(self, request: httpx.Request, path: str) -> httpx.Response:
        if path == "/v1/me":
            return httpx.Response(200, json={"id": "p1", "username": "demo", "role": "patient"})
        if path == "/v1/images" and request.method == "POST":
            return self._create_image(request)
        if path == "/v1/images":
            return self._list_images(request)
        if found := re.fullmatch(r"/v1/images/([^/]+)/content", path):
            link = f"{STORAGE}working/{found[1]}"
            return httpx.Response(200, json={"url": link, "expires_at": "2026-11-20T10:05:00Z"})
        if found := re.fullmatch(r"/v1/images/([^/]+)/explanation", path):
            picture = {"url": f"{STORAGE}working/{found[1]}", "expires_at": "2026-11-20T10:05:00Z"}
            label = request.url.params.get("label", "mel")
            drawn = {"method": "grad_cam", "central_share": 0.62, "heatmap": picture, "overlay": picture}
            return httpx.Response(200, json={"image_id": found[1], "label": label, **drawn})
        if found := re.fullmatch(r"/v1/images/([^/]+)", path):
            return self._image(found[1])
        return self._models(request, path)

    def _create_image(self, request: httpx.Request) -> httpx.Response:
        body, key = json.loads(request.content), request.headers["idempotency-key"]
        with self._lock:
            image_id = self.keys.setdefault(key, f"image{len(self.keys) + 1}")
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
            self.images[image_id] = body
        form = {"url": STORAGE, "fields": {"key": f"uploads/{image_id}", "policy": "p"}}
        upload = form | {"expires_at": "2026-11-20T10:10:00Z"}
        created = {"image_id": image_id, "status": "awaiting_upload", "upload": upload}
        return httpx.Response(201, json=created)

    def _list_images(self, request: httpx.Request) -> httpx.Response:
        start = int(request.url.params.get("cursor", "0"))
        ids = list(reversed(self.images))[start : start + 2]
        more = start + 2 < len(self.images)
        page = [self.outcome(image_id, self.images[image_id]["specialty"]) for image_id in ids]
        return httpx.Response(200, json={"items": page, "cursor": str(start + 2) if more else None})

    def _image(self, image_id: str) -> httpx.Response:
        if image_id not in self.images:
            return problem(404, "not_found", "There is no such image.")
        specialty = self.images[image_id]["specialty"]
        with self._lock:
            polled = self._polls[image_id] = self._polls.get(image_id, 0) + 1
            if polled > self.polls_until_done:
                self._under_way -= 1
                return httpx.Response(200, json=self.outcome(image_id, specialty))
        waiting = {"image_id": image_id, "specialty": specialty, "status": "accepted"}
        return httpx.Response(202, json=waiting, headers={"retry-after": "1"})

    def _models(self, request: httpx.Request, path: str) -> httpx.Response:
        if path == "/v1/models" and request.method == "POST":
            names = ["model.onnx", "manifest.json"]
            names += ["head.npy"] if "head_size_bytes" in json.loads(request.content) else []
            uploads = {
                name.partition(".")[0]: {"url": STORAGE, "fields": {"key": f"incoming/i1/{name}"}}
                for name in names
            }
            return httpx.Response(201, json={"import_id": "i1", "uploads": uploads})
        if path.startswith("/v1/models/imports/"):
            return httpx.Response(200, json={"import_id": "i1", **self.import_verdicts.popleft()})
        if path == "/v1/models":
            start = int(request.url.params.get("cursor", "0"))
            cursor = str(start + 1) if start + 1 < len(self.models) else None
            page = {"items": self.models[start : start + 1], "cursor": cursor}
            return httpx.Response(200, json=page)
        if path.endswith("/replay") or "/replays/" in path:
            return httpx.Response(202 if request.method == "POST" else 200, json=self.replays.popleft())
        if request.method == "POST" or path.count("/") == 4:
            return httpx.Response(200, json=self.models[0])
        return problem(404, "not_found", "There is no such thing.")
