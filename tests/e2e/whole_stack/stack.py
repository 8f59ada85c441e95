"""The deployed stack as its users and its operator reach it."""

import json
import ssl
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import httpx

from infra.local.cloud import Cloud
from triagelens_client import Triagelens

PASSWORD = "Quite-unusual-42-words"
CODE = "123456"  # the laptop cloud's for every sign-up
PATIENCE_S = 120.0
"""How long a test waits for what takes a second or two on an idle machine."""

T = TypeVar("T")


def until(look: Callable[[], T | None], what: str, within_s: float = PATIENCE_S) -> T:
    """The first thing that `look` gives which is neither None, False nor empty.

    Raises:
        AssertionError: nothing came in `within_s` seconds.
    """
    end = monotonic() + within_s
    pause = threading.Event()
    while not (seen := look()):
        assert monotonic() < end, f"{what}: not within {within_s:.0f} s"
        pause.wait(0.2)
    return seen


class Recorder(httpx.BaseTransport):
    """Sends requests on, and keeps those that were answered with a fault of the server's."""

    def __init__(self, verify: bool | ssl.SSLContext, faults: list[str]) -> None:
        self._inner = httpx.HTTPTransport(verify=verify)
        self._faults = faults

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        if response.status_code >= 500:
            self._faults.append(f"{request.method} {request.url.path}: {response.status_code}")
        return response

    def close(self) -> None:
        self._inner.close()


@dataclass(frozen=True)
class Person:
    """Somebody signed in: through the typed client, and request by request."""

    username: str
    email: str
    client: Triagelens
    http: httpx.Client
    access_token: str

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One request with the person's access token."""
        headers = {"Authorization": f"Bearer {self.access_token}", **request.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **request)

    def announce(self, specialty: str, data: bytes, **declared: Any) -> dict[str, Any]:
        """The answer to `POST /v1/images`; `declared` replaces what is true of the bytes."""
        body = {"specialty": specialty, "content_type": "image/jpeg", "size_bytes": len(data), **declared}
        answer = self.ask("POST", "/v1/images", json=body)
        assert answer.status_code == 201, answer.text
        announced: dict[str, Any] = answer.json()
        return announced

    def post(self, form: dict[str, Any], data: bytes) -> httpx.Response:
        """Sends bytes to a presigned form, as a browser does."""
        return self.http.post(form["url"], data=form["fields"], files={"file": ("photo", data)})

    def send(self, specialty: str, data: bytes, **declared: Any) -> dict[str, Any]:
        """Announces bytes, sends them, and waits for what becomes of them."""
        announced = self.announce(specialty, data, **declared)
        assert self.post(announced["upload"], data).is_success
        return self.outcome(announced["image_id"])

    def outcome(self, image_id: str) -> dict[str, Any]:
        """The image once it is final, by long polls."""

        def poll() -> dict[str, Any] | None:
            answer = self.ask("GET", f"/v1/images/{image_id}", headers={"Prefer": "wait=20"})
            assert answer.status_code in (200, 202), answer.text
            return answer.json() if answer.status_code == 200 else None

        return until(poll, f"image {image_id} is final")


