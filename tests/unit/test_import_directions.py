"""Imports go one way: functions -> services -> domain, adapters -> ports and domain, and nothing back."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "layers" / "core" / "python" / "triagelens"
FUNCTIONS = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
SERVER = {"triagelens", "baseline_models", *FUNCTIONS}
CLOUD_LIBRARIES = {"boto3", "botocore", "pynamodb"}
EVERYTHING_OURS = {*SERVER, "infra", "training_job", "triagelens_client", "bench"}


def imports_of(path: Path) -> Iterator[str]:
    """Dotted names of the modules that a file imports, those for type checking alone left out."""
    for node in _statements(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _statements(child)


def imported(folder: Path) -> dict[str, list[str]]:
    """Imported modules, each with the files of a folder that import it."""
    found: dict[str, list[str]] = {}
    files = [path for path in sorted(folder.rglob("*.py")) if "__pycache__" not in path.parts]
    assert files, folder
    for path in files:
        for name in imports_of(path):
            found.setdefault(name, []).append(str(path.relative_to(ROOT)))
    return found


def below(name: str, modules: set[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        (
            LIBRARY / "domain",
            {
                *CLOUD_LIBRARIES,
                *("numpy", "cv2", "PIL", "onnxruntime", "aws_lambda_powertools"),
                *(
                    f"triagelens.{part}"
                    for part in ("services", "adapters", "imaging", "inference", "settings")
                ),
            },
        ),
        (LIBRARY / "services", {*CLOUD_LIBRARIES, "triagelens.adapters", "aws_lambda_powertools"}),
        (LIBRARY / "imaging", {*CLOUD_LIBRARIES, "triagelens.adapters", "triagelens.services"}),
        (LIBRARY / "documents", {*CLOUD_LIBRARIES, "triagelens.adapters", "triagelens.services"}),
        (LIBRARY / "inference", {*CLOUD_LIBRARIES, "triagelens.adapters"}),
        (LIBRARY, {*FUNCTIONS, "infra", "training_job", "triagelens_client", "bench", "fastapi", "mangum"}),
        (ROOT / "functions", {"infra", "training_job", "triagelens_client", "bench"}),
        (ROOT / "client", {*SERVER, *CLOUD_LIBRARIES, "infra", "training_job", "bench"}),
        (ROOT / "training_job", {*FUNCTIONS, "infra", "triagelens_client", "bench"}),
        (ROOT / "infra" / "constructs", EVERYTHING_OURS - {"infra"}),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_imports_go_one_way(folder: Path, forbidden: set[str]) -> None:
    wrong = {name: files for name, files in imported(folder).items() if below(name, forbidden)}
    assert wrong == {}


@pytest.mark.parametrize("package", sorted(FUNCTIONS))
def test_a_function_imports_no_other_function(package: str) -> None:
    others = FUNCTIONS - {package}
    names = imported(ROOT / "functions" / package)
    assert not [name for name in names if below(name, others)]


def test_services_and_domain_know_ports_and_not_their_implementations() -> None:
    for part in ("services", "domain"):
        assert not [name for name in imported(LIBRARY / part) if below(name, {"triagelens.adapters"})]


def test_the_stack_imports_nothing_that_runs_in_it() -> None:
    for path in sorted((ROOT / "infra").glob("*.py")):
        assert not [name for name in imports_of(path) if below(name, SERVER)], path
