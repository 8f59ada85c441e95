"""Templates of each stage, synthesized once."""

from collections.abc import Callable
from functools import cache

import pytest

from infra.template import Template, synthesize

LAPTOP = {"stage": "laptop", "endpoint": "http://localhost:4566"}


@pytest.fixture(scope="session")
def template_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Template]:
    """The template of a stage, without building the layers, its rules checked outside the laptop."""

    @cache
    def of(stage: str) -> Template:
        context = LAPTOP if stage == "laptop" else {"stage": stage}
        folder = tmp_path_factory.mktemp(f"cdk-{stage}")
        return synthesize(folder, context, check_rules=stage != "laptop")

    return of


@pytest.fixture(scope="session")
def dev(template_of: Callable[[str], Template]) -> Template:
    return template_of("dev")


@pytest.fixture(scope="session")
def prod(template_of: Callable[[str], Template]) -> Template:
    return template_of("prod")


@pytest.fixture(scope="session")
def laptop(template_of: Callable[[str], Template]) -> Template:
    return template_of("laptop")