@dataclass
class Stack:
    """One laptop cloud and all that is open towards it."""

    cloud: Cloud
    faults: list[str] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    _open: list[Triagelens | httpx.Client] = field(default_factory=list)
    _aws: dict[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> dict[str, str]:
        return self.cloud.outputs

    @property
    def environment(self) -> dict[str, str]:
        """What an operator's commands need to reach this cloud and no other."""
        return self.cloud.server.environment

    def aws(self, service: str) -> Any:
        """The operator's own client of a service."""
        if service not in self._aws:
            self._aws[service] = self.cloud.client(service)
        return self._aws[service]

    def transport(self) -> Recorder:
        trusted = self.cloud.certificate
        return Recorder(ssl.create_default_context(cafile=trusted) if trusted else True, self.faults)

    def http(self) -> httpx.Client:
        """A client of the API without any sign-in."""
        made = httpx.Client(base_url=self.cloud.api_url, transport=self.transport(), timeout=60)
        self._open.append(made)
        return made

    def client(self) -> Triagelens:
        made = Triagelens(self.cloud.api_url, transport=self.transport(), timeout_s=60)
        self._open.append(made)
        return made

    def person(self, prefix: str = "ada") -> Person:
        """A new patient, signed up, confirmed and signed in."""
        username = f"{prefix}-{uuid.uuid4().hex[:10]}"
        email = f"{username}@example.org"
        client = self.client()
        client.sign_up(username, PASSWORD, email=email)
        client.confirm(username, CODE)
        tokens = client.sign_in(username, PASSWORD)
        person = Person(username, email, client, self.http(), tokens.access_token)
        self.people.append(person)
        return person

    def operate(self, module: str, *arguments: str) -> str:
        """Runs one of the commands for whoever deployed the stack, and gives what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def grant(self, person: Person, role: str) -> Person:
        """Gives a person a role."""
        self.operate("clinic_api.grant", person.username, role)
        return person

    def command(self, folder: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        """Runs `triagelens`, whose sign-ins are kept in `folder`."""
        trusted = ["--ca-file", str(self.cloud.certificate)] if self.cloud.certificate else []
        command = [str(Path(sys.executable).with_name("triagelens")), "--api", self.cloud.api_url, *trusted]
        return subprocess.run(
            [*command, "--config-dir", str(folder), *map(str, arguments)],
            env=self.environment | {"TRIAGELENS_PASSWORD": PASSWORD},
            capture_output=True,
            text=True,
            check=False,
        )

    def waiting(self, queue: str) -> int:
        """Messages in a queue, those under way included; by the name of an output, or by its URL."""
        url = self.outputs.get(queue, queue)
        numbers = self.aws("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return sum(int(number) for name, number in numbers.items() if name.startswith("ApproximateNumber"))

    def results_of(self, image_id: str) -> list[str]:
        """Sort keys of the results that are kept of an image."""
        answer = self.aws("dynamodb").query(
            TableName=self.outputs["CaseworkTable"],
            KeyConditionExpression="pk = :pk AND begins_with(sk, :result)",
            ExpressionAttributeValues={":pk": {"S": f"IMG#{image_id}"}, ":result": {"S": "RESULT#"}},
        )
        return [item["sk"]["S"] for item in answer["Items"]]

    def log_lines(self) -> list[tuple[str, str]]:
        """Every line that a function or the gateway logged, with the name of its group."""
        logs = self.aws("logs")
        lines: list[tuple[str, str]] = []
        for group in logs.describe_log_groups()["logGroups"]:
            name = group["logGroupName"]
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                lines += [(name, event["message"]) for event in page["events"]]
        return lines

    def close(self) -> None:
        for opened in self._open:
            opened.close()


class Listener:
    """Hears all that is said on the stack's bus, by a rule and a queue of its own."""

    def __init__(self, stack: Stack) -> None:
        self._sqs, events = stack.aws("sqs"), stack.aws("events")
        bus = stack.outputs["EventBusName"]
        self._url = self._sqs.create_queue(QueueName="listener")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        arn = attributes["Attributes"]["QueueArn"]
        pattern = json.dumps({"source": ["triagelens"]})
        rule = events.put_rule(Name="listener", EventBusName=bus, EventPattern=pattern)["RuleArn"]
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": policy})
        events.put_targets(Rule="listener", EventBusName=bus, Targets=[{"Id": "listener", "Arn": arn}])
        self._heard: list[dict[str, Any]] = []

    def heard_of(self, subject: str, kinds: set[str]) -> list[dict[str, Any]]:
        """The events of one image or case, as soon as all `kinds` have come."""

        def look() -> list[dict[str, Any]] | None:
            self._listen()
            about = [event for event in self._heard if _subject(event["detail"]["detail"]) == subject]
            return about if kinds <= {event["detail-type"] for event in about} else None

        return until(look, f"events {kinds} of {subject}")

    def _listen(self) -> None:
        answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            self._heard.append(json.loads(message["Body"]))
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])


def _subject(detail: dict[str, Any]) -> str:
    """Id of what an event is about."""
    subject: str = detail["case_id"] if "case_id" in detail else detail["image_id"]
    return subject
