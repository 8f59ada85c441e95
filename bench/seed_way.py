"""The way of the systems that Triagelens replaces, as their texts describe it, in PyTorch.

Blur: the whole photo decoded, grey, variance of the float64 Laplacian at full size. Then the same file
decoded whole again, resized, cropped, normalised, and through an eager ResNet50.
"""

from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torchvision import transforms

from bench.materials import MEAN, RESIZE_TO, SIDE, STD
from bench.network import network


class SeedWay:
    """Both steps, warm.

    Args:
        weights: state of the network.
        threads: of PyTorch and OpenCV.
    """

    def __init__(self, weights: Path, threads: int) -> None:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
        self._threads = threads
        self._network = network()
        self._network.load_state_dict(torch.load(weights, weights_only=True))
        self._transform = transforms.Compose(
            [
                transforms.Resize(RESIZE_TO),
                transforms.CenterCrop(SIDE),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def process(self, photo: Path) -> tuple[float, list[float]]:
        """Blur score and probabilities, in the order of the labels."""
        cv2.setNumThreads(self._threads)
        pixels = cv2.imread(str(photo))
        if pixels is None:
            raise ValueError(f"{photo} is not an image")
        grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
        score = float(np.var(cv2.Laplacian(grey, cv2.CV_64F)))
        with Image.open(photo) as file:
            image = file.convert("RGB")
        with torch.no_grad():
            logits = self._network(self._transform(image).unsqueeze(0))
            likely = torch.softmax(logits, dim=1)[0]
        return score, likely.tolist()
