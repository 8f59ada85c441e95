"""JSON schemas of the API as tables of fields."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]
_REFERENCE = "#/components/schemas/"
_ATTRIBUTE = re.compile(r"^ {4}(\w+): ")


@dataclass(frozen=True)
class Schemas:
    """The named schemas of an OpenAPI document."""

    named: Json

    def describe(self, schema: Json) -> str:
        """What a value looks like, in Markdown: a link to an object's table, values of an enumeration."""
        if name := _name(schema):
            values = self.named[name].get("enum")
            return _values(values) if values else f"[{name}](#{anchor(name)})"
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return " or ".join(self.describe(one) for one in choices if one.get("type") != "null")
        if values := schema.get("enum") or ([schema["const"]] if "const" in schema else None):
            return _values(values)
        if schema.get("type") == "array":
            return f"list of {self.describe(schema.get('items', {}))}{_bounds(schema)}"
        if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
            return f"map to {self.describe(schema['additionalProperties'])}"
        return f"{schema.get('format') or schema.get('type', 'anything')}{_bounds(schema)}"

    def table(self, name: str) -> str:
        """What an object is for, and its fields, as a section."""
        schema = self.named[name]
        purpose, of_fields = _parted(schema.get("description", ""))
        lines = [f"### {name} {{#{anchor(name)}}}", "", purpose, ""]
        if not schema.get("properties"):
            return "\n".join([*lines, self.describe(schema), ""])
        lines += ["| field | type | meaning |", "| --- | --- | --- |"]
        for field, of in schema["properties"].items():
            told = of.get("description") or of_fields.get(field, "")
            lines.append(_row(f"`{field}`", self.describe(of), _told(told, of, schema, field)))
        return "\n".join([*lines, ""])

    def used_by(self, *schemas: Json) -> list[str]:
        """Names of all objects that these schemas lead to, sorted; enumerations are told where they stand."""
        found: set[str] = set()
        waiting = list(schemas)
        while waiting:
            for name in _references(waiting.pop()):
                if name not in found and "enum" not in self.named[name]:
                    found.add(name)
                    waiting.append(self.named[name])
        return sorted(found)


def anchor(name: str) -> str:
    """Where a named schema is told of on a page."""
    return f"object-{name.lower()}"


def cell(text: str) -> str:
    """Text for a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell(one) for one in cells)} |"


def _told(told: str, field: Json, owner: Json, name: str) -> str:
    """A field's description, and whether it has to be there."""
    parts = [told.rstrip(".")] if told else []
    if name in owner.get("required", ()):
        parts.append("always there")
    elif field.get("default") not in (None, [], {}, ""):
        parts.append(f"`{json.dumps(field['default'])}` if not given")
    return "; ".join(parts)


def _parted(description: str) -> tuple[str, dict[str, str]]:
    """A docstring's text, and what its section `Attributes` says of each field."""
    text, _, attributes = description.partition("Attributes:\n")
    fields: dict[str, str] = {}
    name = ""
    for line in attributes.splitlines():
        if found := _ATTRIBUTE.match(line):
            name = found[1]
            fields[name] = line[found.end() :]
        elif name and line.strip():
            fields[name] += f" {line.strip()}"
    return text.strip(), fields


def _values(values: list[Any]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _bounds(schema: Json) -> str:
    """The limits of a value, in words."""
    bounds = []
    for low, high, unit in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
        ("minItems", "maxItems", ""),
    ):
        least, most = schema.get(low), schema.get(high)
        if least is not None and most is not None:
            bounds.append(f"{least:g} to {most:g}{unit}")
        elif most is not None:
            bounds.append(f"at most {most:g}{unit}")
        elif least:
            bounds.append(f"at least {least:g}{unit}")
    if above := schema.get("exclusiveMinimum"):
        bounds.append(f"above {above:g}")
    return f" ({', '.join(bounds)})" if bounds else ""


def _name(schema: Json) -> str:
    return str(schema.get("$ref", "")).removeprefix(_REFERENCE)


def _references(schema: Any) -> Iterator[str]:
    """Names that are referred to anywhere in a schema."""
    if isinstance(schema, dict):
        if name := _name(schema):
            yield name
        for value in schema.values():
            yield from _references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _references(value)
