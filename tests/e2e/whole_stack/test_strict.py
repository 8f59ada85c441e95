"""The same stack where TLS, signatures, one-time codes and each function's own role are enforced."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.whole_stack.files import blurred, sharp, told_by_the_camera
from tests.e2e.whole_stack.stack import PASSWORD, Listener, Person, Stack, until
from tests.e2e.whole_stack.test_bad_input import assert_problem, forged, unsigned
from tests.onnx_models import classifier
from triagelens_client import InvalidRequestError, UnauthenticatedError

Fields = dict[str, str]


@pytest.fixture(scope="module")
def patient(strict: Stack) -> Person:
    return strict.person()


def test_the_whole_way_needs_no_more_rights_than_each_function_has(strict: Stack, patient: Person) -> None:
    bus = Listener(strict)
    for specialty in ("skin", "brain"):
        image = patient.client.upload_and_wait(told_by_the_camera(), specialty)
        assert image.status == "analyzed", image
        assert image.prediction is not None
        assert image.prediction.demonstration
        assert patient.client.download(image.image_id).startswith(b"\xff\xd8")
        bus.heard_of(image.image_id, {"image.accepted", "image.analyzed"})
    rejected = patient.client.upload_and_wait(blurred(), "skin")
    assert rejected.status == "rejected"
    assert len(list(patient.client.all_images())) == 3


def test_a_model_is_brought_and_serves_with_each_functions_own_rights(
    strict: Stack, patient: Person, tmp_path: Path
) -> None:
    admin = strict.grant(strict.person("admin"), "admin")
    made = classifier(specialty="oral", version="brought", features=True)
    model, manifest = made.write(tmp_path)
    assert admin.client.models.import_model(model, manifest, tmp_path / "head.npy").status == "not_evaluable"
    admin.client.models.activate("oral", "brought", "a test of roles")

    def serves() -> bool:
        prediction = patient.send("oral", sharp())["prediction"]
        return prediction is not None and prediction["model"]["version"] == "brought"

    until(serves, "the model that was brought serves", within_s=30)


def test_the_command_trusts_the_certificate_it_is_given(
    strict: Stack, patient: Person, tmp_path: Path
) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(sharp())
    signed_in = strict.command(tmp_path, "sign-in", patient.username)
    assert signed_in.returncode == 0, signed_in.stderr
    done = strict.command(tmp_path, "predict", photo, "--specialty", "eye", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "analyzed"


def test_a_wrong_code_confirms_nobody(strict: Stack) -> None:
    username, client = f"ada-{uuid.uuid4().hex[:10]}", strict.client()
    client.sign_up(username, PASSWORD, email=f"{username}@example.org")
    with pytest.raises(InvalidRequestError):
        client.confirm(username, "000000")
    with pytest.raises(UnauthenticatedError):
        client.sign_in(username, PASSWORD)


@pytest.mark.parametrize("spoil", [unsigned, forged, lambda token: token[:-8] + token[:8]])
def test_a_forged_token_opens_nothing(patient: Person, spoil: Callable[[str], str]) -> None:
    bearer = {"Authorization": f"Bearer {spoil(patient.access_token)}"}
    assert_problem(patient.http.get("/v1/me", headers=bearer), 401, "unauthenticated")


# Forms and links


def another_key(fields: Fields) -> Fields:
    return fields | {"key": "uploads/01m84pbab9k3c2eh2bgtdazg24"}


def another_type(fields: Fields) -> Fields:
    return fields | {"Content-Type": "text/html"}


def another_signature(fields: Fields) -> Fields:
    return fields | {"x-amz-signature": "0" * 64}


def a_policy_of_ones_own(fields: Fields) -> Fields:
    policy = json.loads(base64.b64decode(fields["policy"]))
    policy["expiration"] = "2099-01-01T00:00:00Z"
    return fields | {"policy": base64.b64encode(json.dumps(policy).encode()).decode()}


def no_policy(fields: Fields) -> Fields:
    return {"key": fields["key"]}


@pytest.mark.parametrize(
    "spoil", [another_key, another_type, another_signature, a_policy_of_ones_own, no_policy]
)
def test_a_form_that_was_tampered_with_takes_nothing(
    patient: Person, spoil: Callable[[Fields], Fields]
) -> None:
    announced = patient.announce("skin", sharp())
    form = announced["upload"]
    answer = patient.post({**form, "fields": spoil(form["fields"])}, sharp())
    assert answer.status_code == 403, answer.text
    assert patient.ask("GET", f"/v1/images/{announced['image_id']}").json()["status"] == "awaiting_upload"
    assert patient.post(form, sharp()).is_success, "the form itself is good"


def test_a_form_whose_time_is_over_takes_nothing(strict: Stack, patient: Person) -> None:
    with forms_good_for_seconds(strict, 1):
        announced = until(lambda: announced_for_a_second(patient), "the new setting is in force")

    def refused() -> httpx.Response | None:
        answer = patient.post(announced["upload"], sharp())
        return answer if answer.status_code == 403 else None

    assert "xpired" in until(refused, "the form has ended", within_s=10).text


def announced_for_a_second(patient: Person) -> dict[str, Any] | None:
    """An announcement, once the form's time is as short as was asked."""
    announced = patient.announce("skin", sharp())
    record = patient.ask("GET", f"/v1/images/{announced['image_id']}").json()
    end, begin = (datetime.fromisoformat(record[name]) for name in ("upload_expires_at", "created_at"))
    return announced if end - begin <= timedelta(seconds=1) else None


