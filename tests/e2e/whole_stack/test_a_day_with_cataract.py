"""A day with the cataract app: it predicts on the device, and sends what it saw for training."""

import json
from typing import Any

from tests.e2e.whole_stack.files import blurred, sharp
from tests.e2e.whole_stack.stack import Person, Stack, until

BASE = "/compat/cataract"


def told(label: str, probability: float) -> dict[str, Any]:
    """What the app says of a photo."""
    return {
        "prediction": probability if label == "Cataract" else 1 - probability,
        "predictedClass": int(label == "Cataract"),
        "className": label,
        "confidence": 100 * probability,
        "inferenceTime": 0.2,
        "timestamp": "2025-01-17T10:30:00Z",
        "deviceInfo": {"platform": "ios", "version": "18"},
    }


def send(person: Person, data: bytes, metadata: dict[str, Any]) -> str:
    """The submission's id."""
    answer = person.ask(
        "POST",
        f"{BASE}/api/training-data",
        data={"metadata": json.dumps(metadata)},
        files={"image": ("eye.jpg", data, "image/jpeg")},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["success"] is True
    return str(answer.json()["submissionId"])


def counts(researcher: Person) -> dict[str, Any]:
    answer = researcher.ask("GET", f"{BASE}/api/stats")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_what_the_app_saw_is_kept_and_counted(strict: Stack) -> None:
    assert strict.http().get(f"{BASE}/health").json()["status"] == "healthy"
    researcher = strict.grant(strict.person("researcher"), "researcher")
    before = counts(researcher)
    app = strict.person("app")
    photos = {send(app, sharp(911), told("Cataract", 0.85)), send(app, blurred(), told("Normal", 0.6))}
    assert len(photos) == 2

    kept = [app.outcome(photo) for photo in photos]
    assert {image["status"] for image in kept} == {"analyzed", "rejected"}
    assert {image["on_device_prediction"]["label"] for image in kept} == {"Cataract", "Normal"}
    # Blurred or not, what was sent for training stays.
    for photo in photos:
        assert app.ask("GET", f"/v1/images/{photo}/content").status_code == 200

    def both_are_counted() -> bool:
        """As announced and as arrived: the table's stream tells the two one after the other."""
        now = counts(researcher)
        return all(now[count] >= before[count] + 2 for count in ("totalSubmissions", "totalImages"))

    until(both_are_counted, "both are counted")
