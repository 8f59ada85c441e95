"""The API's reference: pages of Markdown from the OpenAPI document, one for each tag."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from docs.making.schemas import Json, Schemas, cell

_PROBLEM = "ProblemDocument"


@dataclass(frozen=True)
class Page:
    """A page of the site: its path below `docs`, its title, and its Markdown."""

    path: str
    title: str
    text: str


@dataclass(frozen=True)
class Operation:
    """One method on one path."""

    method: str
    path: str
    of: Json

    @property
    def anchor(self) -> str:
        return str(self.of["operationId"])

    @property
    def title(self) -> str:
        return str(self.of["summary"])

    @property
    def success(self) -> Iterator[tuple[str, Json]]:
        yield from ((code, one) for code, one in self.of["responses"].items() if code < "400")

    @property
    def failures(self) -> Iterator[tuple[str, Json]]:
        yield from ((code, one) for code, one in self.of["responses"].items() if code >= "400")

    @property
    def bodies(self) -> Iterator[tuple[str, Json]]:
        """Media type and content of the request and of each success."""
        yield from self.of.get("requestBody", {}).get("content", {}).items()
        for _, response in self.success:
            yield from response.get("content", {}).items()


def reference(document: Json) -> list[Page]:
    """An overview, and a page for each tag that has an operation, in the document's order."""
    schemas = Schemas(document["components"]["schemas"])
    by_tag: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, of in methods.items():
            by_tag.setdefault(of["tags"][0], []).append(Operation(method.upper(), path, of))
    told = {tag["name"]: tag["description"] for tag in document["tags"]}
    pages = [
        Page(f"api/{_slug(tag)}.md", _capital(tag), _tag_page(tag, told.get(tag, ""), operations, schemas))
        for tag, operations in by_tag.items()
        if operations
    ]
    return [Page("api/index.md", "Overview", _overview(document, by_tag, schemas)), *pages]


def _overview(document: Json, by_tag: Mapping[str, list[Operation]], schemas: Schemas) -> str:
    lines = ["# API reference", "", document["info"]["description"].strip(), ""]
    lines += [
        "These pages are made from [openapi.json](../openapi.json), which is made from the code. "
        "The client and the command `triagelens` cover the same operations.",
        "",
        "## Signing in",
        "",
        "Most operations want `Authorization: Bearer TOKEN`. "
        f"{document['components']['securitySchemes']['accessToken']['description']}.",
        "",
        "## Errors",
        "",
        schemas.table(_PROBLEM).replace(f"### {_PROBLEM}", "### The problem document"),
        *_example("Example", schemas.named[_PROBLEM]["examples"][0]),
        *(schemas.table(name) for name in schemas.used_by(schemas.named[_PROBLEM])),
        "## All operations",
        "",
    ]
    for tag, operations in by_tag.items():
        if operations:
            lines += [f"### {_capital(tag)}", "", "| method | path | what it does |", "| --- | --- | --- |"]
            page = f"{_slug(tag)}.md"
            lines += [
                f"| `{one.method}` | `{one.path}` | [{cell(one.title)}]({page}#{one.anchor}) |"
                for one in operations
            ]
            lines.append("")
    return "\n".join(lines)


def _tag_page(tag: str, told: str, operations: list[Operation], schemas: Schemas) -> str:
    parts = [f"# {_capital(tag)}", "", f"{told}.", ""]
    for operation in operations:
        parts += _section(operation, schemas)
    bodies = [content.get("schema", {}) for one in operations for _, content in one.bodies]
    if used := schemas.used_by(*bodies):
        parts += ["## Objects", "", *(schemas.table(name) for name in used)]
    return "\n".join(parts)


def _section(operation: Operation, schemas: Schemas) -> list[str]:
    of = operation.of
    lines = [f"## {operation.title} {{#{operation.anchor}}}", ""]
    lines += [f"`{operation.method} {operation.path}`{{.operation}}", "", of["description"].strip(), ""]
    if not of.get("security"):
        lines += ["No access token is needed.", ""]
    if of.get("parameters"):
        lines += ["| parameter | in | type | meaning |", "| --- | --- | --- | --- |"]
        lines += [_parameter(one, schemas) for one in of["parameters"]]
        lines.append("")
    for media, content in of.get("requestBody", {}).get("content", {}).items():
        lines += [f"**Takes** {schemas.describe(content['schema'])} as `{media}`.", ""]
        lines += _example("Example of a request", content.get("example"))
    for code, response in operation.success:
        lines += _answer(code, response, schemas)
    refusals = [f"| {code} | {cell(one['description'])} |" for code, one in operation.failures]
    lines += ['??? quote "Refusals"', "", "    | status | why |", "    | --- | --- |"]
    return [*lines, *(f"    {row}" for row in refusals), ""]


def _parameter(parameter: Json, schemas: Schemas) -> str:
    told = parameter["description"].rstrip(".")
    needed = "; required" if parameter["required"] and parameter["in"] != "path" else ""
    kind = schemas.describe(parameter["schema"])
    return f"| `{parameter['name']}` | {parameter['in']} | {cell(kind)} | {cell(told)}{needed} |"


def _answer(code: str, response: Json, schemas: Schemas) -> list[str]:
    told = response["description"].rstrip(".")
    contents = response.get("content", {})
    kinds = [f"{schemas.describe(one['schema'])} as `{media}`" for media, one in contents.items()]
    line = f"**Answers {code}**{' with ' if kinds else ''}{' or '.join(kinds)}"
    lines = [f"{line}." if told == "Successful Response" else f"{line}: {told}.", ""]
    for one in contents.values():
        lines += _example("Example of an answer", one.get("example"))
    return lines


def _example(title: str, value: Any) -> list[str]:
    """A JSON document, folded away; nothing where there is none."""
    if value is None:
        return []
    document = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    return [f'??? example "{title}"', "", "    ```json", *(f"    {line}" for line in document), "    ```", ""]


def _slug(tag: str) -> str:
    return tag.lower().replace(" ", "-")


def _capital(tag: str) -> str:
    return tag[:1].upper() + tag[1:]
