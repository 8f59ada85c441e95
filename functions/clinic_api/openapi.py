"""Writes the OpenAPI document: `python -m clinic_api.openapi [FILE]`, `docs/openapi.json` by default."""

import json
import sys
from pathlib import Path

from clinic_api.app import create_app

FILE = Path("docs/openapi.json")


def document() -> str:
    """The document as it is committed: stable order, one line feed at the end."""
    return json.dumps(create_app().openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> None:
    file = Path(arguments[0]) if arguments else FILE
    file.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