@contextmanager
def forms_good_for_seconds(stack: Stack, seconds: int) -> Iterator[None]:
    """For a while the API gives out forms that end soon."""
    functions = stack.aws("lambda")
    name = functions_by_package(stack)["clinic_api"]["FunctionName"]
    usual = functions.get_function_configuration(FunctionName=name)["Environment"]
    short = {"Variables": usual["Variables"] | {"UPLOAD_EXPIRY_S": str(seconds)}}
    functions.update_function_configuration(FunctionName=name, Environment=short)
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=name, Environment=usual)


def test_a_link_to_pixels_opens_nothing_but_what_it_was_made_for(patient: Person) -> None:
    first, second = (patient.client.upload_and_wait(sharp(seed), "skin") for seed in (1, 2))
    link = httpx.URL(patient.client.content(first.image_id).url)
    other = httpx.URL(patient.client.content(second.image_id).url)
    assert patient.http.get(link).content.startswith(b"\xff\xd8")
    for spoiled in (link.copy_with(query=None), link.copy_with(path=other.path)):
        assert patient.http.get(spoiled).status_code == 403


def functions_by_package(stack: Stack) -> dict[str, dict[str, Any]]:
    """The configuration of each function."""
    functions = stack.aws("lambda").list_functions()["Functions"]
    return {function["Handler"].partition(".")[0]: function for function in functions}


def test_no_function_but_the_quality_check_may_read_an_original(strict: Stack) -> None:
    original = f"arn:aws:s3:::{strict.outputs['UploadsBucket']}/uploads/01m84pbab9k3c2eh2bgtdazg24"

    def may_read(role: str) -> bool:
        answer = strict.aws("iam").simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=["s3:GetObject", "s3:GetObjectVersion"],
            ResourceArns=[original],
        )
        return any(result["EvalDecision"] == "allowed" for result in answer["EvaluationResults"])

    readers = [name for name, function in functions_by_package(strict).items() if may_read(function["Role"])]
    assert readers == ["check_quality"]


def test_the_original_is_open_to_nobody_by_its_address(strict: Stack, patient: Person) -> None:
    data = sharp()
    announced = patient.announce("skin", data)
    patient.post(announced["upload"], data)
    assert patient.outcome(announced["image_id"])["status"] == "analyzed"
    address = f"{announced['upload']['url'].rstrip('/')}/uploads/{announced['image_id']}"
    assert patient.http.get(address).status_code == 403
    assert patient.http.delete(address).status_code == 403
