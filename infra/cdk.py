"""`python -m infra.cdk ARGUMENTS`: the pinned CDK command line, on the Node that pip brought."""

import os
import sys

from infra import NODE_BIN
from infra.config import ROOT
from infra.local.tools import cdk_command


def main(arguments: list[str]) -> None:
    """Become the CDK command; everything else of the environment, credentials too, is the caller's."""
    os.chdir(ROOT)
    command = [*cdk_command(), *arguments]
    path = os.pathsep.join([NODE_BIN, os.environ.get("PATH", os.defpath)])
    os.execve(command[0], command, os.environ | {"PATH": path})  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
