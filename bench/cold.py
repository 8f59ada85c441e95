"""One cold start: `python -m bench.cold lean|seed FOLDER THREADS`, from a new process to its first finding.

Prints one line when the finding is there. Imports happen inside, so that each way pays for its own only.
"""

import sys
from pathlib import Path


def lean(folder: Path, threads: int) -> None:
    """Both functions' handlers in one process, from the photo to the finding."""
    from bench.lean_way import LeanWay
    from bench.materials import SPECIALTY, Materials

    materials = Materials(folder)
    way = LeanWay(materials.package(), SPECIALTY, threads)
    way.process(way.upload(materials.photo.read_bytes()))


def seed(folder: Path, threads: int) -> None:
    from bench.materials import Materials
    from bench.seed_way import SeedWay

    materials = Materials(folder)
    SeedWay(materials.weights, threads).process(materials.photo)


if __name__ == "__main__":
    ways = {"lean": lean, "seed": seed}
    ways[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
    print("first finding", flush=True)
