"""`python -m bench`: runs everything, shows a table, writes build/bench.json."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.materials import Materials

REPORT = Path("build/bench.json")
AIMS = {
    "speedup_vs_seed_way": ("at least", 4.0),
    "speedup_vs_seed_way_int8": ("at least", 5.5),
    "overhead_vs_limit": ("at most", 1.10),
    "cold_speedup": ("at least", 12.0),
    "loader_speedup": ("at least", 2.0),
    "explanation_share": ("at most", 0.05),
}
COLD_WAYS = ("lean", "handlers", "seed")
_COLD_LIMIT_S = 300


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="warm rounds; each runs every way once")
    parser.add_argument("--cold-rounds", type=int, default=5)
    parser.add_argument("--explanation-rounds", type=int, default=100, help="predictions with and without")
    parser.add_argument("--loader-rounds", type=int, default=5, help="epochs of each way to load images")
    parser.add_argument(
        "--threads", type=int, default=2, help="for every way; a function of 1,769 MB has one"
    )
    options = parser.parse_args()
    _pin_threads(options.threads)

    from bench import explanation
    from bench.materials import prepare

    print("making the photo and the network", file=sys.stderr)
    materials = prepare()
    ways = _warm_ways(materials, options.threads)
    print(f"{options.rounds} warm rounds", file=sys.stderr)
    warm = interleaved(ways, options.rounds, warm_up=2)
    print(f"{options.explanation_rounds} rounds with and without evidence", file=sys.stderr)
    pairs = interleaved(explanation.ways(materials, options.threads), options.explanation_rounds, warm_up=5)
    print(f"{options.cold_rounds} cold rounds", file=sys.stderr)
    starts = {way: _cold_start(way, materials.folder, options.threads) for way in COLD_WAYS}
    cold = interleaved(starts, options.cold_rounds, warm_up=1)
    print(f"{options.loader_rounds} loader rounds", file=sys.stderr)
    report = report_of(warm, cold, options.threads) | explanation.report(pairs)
    report |= _loaders(options.loader_rounds, options.threads)
    REPORT.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    _show(report)


def _pin_threads(threads: int) -> None:
    """Before any library is imported that reads them."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)


def _warm_ways(materials: "Materials", threads: int) -> Mapping[str, Callable[[], object]]:
    """Every way, ready to be called again and again."""
    from PIL import Image

    from bench.lean_way import LeanWay
    from bench.limit import Limit
    from bench.materials import SPECIALTY, input_spec
    from bench.seed_way import SeedWay
    from triagelens.imaging.preprocess import preprocess
    from triagelens.inference.session import LoadedModel

    photo = materials.photo.read_bytes()
    lean = LeanWay(materials.package(), SPECIALTY, threads)
    lean_int8 = LeanWay(materials.package(int8=True), SPECIALTY, threads)
    seed = SeedWay(materials.weights, threads)
    with Image.open(materials.photo) as image:
        tensor = preprocess(image, input_spec())
    limit = Limit(LoadedModel.open(materials.package(), threads), tensor, threads)
    return {
        "lean": lambda: lean.process(lean.upload(photo)),
        "lean_int8": lambda: lean_int8.process(lean_int8.upload(photo)),
        "limit": lambda: limit.process(photo),
        "seed": lambda: seed.process(materials.photo),
    }


def _loaders(rounds: int, threads: int) -> dict[str, Any]:
    """Training images per second, ours and `ImageFolder`'s; each in this process alone."""
    import torch

    from bench import loader

    torch.set_num_threads(threads)
    folder = REPORT.parent / "bench"
    ways, prepared_s = loader.ways(loader.prepare(folder), folder / "training-cache", workers=0)
    taken = interleaved(ways, rounds, warm_up=1)
    return loader_report(taken, len(loader.LABELS) * loader.PER_LABEL, prepared_s)


def _cold_start(way: str, folder: Path, threads: int) -> Callable[[], None]:
    """A new process until its first finding."""
    command = [sys.executable, "-m", "bench.cold", way, str(folder), str(threads)]
    # Every way finds its modules compiled after the first start, whatever this shell says.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

    def start() -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=_COLD_LIMIT_S, env=environment)

    return start


def interleaved(
    ways: Mapping[str, Callable[[], object]], rounds: int, warm_up: int
) -> dict[str, list[float]]:
    """Milliseconds of each way in each round; the order turns from round to round."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    names = list(ways)
    for turn in range(-warm_up, rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            begun = time.perf_counter()
            ways[name]()
            if turn >= 0:
                taken[name].append((time.perf_counter() - begun) * 1000)
    return taken


def report_of(warm: dict[str, list[float]], cold: dict[str, list[float]], threads: int) -> dict[str, Any]:
    """Ratios of medians, and the medians in milliseconds."""
    warm_ms = {name: statistics.median(times) for name, times in warm.items()}
    cold_ms = {name: statistics.median(times) for name, times in cold.items()}
    return {
        "speedup_vs_seed_way": round(warm_ms["seed"] / warm_ms["lean"], 2),
        "speedup_vs_seed_way_int8": round(warm_ms["seed"] / warm_ms["lean_int8"], 2),
        "overhead_vs_limit": round(warm_ms["lean"] / warm_ms["limit"], 3),
        "cold_speedup": round(cold_ms["seed"] / cold_ms["lean"], 2),
        "cold_speedup_whole_handlers": round(cold_ms["seed"] / cold_ms["handlers"], 2),
        "warm_ms": {name: round(value, 1) for name, value in warm_ms.items()},
        "cold_ms": {name: round(value) for name, value in cold_ms.items()},
        "warm_rounds": len(warm["lean"]),
        "cold_rounds": len(cold["lean"]),
        "threads": threads,
        "cpus": os.cpu_count(),
    }


def loader_report(taken: Mapping[str, list[float]], images: int, prepared_s: float) -> dict[str, Any]:
    """Images per second from milliseconds per epoch, as medians; what preparing cost is told beside."""
    speed = {way: images / statistics.median(times) * 1000 for way, times in taken.items()}
    return {
        "loader_speedup": round(speed["ours"] / speed["image_folder"], 2),
        "loader_images_per_s": {way: round(value, 1) for way, value in speed.items()},
        "loader_prepared_s": round(prepared_s, 2),
    }


def _show(report: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Figure", "Measured", "Aim")
    for name, (word, aim) in AIMS.items():
        table.add_row(name, f"{report[name]}", f"{word} {aim}")
    for kind in ("warm_ms", "cold_ms", "explanation_ms", "loader_images_per_s"):
        for way, value in report[kind].items():
            table.add_row(f"{kind} {way}", f"{value}", "")
    Console().print(table)


if __name__ == "__main__":
    main()
