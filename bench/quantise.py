"""Static int8 quantisation of the network, calibrated on crops of the bench's own photo."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image

from bench.materials import SIDE, input_spec
from triagelens.imaging.preprocess import preprocess

if TYPE_CHECKING:
    from bench.materials import Materials

_CROPS = 8


class _Crops(CalibrationDataReader):
    """Tensors of evenly spaced crops."""

    def __init__(self, photo: Path) -> None:
        self._tensors = self._read(photo)

    def get_next(self) -> dict[str, Any] | None:
        return next(self._tensors, None)

    @staticmethod
    def _read(photo: Path) -> Iterator[dict[str, Any]]:
        with Image.open(photo) as whole:
            whole.draft("RGB", (1024, 768))
            image = whole.convert("RGB")
        for left in np.linspace(0, image.width - 2 * SIDE, _CROPS).astype(int):
            crop = image.crop((left, left // 2, left + 2 * SIDE, left // 2 + 2 * SIDE))
            yield {input_spec().name: preprocess(crop, input_spec())}


def quantise(materials: "Materials") -> None:
    """Writes the int8 model beside the float32 one; its input and outputs stay float32."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(materials.onnx), str(prepared))
        quantize_static(
            str(prepared),
            str(materials.onnx_int8),
            _Crops(materials.photo),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )
