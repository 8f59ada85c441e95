"""Settings of a function: one typed model each, read from the environment once per process."""

import os
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict


class EnvironmentSettings(BaseModel):
    """Base of every function's settings: field `casework_table` is variable `CASEWORK_TABLE`.

    A missing or malformed variable raises pydantic.ValidationError at the first use, naming it.
    """

    model_config = ConfigDict(frozen=True)

    stage: Literal["dev", "prod", "laptop"]
    aws_region: str

    @classmethod
    def from_environment(cls) -> Self:
        names = {name: name.upper() for name in cls.model_fields}
        return cls.model_validate({name: os.environ[key] for name, key in names.items() if key in os.environ})

    @property
    def path_style(self) -> bool:
        """Whether buckets are addressed by path: the laptop cloud has no names of their own for them."""
        return self.stage == "laptop"
