"""`python -m training_job`: train on images, ingest them, do a job, write phantoms, make baseline models."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from training_job.flags import add_settings, chosen_settings, explained
from triagelens.domain.specialties import SPECIALTIES

DEFAULT_OUTPUT = Path("layers/models/python/baseline_models")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("training_job").setLevel(logging.INFO)
    options = _parser().parse_args(arguments)
    if options.command == "train":
        sys.exit(train_by_hand(options))
    if options.command == "run":
        from training_job.jobs.entry import run  # needs the settings of a deployment

        sys.exit(run(options.job_id))
    if options.command == "ingest":
        sys.exit(ingest_here(options))
    if options.command == "phantoms":
        write_phantoms(options.specialty, options.count, options.seed, tuple(options.size), options.output)
    else:
        make_baselines(options.specialty, options.seed, options.output)


def train_by_hand(options: argparse.Namespace) -> int:
    """Train and tell how good the model is; the exit status."""
    from training_job.distributed import join
    from training_job.errors import TrainingError
    from training_job.run import train
    from training_job.settling import merge_settings

    try:
        config = merge_settings(options.config, chosen_settings(options), resume=options.resume)
        trained = train(config, resume=options.resume, world=join())
    except ValidationError as error:
        print(*explained(error), sep="\n", file=sys.stderr)
        return 2
    except TrainingError as error:
        print(error, file=sys.stderr)
        return 2
    if trained is None:  # the first of several processes speaks for all
        return 0
    manifest, output = trained
    figures = manifest.training.metrics if manifest.training else {}
    for name, value in figures.items():
        print(f"{name.replace('_', ' '):40} {value:.4g}")
    print(output / "manifest.json")
    return 0


def ingest_here(options: argparse.Namespace) -> int:
    """Make a snapshot and tell what is in it; the exit status."""
    from training_job.errors import TrainingError
    from training_job.ingest.by_hand import ingest_by_hand

    try:
        made = ingest_by_hand(options.source, options.output, options.into, options.group_column)
    except TrainingError as error:
        print(error, file=sys.stderr)
        return 2
    for label, sets in made.counts.items():
        print(
            f"{label:20}", *(f"{number} {name.replace('_', ' ')}" for name, number in sets.items()), sep="  "
        )
    for code, number in made.problems.items():
        print(f"left out: {number} ({code.replace('_', ' ')})")
    print(options.output / made.key)
    return 0


def write_phantoms(specialty: str, count: int, seed: int, size: tuple[int, int], output: Path) -> None:
    """Write `count` JPEG files per class into `output`/specialty/label."""
    from training_job.phantoms import photograph

    for name in _chosen(specialty):
        for label in SPECIALTIES[name].label_names:
            folder = output / name / label
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(seed, seed + count):
                (folder / f"{number:06d}.jpg").write_bytes(photograph(name, label, number, size))


def make_baselines(specialty: str, seed: int, output: Path) -> None:
    """Make the baseline models of one specialty, or of all."""
    from training_job.baseline import make_baseline  # torch is slow to load and not needed for phantoms
    from training_job.config import baseline_config

    for name in _chosen(specialty):
        make_baseline(baseline_config(name, seed), output)


def _chosen(specialty: str) -> list[str]:
    return list(SPECIALTIES) if specialty == "all" else [specialty]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training_job", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    phantoms = commands.add_parser("phantoms", help="write generated pictures, one folder per class")
    phantoms.add_argument("--count", type=int, default=10, help="pictures per class")
    phantoms.add_argument("--size", type=int, nargs=2, default=(1024, 768), metavar=("WIDTH", "HEIGHT"))
    phantoms.add_argument("--output", type=Path, required=True)
    baseline = commands.add_parser("baseline", help="train and export the baseline models")
    baseline.add_argument("--output", type=Path, default=DEFAULT_OUTPUT, help="default: %(default)s")
    add_settings(commands.add_parser("train", help="train a model on a folder of images"))
    ingest = commands.add_parser("ingest", help="make a snapshot of a folder or an archive, to train on")
    ingest.add_argument("source", type=Path, help="folder, or zip, tar or tgz archive")
    ingest.add_argument("--output", type=Path, required=True, help="folder of snapshots with one ledger")
    ingest.add_argument("--specialty", dest="into", help="found from the labels unless given")
    ingest.add_argument("--group-column", help="of metadata.csv: what belongs together")
    job = commands.add_parser("run", help="do a job of the platform")
    job.add_argument("job_id", help="of its record")
    for command in (phantoms, baseline):
        command.add_argument("--specialty", choices=[*SPECIALTIES, "all"], default="all")
        command.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    main()
