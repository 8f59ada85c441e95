"""`python -m infra.local up | down | status | env | worker`: the laptop cloud from the command line."""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

from infra.local import cloud as clouds
from infra.local.environment import for_laptop_cloud, without_cloud_settings
from infra.local.server import LaptopCloudError


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    parser.add_argument("command", choices=[*COMMANDS])
    parser.add_argument("--profile", choices=["plain", "strict"], default="plain")
    parser.add_argument("--state-dir", type=Path, default=clouds.STATE_DIR)
    parser.add_argument("--until-idle", action="store_true", help="worker: stop when no job is left")
    options = parser.parse_args(arguments)
    options.left_out = leave_out_cloud_settings()
    try:
        return COMMANDS[options.command](options)
    except LaptopCloudError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def leave_out_cloud_settings() -> list[str]:
    """Take every AWS setting out of this process's own environment, and give their names."""
    left_out = sorted(set(os.environ) - set(without_cloud_settings(os.environ)))
    for name in left_out:
        del os.environ[name]
    return left_out


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
    print(exports(cloud.endpoint, cloud.api_url, cloud.certificate, options.left_out))
    return 0


def exports(endpoint: str, api_url: str, certificate: Path | None, left_out: Iterable[str]) -> str:
    """Lines for a shell, after which AWS tools and ours know the laptop cloud and no other."""
    everything = for_laptop_cloud({}, endpoint, certificate) | {"TRIAGELENS_API_URL": api_url}
    settings = {name: value for name, value in everything.items() if name.startswith(("AWS_", "TRIAGELENS_"))}
    unset = sorted({"AWS_PROFILE", *(name for name in left_out if name.isidentifier())} - set(settings))
    lines = [f"unset {' '.join(unset)}"]
    return "\n".join([*lines, *(f"export {name}={shlex.quote(value)}" for name, value in settings.items())])


def worker(options: argparse.Namespace) -> int:
    """Do the laptop cloud's training jobs until Ctrl-C."""
    from infra.local import batch_worker  # the other commands need nothing of the library

    cloud = clouds.running(options.profile, options.state_dir)
    if cloud is None:
        print("the laptop cloud is not up: make cloud-up", file=sys.stderr)
        return 1
    launcher = batch_worker.TrainingEnvironment.of(cloud)
    os.environ.update(for_laptop_cloud({}, cloud.endpoint, cloud.certificate))
    with batch_worker.only_worker(Path(cloud.server.folder)):
        clouds.progress("waiting for training jobs; Ctrl-C ends it")
        try:
            batch_worker.worker_of(cloud, launcher).work(until_idle=options.until_idle)
        except KeyboardInterrupt:
            clouds.progress("the worker stops; what it was at is left for the next one")
    return 0


COMMANDS = {"up": up, "down": down, "status": status, "env": env, "worker": worker}

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
