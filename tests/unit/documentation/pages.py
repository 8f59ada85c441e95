"""What is written in the README and in docs/: blocks, and the commands in them."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from infra.config import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
# A block without a language is taken for commands: what is none has to say what it is.
OF_COMMANDS = {"console", "shell", "bash", "sh", ""}
_FENCE = re.compile(r"^ *```(\S*) *$")
_INLINE = re.compile(r"(?<!`)`((?:triagelens|make|python -m|aws) [^`]+)`(?!`)")
_BETWEEN = {"|", "||", "&&", ";"}
_INTO_FILES = {">", ">>", "<"}


@dataclass(frozen=True)
class Step:
    """What a reader types, and the lines that are shown as its answer."""

    command: str
    shown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, its language, and its text."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def steps(self) -> list[Step]:
        """What a reader types: after `$ ` on a console, else each line; continued lines are joined."""
        joined = re.sub(r"\\\n\s*", "", self.text)
        found: list[Step] = []
        for line in filter(None, map(str.strip, joined.splitlines())):
            if self.language != "console":
                found += [] if line.startswith("#") else [Step(line)]
            elif line.startswith("$ "):
                found.append(Step(line.removeprefix("$ ")))
            elif found:
                found[-1] = Step(found[-1].command, (*found[-1].shown, line))
        return found

    @property
    def command_lines(self) -> list[str]:
        return [step.command for step in self.steps]


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in their order.

    Raises:
        ValueError: the last one has no end.
    """
    found: list[Block] = []
    begun: tuple[int, str] | None = None
    lines = page.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        if not (fence := _FENCE.match(line)):
            continue
        if begun is None:
            begun = number, fence[1]
        else:
            text = "\n".join(lines[begun[0] : number - 1])
            found.append(Block(page, begun[0], begun[1], text))
            begun = None
    if begun is not None:
        raise ValueError(f"{page}: the block in line {begun[0]} has no end")
    return found


def inline_commands(page: Path) -> list[str]:
    """Commands within sentences; they may leave out what the sentence says anyhow."""
    text = "\n".join(_outside_blocks(page.read_text(encoding="utf-8")))
    return [" ".join(found.split()) for found in _INLINE.findall(text)]


def parts(line: str) -> list[list[str]]:
    """The words of each command of a line: pipes part them, redirections and comments are left out.

    Raises:
        ValueError: a shell would not understand it.
    """
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    words = iter(lexer)
    for word in words:
        if word in _BETWEEN:
            commands.append([])
        elif word in _INTO_FILES:
            next(words)
        else:
            commands[-1].append(word)
    return commands


def _outside_blocks(text: str) -> list[str]:
    inside = False
    lines = []
    for line in text.splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            lines.append(line)
    return lines
