"""The command `triagelens`, run as a person runs it."""

import json
from pathlib import Path

import pytest

from tests.e2e.whole_stack.files import blurred, sharp
from tests.e2e.whole_stack.stack import Person, Stack


@pytest.fixture(scope="module")
def signed_in(plain: Stack, person: Person, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a command in which somebody is signed in."""
    folder = tmp_path_factory.mktemp("config")
    done = plain.command(folder, "sign-in", person.username)
    assert done.returncode == 0, done.stderr
    return folder


def test_several_files_are_predicted_as_one_json_object_each(
    plain: Stack, signed_in: Path, tmp_path: Path
) -> None:
    files = {tmp_path / "a.jpg": sharp(1), tmp_path / "b.jpg": sharp(2), tmp_path / "c.jpg": blurred()}
    for path, data in files.items():
        path.write_bytes(data)
    done = plain.command(signed_in, "predict", *files, "--specialty", "skin", "--json")
    assert done.returncode == 0, done.stderr
    told = {Path(line["file"]).name: line for line in map(json.loads, done.stdout.splitlines())}
    assert {name: line["status"] for name, line in told.items()} == {
        "a.jpg": "analyzed",
        "b.jpg": "analyzed",
        "c.jpg": "rejected",
    }
    assert told["a.jpg"]["prediction"]["demonstration"] is True
    assert told["c.jpg"]["quality"]["reasons"][0]["code"] == "blurred"


def test_a_file_that_cannot_be_sent_fails_alone(plain: Stack, signed_in: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.jpg", tmp_path / "bad.jpg"
    good.write_bytes(sharp())
    bad.write_bytes(b"")
    done = plain.command(signed_in, "predict", good, bad, "--specialty", "skin", "--json")
    assert done.returncode == 1
    told = {Path(line["file"]).name: line for line in map(json.loads, done.stdout.splitlines())}
    assert told["good.jpg"]["status"] == "analyzed"
    assert told["bad.jpg"]["error"]["code"] == "unreadable_file"
    assert "bad.jpg is empty" in done.stderr.replace("\n", " ")


def test_a_table_says_that_the_model_is_a_demonstration(
    plain: Stack, signed_in: Path, tmp_path: Path
) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(sharp())
    done = plain.command(signed_in, "predict", photo, "--specialty", "eye")
    assert done.returncode == 0, done.stderr
    assert "demonstration" in done.stdout


def test_images_are_listed_and_their_pixels_saved(plain: Stack, signed_in: Path, tmp_path: Path) -> None:
    listed = plain.command(signed_in, "images", "list", "--limit", "3", "--json")
    newest = json.loads(listed.stdout.splitlines()[0])
    saved = tmp_path / "working.jpg"
    done = plain.command(signed_in, "images", "content", newest["image_id"], "--to", saved)
    assert done.returncode == 0, done.stderr
    assert saved.read_bytes().startswith(b"\xff\xd8")


def test_nobody_signed_in_is_told_plainly(plain: Stack, tmp_path: Path) -> None:
    done = plain.command(tmp_path, "whoami")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Error:" in done.stderr
    assert "Traceback" not in done.stderr
