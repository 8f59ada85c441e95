"""What each function's settings ask for, the stack gives."""

import importlib
from collections.abc import Callable

import pytest

from infra.config import CLOUD_SIZES
from infra.template import Template
from triagelens.settings import EnvironmentSettings

GIVEN_BY_LAMBDA = {"aws_region"}


def settings_of(package: str) -> type[EnvironmentSettings]:
    settings: type[EnvironmentSettings] = importlib.import_module(f"{package}.settings").Settings
    return settings


@pytest.mark.parametrize("stage", ["dev", "prod", "laptop"])
@pytest.mark.parametrize("package", CLOUD_SIZES)
def test_every_required_setting_is_in_the_environment(
    template_of: Callable[[str], Template], stage: str, package: str
) -> None:
    given = set(template_of(stage).function(package)["Environment"]["Variables"])
    fields = settings_of(package).model_fields
    required = {name.upper() for name, field in fields.items() if field.is_required()}
    required -= {name.upper() for name in GIVEN_BY_LAMBDA}
    assert required
    assert required <= given


@pytest.mark.parametrize("package", CLOUD_SIZES)
def test_nothing_is_set_that_nothing_reads(laptop: Template, package: str) -> None:
    given = set(laptop.function(package)["Environment"]["Variables"])
    read = {name.upper() for name in settings_of(package).model_fields}
    assert {name for name in given - read if not name.startswith("POWERTOOLS_")} <= {"OMP_NUM_THREADS"}


@pytest.mark.parametrize("package", CLOUD_SIZES)
def test_the_stage_and_the_service_are_told(dev: Template, package: str) -> None:
    environment = dev.function(package)["Environment"]["Variables"]
    assert environment["STAGE"] == "dev"
    assert environment["POWERTOOLS_SERVICE_NAME"] == package
    assert environment["POWERTOOLS_METRICS_NAMESPACE"] == "Triagelens"
