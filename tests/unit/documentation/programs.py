"""Whether a command that is written somewhere would be understood: one check for each program.

Nothing is asked of anybody: commands are parsed by the programs themselves. tests/e2e carries them out.
"""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import botocore.session
import typer.main
from botocore import xform_name
from botocore.model import ServiceModel
from typer.core import TyperCommand, TyperGroup

from infra.config import ROOT
from triagelens_client.cli import app

# Programs that are not ours: why they are only taken apart as a shell would.
ONLY_READ: Mapping[str, str] = {
    "base64": "a filter of every system",
    "docker": "it needs Docker, and a login to AWS",
    "source": "a shell's own; tests use the environment that it puts on the path",
    "torchrun": "it needs several graphics cards; tests/training runs two processes without one",
}
# Modules that take no `--help`: why a look at their name is enough.
WITHOUT_HELP: Mapping[str, str] = {
    "infra.replay_erasures": "takes no arguments; tests/integration/test_erasure_survives.py runs it",
    "infra.cdk": "hands everything to the CDK command line; tests/unit/local/test_makefile.py",
    "bench.reports": "takes a number or nothing; tests/unit/documents/test_report.py runs it",
    "docs.making.costs": "tests/infra/test_cost_page.py does the same",
    "docs.making.pictures": "test_pictures.py runs it",
}
# The AWS command's own, over other operations.
AWS_ALONE = {("ecr", "get-login-password")}
AWS_GLOBAL_OPTIONS = {"--query", "--output", "--region", "--profile", "--filter", "--no-cli-pager"}
FILES = (".jpg", ".json", ".onnx", ".npy", ".zip", ".der", ".csv", ".txt")
PASSWORD = "Correct-Horse-9"
_OPTION = re.compile(r"^(--[a-z][\w-]*)")


def check(words: list[str], folder: Path) -> None:
    """Raises what the program would say against these words; `folder` is where it would be called.

    Raises:
        LookupError: nobody knows how to check this program, or it has no such part.
        typer.exceptions.TyperException: a command of ours would refuse the words.
    """
    program, arguments = words[0], words[1:]
    if program.endswith("bin/python"):
        program = "python"
    if program not in CHECKS:
        raise LookupError(f"nobody knows how to check {program!r}: say how, or why not, in programs.py")
    CHECKS[program](arguments, folder)


def triagelens(arguments: list[str], folder: Path) -> None:
    """Goes down to the command that is meant, and lets it parse its arguments.

    Files that are named are made, and folders, which end with a slash: what is in them is not looked at here.
    """
    for word in arguments:
        if word.endswith("/"):
            (folder / word).mkdir(parents=True, exist_ok=True)
        if word.endswith(FILES) and "://" not in word:
            (folder / word).parent.mkdir(parents=True, exist_ok=True)
            (folder / word).touch()
    command, rest = _meant(arguments)
    if isinstance(command, TyperGroup):
        raise LookupError(f"triagelens {' '.join(arguments)} is no whole command")
    command.make_context("triagelens", rest)


def has_part(arguments: list[str]) -> None:
    """Whether a command of a sentence is there: its parts and its options, but not all that it needs.

    Raises:
        LookupError: it is not.
    """
    command, rest = _meant(arguments)
    known = {option for parameter in command.params for option in parameter.opts}
    unknown = {word for word in rest if word.startswith("--")} - known
    if unknown:
        raise LookupError(f"{command.name} has no options {unknown}")


def _meant(arguments: list[str]) -> tuple["TyperGroup | TyperCommand", list[str]]:
    """The command that the first words name, and the words that are left for it."""
    command, rest = typer.main.get_command(app), list(arguments)
    while isinstance(command, TyperGroup) and rest:
        name = rest.pop(0)
        if name not in command.commands:
            raise LookupError(f"triagelens has no command {name!r}")
        command = command.commands[name]
    if not isinstance(command, TyperGroup | TyperCommand):
        raise TypeError(command)
    return command, rest


def make(arguments: list[str], folder: Path) -> None:
    """Whether make knows the target and what to do for it."""
    command = ["make", "--dry-run", "--no-print-directory", "--directory", str(ROOT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LookupError(done.stderr)


def python(arguments: list[str], folder: Path) -> None:
    """Whether `python -m MODULE` is there, and its help has the options that are used."""
    if arguments[0] != "-m":
        raise LookupError(f"a Python program is called as a module here, not as {arguments}")
    module, rest = arguments[1], arguments[2:]
    if importlib.util.find_spec(module) is None:
        raise LookupError(f"there is no module {module}")
    if module in WITHOUT_HELP:
        return
    part = tuple(rest[:1]) if rest and rest[0] in _help(module) and not rest[0].startswith("-") else ()
    known = set(re.findall(r"--[a-z][\w-]*", _help(module, *part)))
    unknown = {found[1] for word in rest if (found := _OPTION.match(word))} - known
    if unknown:
        raise LookupError(f"{module} {' '.join(part)} has no options {unknown}")


def aws(arguments: list[str], folder: Path) -> None:
    """Whether AWS has this operation, with these parameters; it needs an account to be carried out."""
    service, operation, *rest = arguments
    if (service, operation) in AWS_ALONE:
        return
    model = _aws_model(service)
    named = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in named:
        raise LookupError(f"AWS {service} has no operation {operation!r}")
    shape = model.operation_model(named[operation]).input_shape
    known = {f"--{xform_name(member, '-')}" for member in (shape.members if shape else ())}
    unknown = {word for word in rest if word.startswith("--")} - known - _flags(known) - AWS_GLOBAL_OPTIONS
    if unknown:
        raise LookupError(f"aws {service} {operation} has no options {unknown}")


def evaluate(arguments: list[str], folder: Path) -> None:
    """`eval "$(COMMAND)"`: the command inside."""
    [inside] = re.findall(r"^\$\((.*)\)$", arguments[0])
    check(inside.split(), folder)


def only_read(arguments: list[str], folder: Path) -> None:
    """It has been taken apart already, which is all."""


CHECKS: Mapping[str, Callable[[list[str], Path], None]] = {
    "triagelens": triagelens,
    "make": make,
    "python": python,
    "aws": aws,
    "eval": evaluate,
    **dict.fromkeys(ONLY_READ, only_read),
}


def _flags(known: set[str]) -> set[str]:
    """The other half of a yes or no: `--no-include-values`."""
    return {option.replace("--", "--no-", 1) for option in known}


@cache
def _aws_model(service: str) -> ServiceModel:
    return botocore.session.Session().get_service_model(service)


def _knows_help(module: str) -> bool:
    """Whether a module parses its arguments: one that does not would do its work when asked for help."""
    found = importlib.util.find_spec(f"{module}.__main__") if _is_package(module) else None
    spec = found or importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return False
    source = Path(spec.origin).read_text(encoding="utf-8")
    return "import argparse" in source or "import typer" in source


def _is_package(module: str) -> bool:
    spec = importlib.util.find_spec(module)
    return spec is not None and spec.submodule_search_locations is not None


@cache
def _help(module: str, *part: str) -> str:
    if not _knows_help(module):
        raise LookupError(f"{module} takes no --help: say in WITHOUT_HELP what runs it")
    command = [sys.executable, "-m", module, *part, "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise LookupError(f"{module}: {done.stderr}")
    return done.stdout
