"""The operations of the AWS command that the documentation uses, for a machine without it.

    python -m tests.e2e.whole_stack.written.aws SERVICE OPERATION [--option VALUE ...]

Operations, options and queries are those of botocore, which the AWS command has them from.
"""

import base64
import json
import sys

import boto3
import jmespath  # type: ignore[import-untyped]
from botocore import xform_name

OUTPUT, QUERY = "--output", "--query"


def main(service: str, operation: str, *words: str) -> None:
    """Asks what the words say, all pages of it, and prints the answer."""
    given = dict(zip(words[::2], words[1::2], strict=True))
    query, output = given.pop(QUERY, "@"), given.pop(OUTPUT, "json")
    client, method = boto3.client(service), operation.replace("-", "_")  # type: ignore[call-overload]
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).input_shape
    names = {f"--{xform_name(member, '-')}": member for member in shape.members}
    asked = {names[option]: value for option, value in given.items()}
    if client.can_paginate(method):
        answer = client.get_paginator(method).paginate(**asked).build_full_result()
    else:
        answer = getattr(client, method)(**asked)
    found = jmespath.search(query, answer)
    text = base64.b64encode(found).decode() if isinstance(found, bytes) else found
    print(text if output == "text" else json.dumps(text, indent=4, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
