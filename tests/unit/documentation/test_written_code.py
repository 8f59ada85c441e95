"""Python, JSON and YAML in the README and in docs/ can be read, and what stands by itself is run."""

import ast
import importlib
import json
import textwrap
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tests.unit.documentation.pages import DOCS, PAGES, Block, blocks
from training_job.config import TrainConfig

BLOCKS = [block for page in PAGES for block in blocks(page)]
# Pages whose Python is not run here: what runs it, or why nothing does.
NOT_RUN_HERE: Mapping[str, str] = {
    "datasets.md": "tests/e2e/whole_stack/test_learning_loop.py does the same with the client",
    "ham10000.md": "tests/unit/ingest/test_ham10000_page.py runs it",
    "models.md": "tests/unit/inference/test_model_documentation.py runs it",
    "webhooks.md": "a part of somebody's own web server; tests/unit/client tests `verify`",
}


def of(language: str) -> list[Block]:
    found = [block for block in BLOCKS if block.language == language]
    assert found
    return found


def compiled(block: Block) -> ast.Module:
    """A block's syntax; parts of a function's body are put into one."""
    try:
        return ast.parse(block.text)
    except SyntaxError:
        return ast.parse("def part():\n" + textwrap.indent(block.text, "    "))


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_what_python_imports_of_ours_is_there(block: Block) -> None:
    for node in ast.walk(compiled(block)):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(("triagelens", "training_job")):
            module = importlib.import_module(str(node.module))
            assert [name.name for name in node.names if not hasattr(module, name.name)] == []


@pytest.mark.parametrize(
    "block", [block for block in of("python") if block.page.name not in NOT_RUN_HERE], ids=str
)
def test_python_that_stands_by_itself_runs(block: Block) -> None:
    names: dict[str, Any] = {}
    exec(block.text, names)  # noqa: S102 - the documentation's own example
    assert len(names) > 1


def test_each_page_whose_python_is_not_run_here_has_some() -> None:
    assert set(NOT_RUN_HERE) <= {block.page.name for block in of("python")}


@pytest.mark.parametrize("block", of("json"), ids=str)
def test_json_can_be_read(block: Block) -> None:
    assert json.loads(block.text)


@pytest.mark.parametrize("block", of("yaml"), ids=str)
def test_yaml_can_be_read(block: Block) -> None:
    assert isinstance(yaml.safe_load(block.text), dict)


def test_the_settings_of_the_example_are_settings_of_a_training() -> None:
    [block] = [block for block in of("yaml") if block.page == DOCS / "training.md"]
    TrainConfig.model_validate({**yaml.safe_load(block.text), "output": "made"})
