"""`python -m infra.local up | down | status | env`: the laptop cloud from the command line."""

import argparse
import json
import os
import shlex
import sys
from pathlib import Path

from infra.local import cloud as clouds
from infra.local.environment import credentials, without_cloud_settings
from infra.local.server import LaptopCloudError


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status", "env"])
    parser.add_argument("--profile", choices=["plain", "strict"], default="plain")
    parser.add_argument("--state-dir", type=Path, default=clouds.STATE_DIR)
    options = parser.parse_args(arguments)
    leave_out_cloud_settings()
    try:
        return COMMANDS[options.command](options)
    except LaptopCloudError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def leave_out_cloud_settings() -> None:
    """Take every AWS setting out of this process's own environment."""
    clean = without_cloud_settings(os.environ)
    for name in set(os.environ) - set(clean):
        del os.environ[name]


def up(options: argparse.Namespace) -> int:
    cloud = clouds.start(options.profile, options.state_dir)
    print(json.dumps({"Endpoint": cloud.endpoint, **cloud.outputs}, indent=2))
    return 0


def down(options: argparse.Namespace) -> int:
    stopped = clouds.stop(options.profile, options.state_dir)
    print("the laptop cloud is down" if stopped else "the laptop cloud was not up")
    return 0


def status(options: argparse.Namespace) -> int:
    cloud = clouds.running(options.profile, options.state_dir)
    if cloud is None:
        print("the laptop cloud is not up")
        return 1
    print(f"up: process {cloud.server.pid}, {cloud.endpoint}\nAPI: {cloud.api_url}\nlog: {cloud.server.log}")
    return 0


def env(options: argparse.Namespace) -> int:
    cloud = clouds.running(options.profile, options.state_dir)
    if cloud is None:
        print("the laptop cloud is not up", file=sys.stderr)
        return 1
    settings = credentials(cloud.endpoint) | {"TRIAGELENS_API_URL": cloud.api_url}
    if cloud.certificate:
        settings["AWS_CA_BUNDLE"] = str(cloud.certificate)
    print("unset AWS_PROFILE AWS_SESSION_TOKEN")
    for name, value in settings.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


COMMANDS = {"up": up, "down": down, "status": status, "env": env}

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
