"""Somebody who does what a page says: types its commands, one after the other, into a shell."""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from infra.config import ROOT
from tests.e2e.whole_stack.stack import PASSWORD, Person, Stack
from tests.e2e.whole_stack.written.tables import NOT_RUN, TYPED_INSTEAD
from tests.unit.documentation.pages import OF_COMMANDS, PAGES, Step, blocks

PATIENCE_S = 300.0
ULID = r"\b([0-7][0-9a-hjkmnp-tv-z]{25})\b"
NAMED = {str(page.relative_to(ROOT)).removeprefix("docs/"): page for page in PAGES}
Event = TypeVar("Event")
_FREE = re.compile(rf"(?P<ulid>{ULID})|(?P<number>\d[\d.,:]*)|(?P<space>\s+)")


def steps_of(page: str) -> list[Step]:
    """All that a page tells to type, in its order."""
    return [step for block in blocks(NAMED[page]) if block.language in OF_COMMANDS for step in block.steps]


def steps_to_type(page: str) -> list[Step]:
    """The same without what the tables except."""
    return [step for step in steps_of(page) if step.command not in NOT_RUN.get(page, {})]


def fits(shown: str, told: str) -> "re.Match[str] | None":
    """Whether a line is the one that a page shows, but for ids, numbers and the width of gaps."""
    free = {"ulid": ULID, "number": r"\d[\d.,:]*", "space": r"\s+"}
    pattern, end = "", 0
    for found in _FREE.finditer(shown):
        pattern += re.escape(shown[end : found.start()]) + free[str(found.lastgroup)]
        end = found.end()
    return re.fullmatch(pattern + re.escape(shown[end:]), told.strip())


@dataclass
class Reader:
    """A person at a shell.

    Attributes:
        folder: where they are.
        environment: with the sign-in of a person, if they have one.
        stands_for: what is typed in place of what is written.
        before: what happens before a command, by how that begins: the longest beginning counts.
        after: the same for afterwards; it is told what the command printed.
        answers: what they type when they are asked.
    """

    folder: Path
    environment: dict[str, str]
    stands_for: dict[str, str] = field(default_factory=dict)
    before: dict[str, Callable[[], object]] = field(default_factory=dict)
    after: dict[str, Callable[[str], object]] = field(default_factory=dict)
    answers: str = f"{PASSWORD}\n{PASSWORD}\n"

    def follow(self, page: str) -> dict[str, str]:
        """Types all of a page but what the tables except; what each command printed, as it is written."""
        told: dict[str, str] = {}
        self.stands_for |= TYPED_INSTEAD.get(page, {})
        for step in steps_to_type(page):
            told[step.command] = self.do(step)
        return told

    def do(self, step: Step) -> str:
        """Types one command; gives what it printed.

        Raises:
            AssertionError: its exit status is not 0, or it prints something else than the page shows.
        """
        for happens in _meant_by(self.before, step.command):
            happens()
        printed = self.type(self.meant(step.command))
        self._compare(step, printed)
        for hears in _meant_by(self.after, step.command):
            hears(printed)
        return printed

    def learn(self, name: str, pattern: str = ULID) -> Callable[[str], None]:
        """For `after`: what the pattern's group finds in what was printed stands for the name from now on."""

        def learnt(printed: str) -> None:
            found = re.search(pattern, printed)
            assert found, f"no {name} in {printed!r}"
            self.stands_for[name] = found[1]

        return learnt

    def type(self, command: str) -> str:
        """Has the shell carry a command out; what that printed as its result."""
        done = subprocess.run(
            ["/bin/bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env=self.environment,
            input=self.answers,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def meant(self, command: str) -> str:
        """What is written with what it stands for here, the longest words first."""
        for written in sorted(self.stands_for, key=len, reverse=True):
            meant = self.stands_for[written].replace("\\", r"\\")
            command = re.sub(rf"(?<!\w){re.escape(written)}(?!\w)", meant, command)
        return command

    def _compare(self, step: Step, printed: str) -> None:
        """Each line that is shown was printed, in that order; an id that is shown stands for the real one."""
        lines = iter(printed.splitlines())
        for shown in step.shown:
            found = next(filter(None, (fits(shown, line) for line in lines)), None)
            assert found, f"{step.command} does not print {shown!r}, but {printed!r}"
            self.stands_for |= dict(zip(re.findall(ULID, shown), found.groups(), strict=True))


def _meant_by(events: Mapping[str, Event], command: str) -> list[Event]:
    """The one of the longest beginning of the command, if there is any."""
    return [events[begins] for begins in sorted(events, key=len) if command.startswith(begins)][-1:]


@dataclass
class Desk:
    """Where readers sit down: beside a deployed stack, with the programs that the pages presuppose."""

    stack: Stack
    folder: Path
    _signed_in: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        aws = self.folder / "bin" / "aws"
        aws.parent.mkdir()
        run = shlex.join([sys.executable, "-m", "tests.e2e.whole_stack.written.aws"])
        aws.write_text(f'#!/bin/sh\nexec {run} "$@"\n', encoding="utf-8")
        aws.chmod(0o755)

    def reader(self, folder: Path, person: Person | None = None) -> Reader:
        """Somebody in a folder; signed in, if it is a person of the deployment."""
        path = f"{self.folder / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin"
        told = {"PATH": path, "TRIAGELENS_API_URL": self.stack.cloud.api_url, "COLUMNS": "200"}
        config = folder / "config" if person is None else self.config_of(person)
        (folder / ".venv-training").symlink_to(ROOT / ".venv-training")
        environment = {**self.stack.environment, **told, "TRIAGELENS_CONFIG_DIR": str(config)}
        if sys.dont_write_bytecode:  # a hundred programs would each compile all that they import
            compiled = str(self.folder / "bytecode")
            environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": compiled}
        return Reader(folder, environment)

    def config_of(self, person: Person) -> Path:
        """The folder that keeps a person's sign-in."""
        if person.username not in self._signed_in:
            config = self.folder / person.username
            done = self.stack.command(config, "sign-in", person.username)
            assert done.returncode == 0, done.stderr
            self._signed_in[person.username] = config
        return self._signed_in[person.username]

    def becomes(self, reader: Reader, person: Person) -> Callable[[], None]:
        """What signs a reader in as somebody else."""
        config = str(self.config_of(person))
        return lambda: reader.environment.update(TRIAGELENS_CONFIG_DIR=config)
