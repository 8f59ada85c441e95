"""One cold start: `python -m bench.cold WAY FOLDER THREADS`, from a new process to its first finding.

Imports happen inside the functions, so that each way pays for its own only.
"""

import io
import sys
from pathlib import Path


def lean(folder: Path, threads: int) -> None:
    """What the two functions compute: check the photo, make the working image, verify and load, predict.

    Like the other way below, without what fetches and keeps data.
    """
    from PIL import Image

    from bench.materials import Materials
    from triagelens.domain.quality import ImageLimits
    from triagelens.domain.specialties import specialty
    from triagelens.imaging.quality import assess
    from triagelens.inference.session import LoadedModel

    materials = Materials(folder)
    checked = assess(
        materials.photo.read_bytes(),
        focus_threshold=specialty("skin").focus_threshold,
        limits=ImageLimits(),
        keep_blurred=True,
    )
    if checked.working_image is None:
        raise RuntimeError(f"no working image: {checked.report}")
    model = LoadedModel.open(materials.package(), threads)
    with Image.open(io.BytesIO(checked.working_image), formats=["JPEG"]) as image:
        model.predict(image)


def handlers(folder: Path, threads: int) -> None:
    """Both functions whole, AWS clients and all, one after the other in one process."""
    from bench.lean_way import LeanWay
    from bench.materials import SPECIALTY, Materials

    materials = Materials(folder)
    way = LeanWay(materials.package(), SPECIALTY, threads)
    way.process(way.upload(materials.photo.read_bytes()))


def seed(folder: Path, threads: int) -> None:
    """The way of the servers that Triagelens replaces: import PyTorch, load weights, look at the photo."""
    from bench.materials import Materials
    from bench.seed_way import SeedWay

    materials = Materials(folder)
    SeedWay(materials.weights, threads).process(materials.photo)


if __name__ == "__main__":
    WAYS = {"lean": lean, "handlers": handlers, "seed": seed}
    WAYS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
