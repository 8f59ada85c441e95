"""Pixels ready for a network: working images resized and cropped once, in one file that is memory-mapped."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training_job.working_images import TrainingImage, WorkingImages
from triagelens.domain.manifest import InputSpec
from triagelens.imaging.preprocess import preprocess

Pixels = NDArray[np.uint8]


def nothing() -> None:
    """What is done after an image by default."""


def load_pixels(
    images: Sequence[TrainingImage],
    working: WorkingImages,
    spec: InputSpec,
    cache: Path,
    workers: int,
    after_each: Callable[[], None] = nothing,
) -> Pixels:
    """The images (count, height, width, 3) as `preprocess` resizes and crops them, mapped from a file.

    The file is named by what is in it, and made only if it is not there yet.
    """
    raw = spec.model_copy(
        update={"dtype": "uint8", "layout": "NHWC", "scale": 1.0, "mean": [0.0] * 3, "std": [1.0] * 3}
    )
    content = "\n".join([raw.model_dump_json(), *(image.sha256 for image in images)])
    path = cache / "pixels" / f"{hashlib.sha256(content.encode()).hexdigest()}.npy"
    if not path.exists():
        _make(images, working, raw, path, workers, after_each)
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _make(
    images: Sequence[TrainingImage],
    working: WorkingImages,
    raw: InputSpec,
    path: Path,
    workers: int,
    after_each: Callable[[], None],
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    shape = (len(images), raw.height, raw.width, 3)
    pixels = np.lib.format.open_memmap(part, mode="w+", dtype=np.uint8, shape=shape)

    def fill(index: int) -> None:
        with Image.open(working.path(images[index].sha256)) as picture:
            pixels[index] = preprocess(picture, raw)[0]

    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(fill, range(len(images))):
            after_each()
    pixels.flush()
    part.replace(path)


class ModelInputs:
    """Pixels of some images as a network takes them; only what is asked for is turned into floats.

    `inputs[a:b]` is float32 (images, 3, height, width), equal to `preprocess` of the same images.
    """

    def __init__(self, pixels: Pixels, rows: NDArray[np.int64], spec: InputSpec) -> None:
        self._pixels, self._rows = pixels, rows
        mean, std = np.asarray(spec.mean), np.asarray(spec.std)
        self._gain = (spec.scale / std).astype(np.float32).reshape(3, 1, 1)
        self._offset = (-mean / std).astype(np.float32).reshape(3, 1, 1)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, places: slice) -> NDArray[np.float32]:
        chosen = self._pixels[self._rows[places]].transpose(0, 3, 1, 2)
        tensor = np.multiply(chosen, self._gain, dtype=np.float32)
        tensor += self._offset
        return np.ascontiguousarray(tensor)
