"""Preprocessing against hand-computed values and, for point sampling, against OpenCV."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError

from triagelens.domain.manifest import InputSpec
from triagelens.imaging.preprocess import preprocess, shortest_side_size


def spec(**changes: Any) -> InputSpec:
    raw: dict[str, Any] = {"name": "input", "height": 8, "width": 8, "resize": "stretch", "scale": 1.0}
    return InputSpec.model_validate(raw | changes)


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_an_image_of_the_right_size_is_only_normalised_and_laid_out() -> None:
    pixels = noise(8, 8)
    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    tensor = preprocess(Image.fromarray(pixels), spec(scale=1 / 255, mean=mean, std=std))
    expected = ((pixels / 255 - mean) / std).transpose(2, 0, 1)[np.newaxis]
    assert tensor.shape == (1, 3, 8, 8)
    assert tensor.dtype == np.float32
    np.testing.assert_allclose(tensor, expected, atol=1e-6)


def test_mean_and_std_belong_to_the_channels_in_the_order_of_the_model() -> None:
    image = Image.new("RGB", (8, 8), (10, 20, 40))
    tensor = preprocess(image, spec(channel_order="BGR", mean=[1.0, 2.0, 3.0], std=[1.0, 2.0, 7.0]))
    assert tensor[0, :, 0, 0].tolist() == [39.0, 9.0, 1.0]


def test_nhwc_keeps_channels_last() -> None:
    pixels = noise(8, 8)
    tensor = preprocess(Image.fromarray(pixels), spec(layout="NHWC"))
    np.testing.assert_array_equal(tensor, pixels[np.newaxis].astype(np.float32))


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("order", ["RGB", "BGR"])
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_every_tensor_is_contiguous_and_of_the_type_asked_for(layout: str, order: str, dtype: str) -> None:
    tensor = preprocess(
        Image.fromarray(noise(30, 40)), spec(layout=layout, channel_order=order, dtype=dtype, height=9)
    )
    assert tensor.shape == ((1, 3, 9, 8) if layout == "NCHW" else (1, 9, 8, 3))
    assert tensor.dtype == np.dtype(dtype)
    assert tensor.flags.c_contiguous


def test_uint8_input_takes_the_raw_levels() -> None:
    pixels = noise(8, 8)
    tensor = preprocess(Image.fromarray(pixels), spec(dtype="uint8", layout="NHWC"))
    np.testing.assert_array_equal(tensor[0], pixels)


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGBA", "P"])
def test_images_of_other_modes_are_read_as_rgb(mode: str) -> None:
    tensor = preprocess(Image.new("RGB", (8, 8), (0, 0, 0)).convert(mode), spec())
    assert tensor.shape == (1, 3, 8, 8)
    assert not tensor.any()


@pytest.mark.parametrize(
    ("size", "shortest", "expected"),
    [
        ((1024, 768), 256, (341, 256)),  # 341.33 is cut off
        ((768, 1024), 256, (256, 341)),
        ((1000, 667), 256, (383, 256)),  # 383.8 is cut off, not rounded
        ((300, 300), 224, (224, 224)),
    ],
)
def test_the_long_side_is_cut_off_as_torchvision_does(
    size: tuple[int, int], shortest: int, expected: tuple[int, int]
) -> None:
    assert shortest_side_size(size, shortest) == expected


def test_the_centre_crop_rounds_half_to_even() -> None:
    ramp = np.broadcast_to(np.arange(13, dtype=np.uint8)[None, :, None], (8, 13, 3))
    tensor = preprocess(Image.fromarray(np.ascontiguousarray(ramp)), spec(resize="shortest_side"))
    assert tensor[0, 0, 0].tolist() == [2, 3, 4, 5, 6, 7, 8, 9]  # (13 - 8) / 2 = 2.5 -> 2


def test_resize_to_leaves_a_margin_that_the_crop_removes() -> None:
    pixels = noise(16, 16)
    tensor = preprocess(
        Image.fromarray(pixels), spec(resize="shortest_side", resize_to=16, layout="NHWC", dtype="uint8")
    )
    np.testing.assert_array_equal(tensor[0], pixels[4:12, 4:12])


def test_antialiased_halving_is_the_triangle_filter() -> None:
    row = np.zeros((16, 16, 3), np.uint8)
    row[:, 6] = 160
    tensor = preprocess(Image.fromarray(row), spec(interpolation="bilinear", antialias=True))
    # Triangle of half-width 2 source pixels at centres 2i + 1: weights 1/8, 3/8, 3/8, 1/8.
    assert tensor[0, 0, 0].tolist() == [0, 0, 20, 60, 0, 0, 0, 0]


def test_without_antialiasing_pixels_between_the_sample_points_are_not_seen() -> None:
    row = np.zeros((32, 32, 3), np.uint8)
    row[:, 4::4] = 200  # bilinear at 1/4 looks at pixels 4i + 1 and 4i + 2 only
    image = Image.fromarray(row)
    assert not preprocess(image, spec(interpolation="bilinear", antialias=False)).any()
    assert preprocess(image, spec(interpolation="bilinear", antialias=True)).any()


@pytest.mark.parametrize(
    ("interpolation", "flag"), [("bilinear", cv2.INTER_LINEAR), ("bicubic", cv2.INTER_CUBIC)]
)
@pytest.mark.parametrize("source", [(61, 83), (480, 640), (5, 6)])
def test_point_sampling_agrees_with_opencv(interpolation: str, flag: int, source: tuple[int, int]) -> None:
    pixels = noise(*source)
    wanted = spec(
        interpolation=interpolation, antialias=False, height=24, width=32, layout="NHWC", dtype="uint8"
    )
    tensor = preprocess(Image.fromarray(pixels), wanted)
    expected = cv2.resize(pixels, (32, 24), interpolation=flag)
    assert np.abs(tensor[0].astype(int) - expected).max() <= 1  # OpenCV's weights have 11 bits


def test_nearest_takes_the_pixel_under_the_centre() -> None:
    ramp = np.broadcast_to(np.arange(24, dtype=np.uint8)[None, :, None], (24, 24, 3))
    tensor = preprocess(Image.fromarray(np.ascontiguousarray(ramp)), spec(interpolation="nearest"))
    assert tensor[0, 0, 0].tolist() == [1, 4, 7, 10, 13, 16, 19, 22]


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_a_flat_image_stays_flat(interpolation: str) -> None:
    tensor = preprocess(Image.new("RGB", (37, 53), (7, 130, 255)), spec(interpolation=interpolation))
    for channel, level in enumerate((7, 130, 255)):
        assert (tensor[0, channel] == level).all()


def test_bicubic_overshoot_is_clipped_to_eight_bits() -> None:
    edge = np.zeros((11, 11, 3), np.uint8)
    edge[:, 5:] = 255
    tensor = preprocess(Image.fromarray(edge), spec(interpolation="bicubic", antialias=False))
    assert tensor.min() == 0
    assert tensor.max() == 255


def test_lanczos_without_antialiasing_is_refused_in_the_manifest() -> None:
    with pytest.raises(ValidationError, match="lanczos"):
        spec(interpolation="lanczos", antialias=False)
