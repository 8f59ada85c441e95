"""Two migrations of one store are never under way at once."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from triagelens_client.migrate.ledger import Ledger, LedgerError, Taken

HOLDER = """
import sys
from pathlib import Path
from triagelens_client.migrate.ledger import Ledger, Taken

with Ledger.read(Path(sys.argv[1])).open("x", "https://api", "root") as ledger:
    ledger.note(Taken(key="image a", id="1", done=True))
    print("mine", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the ledger open."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "mine\n"
            yield process
        finally:
            process.kill()


def opened(path: Path) -> Ledger:
    return Ledger.read(path).open("x", "https://api", "root")


def test_who_comes_second_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.migration.jsonl"
    with another_process(path):
        before = path.read_bytes()
        with pytest.raises(LedgerError, match="another migration of this store is under way"):
            opened(path)
        assert Ledger.read(path).done("image a") is not None, "a dry run may look"
        assert path.read_bytes() == before


@pytest.mark.parametrize("killed", [True, False])
def test_however_the_first_one_ends_the_next_one_goes_on_from_there(tmp_path: Path, killed: bool) -> None:
    path = tmp_path / "store.migration.jsonl"
    with another_process(path) as process:
        if killed:
            process.kill()
            process.wait(timeout=30)
        else:
            process.communicate("", timeout=30)
    with opened(path) as ledger:
        assert ledger.done("image a") is not None


def test_what_another_one_did_since_the_ledger_was_read_counts(tmp_path: Path) -> None:
    path = tmp_path / "store.migration.jsonl"
    early = Ledger.read(path)
    with opened(path) as ledger:
        ledger.note(Taken(key="image b", id="2", done=True))
    with early.open("x", "https://api", "root") as late:
        assert late.done("image b") is not None
        assert late.was_there


def test_a_ledger_of_somebody_else_is_let_go_again(tmp_path: Path) -> None:
    path = tmp_path / "store.migration.jsonl"
    with opened(path):
        pass
    other = Ledger.read(path)
    with pytest.raises(LedgerError, match="belongs to a migration of x"):
        other.open("x", "https://api", "eve")
    with opened(path):
        pass


def test_a_place_that_cannot_be_locked_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lock(_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("triagelens_client.migrate.ledger.lock", lock)
    with pytest.raises(LedgerError, match="No locks available"):
        opened(tmp_path / "store.migration.jsonl")
