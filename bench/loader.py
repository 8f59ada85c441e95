"""How many training images a second come out of our loader, against torchvision's `ImageFolder`.

Both take the same JPEG files (1024 x 768, as working images are), give augmented, normalised batches of
224 x 224 pixels and have as many processes and threads. Ours has decoded every image once, before; how long
that took is told beside.
"""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter

import torch
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from bench.materials import MEAN, RESIZE_TO, SIDE, SPECIALTY, STD, input_spec
from training_job.batches import TrainingBatches, augmentation
from training_job.config import TrainConfig
from training_job.dataset import find_images
from training_job.material import Material
from training_job.phantoms import photograph
from training_job.pixels import load_pixels
from training_job.working_images import WorkingImages, take_in

LABELS = ("mel", "nv")
PER_LABEL = 64
BATCH = 32
_SIZE = (1024, 768)

Epoch = Callable[[], int]
"""Goes through all images once; gives how many there were."""


def prepare(folder: Path, per_label: int = PER_LABEL) -> Path:
    """The images, one folder per class; made only if they are not there yet."""
    images = folder / "images"
    if not images.exists():
        part = folder / "images.part"
        shutil.rmtree(part, ignore_errors=True)
        for label in LABELS:
            (part / label).mkdir(parents=True)
            for number in range(per_label):
                picture = photograph(SPECIALTY, label, number, _SIZE)
                (part / label / f"{number:03d}.jpg").write_bytes(picture)
        part.rename(images)
    return images


def ways(images: Path, cache: Path, workers: int) -> tuple[dict[str, Epoch], float]:
    """Both ways, and the seconds that filling our cache took."""
    config = TrainConfig(data_dir=images, cache_dir=cache, batch_size=BATCH, workers=workers)
    shutil.rmtree(cache, ignore_errors=True)
    begun = perf_counter()
    material = _material(config)
    taken = perf_counter() - begun
    return {"ours": _ours(config, material), "image_folder": _image_folder(config, images)}, taken


def _material(config: TrainConfig) -> Material:
    threads, working = os.cpu_count() or 1, WorkingImages(config.cache_dir)
    found, _ = take_in(find_images(config.data_dir), working, config.split_key, threads)
    return Material(
        found, LABELS, load_pixels(found, working, input_spec(), config.cache_dir, threads), input_spec()
    )


def _ours(config: TrainConfig, material: Material) -> Epoch:
    rows = material.rows("train", "validation", "held_out")
    targets = material.targets_at(rows)
    source = TrainingBatches(material.pixels, rows, targets, material.spec, config, torch.device("cpu"))
    epochs = iter(range(1_000_000))
    return lambda: _count(source.epoch(next(epochs)))


def _image_folder(config: TrainConfig, images: Path) -> Epoch:
    transform = v2.Compose(
        [
            v2.Resize(RESIZE_TO),
            v2.CenterCrop(SIDE),
            augmentation(config, [255 * value for value in MEAN]),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )
    dataset = ImageFolder(images, transform)
    return lambda: _count(DataLoader(dataset, BATCH, shuffle=True, num_workers=config.workers))


def _count(batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> int:
    return sum(len(targets) for _, targets in batches)
