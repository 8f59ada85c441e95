"""The work that no way can do without: read the photo small, keep it as JPEG, read that, run the network."""

import io
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from triagelens.imaging.quality import WORKING_JPEG_QUALITY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from triagelens.inference.session import LoadedModel


class Limit:
    """The same decoder calls and the same session as Triagelens', with nothing around them."""

    def __init__(self, model: "LoadedModel", tensor: "NDArray[np.float32]", threads: int) -> None:
        self._session = model.session
        self._feed = {model.manifest.input.name: tensor}
        self._threads = threads

    def process(self, photo: bytes) -> None:
        cv2.setNumThreads(self._threads)
        pixels = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_REDUCED_COLOR_4)
        if pixels is None:
            raise ValueError("the photo does not decode")
        _, jpeg = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, WORKING_JPEG_QUALITY])
        with Image.open(io.BytesIO(jpeg.tobytes()), formats=["JPEG"]) as image:
            image.load()
        self._session.run(None, self._feed)
