"""Every command in the README and in docs/ is one that its program understands.

They are carried out besides, by tests/e2e/whole_stack/test_written_*.py.
"""

import shutil
from pathlib import Path

import pytest
from typer.exceptions import TyperException

from tests.unit.documentation import programs
from tests.unit.documentation.pages import OF_COMMANDS, PAGES, blocks, inline_commands, parts

LANGUAGES = OF_COMMANDS | {"http", "json", "mermaid", "python", "text", "yaml"}
BLOCKS = [block for page in PAGES for block in blocks(page)]
COMMANDS = [
    (str(block), line) for block in BLOCKS if block.language in OF_COMMANDS for line in block.command_lines
]
IN_SENTENCES = sorted({command for page in PAGES for command in inline_commands(page)})


@pytest.fixture(autouse=True)
def nobody_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever a command prompts for is there, and its files lie in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIAGELENS_CONFIG_DIR", str(tmp_path / "config"))
    for prompt in ("visible_prompt_func", "hidden_prompt_func"):
        monkeypatch.setattr(f"typer._click.termui.{prompt}", lambda _: programs.PASSWORD)


def test_every_block_says_what_is_in_it() -> None:
    assert len(BLOCKS) > 40
    assert [f"{block} {block.language}" for block in BLOCKS if block.language not in LANGUAGES] == []


def test_every_block_of_commands_has_one() -> None:
    assert len(COMMANDS) > 70
    empty = [str(block) for block in BLOCKS if block.language in OF_COMMANDS and not block.command_lines]
    assert empty == [], "what is no command is marked as `text`"


@pytest.mark.parametrize(("place", "line"), COMMANDS, ids=[f"{place} {line}" for place, line in COMMANDS])
def test_a_command_is_understood(place: str, line: str, tmp_path: Path) -> None:
    for words in parts(line):
        programs.check(words, tmp_path)


@pytest.mark.parametrize("command", IN_SENTENCES)
def test_a_command_in_a_sentence_is_there(command: str, tmp_path: Path) -> None:
    [words] = parts(command)
    if words[0] == "triagelens":
        programs.has_part(words[1:])
    else:
        programs.check(words, tmp_path)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("curl https://example.org", LookupError),
        ("make no-such-target", LookupError),
        ("triagelens models no-such-command", LookupError),
        ("triagelens models", LookupError),
        ("triagelens models promote skin 2.0.0 --sharing 1", TyperException),
        ("triagelens models promote skin", TyperException),
        ("python -m infra.nothing", LookupError),
        ("python -m infra.locks --upgrade", LookupError),
        ("python -m infra.redrive quality --harder", LookupError),
        ("aws kms make-coffee --key-id KEY", LookupError),
        ("aws kms get-public-key --key KEY", LookupError),
    ],
)
def test_what_no_program_understands_is_found_out(line: str, error: type[Exception], tmp_path: Path) -> None:
    [words] = parts(line)
    with pytest.raises(error):
        programs.check(words, tmp_path)


def test_a_quotation_without_an_end_is_found_out() -> None:
    with pytest.raises(ValueError, match="quotation"):
        parts('triagelens cases comment CASE_ID "Compare')


def test_make_is_here() -> None:
    assert shutil.which("make")
