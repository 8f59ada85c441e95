"""Prints the API's OpenAPI document: `python -m clinic_api.openapi > docs/openapi.json`."""

import json
import sys
from typing import TextIO

from clinic_api.app import create_app


def document() -> str:
    """The document as it is committed: stable order, one line feed at the end."""
    return json.dumps(create_app().openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write(out: TextIO = sys.stdout) -> None:
    out.write(document())


if __name__ == "__main__":
    write()
