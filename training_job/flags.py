"""Flags of `python -m training_job train`: one for each setting, made from their description."""

import argparse
from pathlib import Path
from typing import get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from training_job.config import TrainConfig


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add every setting as a flag; what is not given stays out of the parsed options."""
    parser.add_argument("--config", type=Path, help="settings in a YAML file; flags go before them")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --output")
    for name, field in TrainConfig.model_fields.items():
        flag = f"--{name.replace('_', '-')}"
        if field.annotation is bool:
            parser.add_argument(
                flag, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=_help(field)
            )
        else:
            metavar = "|".join(map(str, get_args(field.annotation))) if _is_choice(field) else None
            parser.add_argument(flag, default=argparse.SUPPRESS, metavar=metavar, help=_help(field))


def chosen_settings(options: argparse.Namespace) -> dict[str, object]:
    """The settings that flags were given for; `none` stands for no value where there may be none."""
    given = {name: value for name, value in vars(options).items() if name in TrainConfig.model_fields}
    return {
        name: None if value == "none" and _may_be_none(TrainConfig.model_fields[name]) else value
        for name, value in given.items()
    }


def explained(error: ValidationError) -> list[str]:
    """A line for each setting that is wrong."""
    return [f"--{'.'.join(map(str, e['loc'])).replace('_', '-')}: {e['msg']}" for e in error.errors()]


def _help(field: FieldInfo) -> str:
    default = "" if field.is_required() or field.default is None else f"default: {field.default}"
    return "; ".join(part for part in (field.description, default) if part).replace("%", "%%")


def _may_be_none(field: FieldInfo) -> bool:
    return type(None) in get_args(field.annotation)


def _is_choice(field: FieldInfo) -> bool:
    return bool(get_args(field.annotation)) and all(isinstance(v, str) for v in get_args(field.annotation))
