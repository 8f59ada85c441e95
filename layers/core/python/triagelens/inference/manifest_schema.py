"""The manifest's JSON schema.

`python -m triagelens.inference.manifest_schema > docs/manifest.schema.json` renews the committed copy.
"""

import json
import sys

from triagelens.domain.manifest import Manifest


def manifest_schema() -> str:
    """JSON schema (draft 2020-12) of `manifest.json`, indented, with a final newline."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Manifest.model_json_schema(mode="validation"),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(manifest_schema())
