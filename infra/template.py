"""A synthesized template, and questions that tests ask of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.app import assemble
from infra.config import ROOT, STACK_NAME

Properties = dict[str, Any]


@dataclass(frozen=True)
class Template:
    """The CloudFormation template of the stack, and the folder it was written to."""

    body: dict[str, Any]
    folder: Path

    @classmethod
    def read(cls, folder: Path, stack: str) -> "Template":
        """The template of one of the stacks that were synthesized to a folder."""
        return cls(json.loads((folder / f"{stack}.template.json").read_text()), folder)

    def of_type(self, resource_type: str) -> dict[str, Properties]:
        """Properties of each resource of a type, by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.body["Resources"].items()
            if resource["Type"] == resource_type
        }

    def only(self, resource_type: str, marker: str) -> Properties:
        """Properties of the one resource of a type whose logical id contains the marker.

        Raises:
            LookupError: there is none, or more than one.
        """
        return self.of_type(resource_type)[self.logical_id(resource_type, marker)]

    def logical_id(self, resource_type: str, marker: str) -> str:
        found = [name for name in self.of_type(resource_type) if marker.lower() in name.lower()]
        if len(found) != 1:
            raise LookupError(f"{len(found)} resources {resource_type} are called like {marker!r}: {found}")
        return found[0]

    def function(self, package: str) -> Properties:
        """Properties of a package's function."""
        for properties in self.of_type("AWS::Lambda::Function").values():
            if properties["Handler"] == f"{package}.handler.handler":
                return properties
        raise LookupError(package)

    def statements(self, package: str) -> Iterator[tuple[set[str], list[Any]]]:
        """Actions and resources of each statement that the function's role carries."""
        role = self.function(package)["Role"]["Fn::GetAtt"][0]
        for policy in self.of_type("AWS::IAM::Policy").values():
            if {"Ref": role} in policy["Roles"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    yield set(_as_list(statement["Action"])), _as_list(statement["Resource"])


def synthesize(
    folder: Path, context: Mapping[str, object], *, bundle: bool = False, check_rules: bool = False
) -> Template:
    """Synthesize in this process and give the main stack; without `bundle` its assets are the bare sources.

    Raises:
        RuntimeError: with `check_rules`, when a finding of the AwsSolutions rules is not acknowledged.
    """
    settings = json.loads((ROOT / "cdk.json").read_text())["context"] | dict(context)
    if not bundle:
        settings["aws:cdk:bundling-stacks"] = []
    app = App(outdir=str(folder), context=settings)
    assemble(app)
    if check_rules:
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()
    return Template.read(folder, STACK_NAME)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
