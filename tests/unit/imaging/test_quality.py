"""`assess` through its door: verdicts, reports, the working image, and files that lie."""

import io
import struct
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from triagelens.domain.quality import ImageLimits, QualityReport
from triagelens.imaging.quality import Assessment, assess

Encode = Callable[..., bytes]
THRESHOLD = 10.0
FORMATS = ["JPEG", "PNG", "WEBP", "BMP"]


def check(data: bytes, limits: ImageLimits, **options: bool) -> Assessment:
    return assess(data, focus_threshold=THRESHOLD, limits=limits, **options)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_sharp_image_is_accepted_and_reported_in_full(
    kind: str, scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    assessment = check(encode(scene.resize((1500, 1125), Image.Resampling.NEAREST), kind), limits)
    report = assessment.report
    assert (report.verdict, report.reasons) == ("accepted", ())
    assert (report.width, report.height) == (1500, 1125)
    assert (report.working_width, report.working_height) == (1024, 768)
    assert (report.format, report.content_type) == (kind.lower(), f"image/{kind.lower()}")
    assert report.focus_threshold == THRESHOLD
    assert report.focus_score is not None
    assert report.focus_score > THRESHOLD
    assert list(report.timings_ms) == ["header", "decode", "focus", "exposure", "encode"]
    assert assessment.working_image is not None
    working = Image.open(io.BytesIO(assessment.working_image))
    assert (working.format, working.mode, working.size) == ("JPEG", "RGB", (1024, 768))


def test_the_focus_score_is_the_variance_of_the_laplacian_of_the_grey_working_image(
    scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    report = check(encode(scene, "PNG"), limits).report
    grey = cv2.cvtColor(np.asarray(scene), cv2.COLOR_RGB2GRAY)
    assert report.focus_score == pytest.approx(cv2.Laplacian(grey, cv2.CV_64F).var(), rel=1e-6)


def test_a_blurred_image_is_rejected_with_figures_and_advice(
    scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    assessment = check(encode(scene.filter(ImageFilter.GaussianBlur(8)), "JPEG"), limits)
    assert assessment.report.verdict == "rejected"
    assert assessment.working_image is None
    (reason,) = assessment.report.reasons
    assert (reason.code, reason.severity, reason.threshold) == ("blurred", "reject", THRESHOLD)
    assert reason.value == assessment.report.focus_score
    assert "Hold the camera still" in reason.message


def test_noise_does_not_make_a_blurred_image_sharp(
    scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    soft = np.asarray(scene.filter(ImageFilter.GaussianBlur(8)), np.float64)
    grain = np.random.default_rng(5).normal(0, 6, soft.shape)
    noisy = Image.fromarray(np.clip(soft + grain, 0, 255).astype(np.uint8))
    report = check(encode(noisy, "PNG"), limits).report
    assert report.focus_score is not None
    assert report.focus_score > 10 * THRESHOLD
    (reason,) = report.reasons
    assert (reason.code, reason.value) == ("blurred", report.detail_score)
    assert "noise" in reason.message


def test_a_training_upload_keeps_its_working_image_with_the_verdict(
    scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    blurred = encode(scene.filter(ImageFilter.GaussianBlur(8)), "JPEG")
    assessment = check(blurred, limits, keep_blurred=True)
    assert assessment.report.verdict == "rejected"
    assert assessment.working_image is not None
    assert check(b"not an image", limits, keep_blurred=True).working_image is None


def test_a_warning_does_not_reject(scene: Image.Image, encode: Encode, limits: ImageLimits) -> None:
    dim = scene.point(lambda level: level * 0.35)
    report = check(encode(dim, "PNG"), limits).report
    assert report.verdict == "accepted"
    assert [(reason.code, reason.severity) for reason in report.reasons] == [("too_dark", "warn")]


def test_an_unreadable_file_is_an_answer_not_an_exception(limits: ImageLimits) -> None:
    assessment = check(b"", limits)
    assert assessment.working_image is None
    (reason,) = assessment.report.reasons
    assert (assessment.report.verdict, reason.code) == ("rejected", "empty_file")
    measured = assessment.report.model_dump(exclude={"verdict", "reasons", "timings_ms"})
    assert set(measured.values()) == {None}


@pytest.mark.parametrize(
    ("orientation", "size"), [(1, (320, 240)), (3, (320, 240)), (6, (240, 320)), (8, (240, 320))]
)
def test_sizes_are_those_of_the_upright_image(
    orientation: int, size: tuple[int, int], scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    report = check(encode(scene, "JPEG", exif=exif.tobytes()), limits).report
    assert (report.width, report.height) == size
    assert (report.working_width, report.working_height) == size


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_no_metadata_survives(kind: str, scene: Image.Image, encode: Encode, limits: ImageLimits) -> None:
    secret = b"52.5200N-13.4050E-SerialNo-4711"
    exif = Image.Exif()
    exif[0x010F] = secret.decode()
    exif.get_ifd(0x8825)[0x001D] = secret.decode()
    options = {"exif": exif.tobytes(), "icc_profile": b"\0" * 128 + secret, "xmp": b"<x>" + secret + b"</x>"}
    data = encode(scene, kind, **options, **({"comment": secret} if kind == "JPEG" else {}))
    assert data.count(secret) >= (1 if kind == "PNG" else 3)  # Pillow packs some of PNG's metadata
    working = check(data, limits).working_image
    assert working is not None
    assert secret not in working
    image = Image.open(io.BytesIO(working))
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert not image.getexif()


@pytest.mark.parametrize("longest", [320, 512, 1024])
def test_a_small_image_is_judged_by_its_own_pixels(
    longest: int, scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    """The same threshold at the image's own size: sharp passes, three of its own pixels of blur do not."""
    small = scene.resize((longest, longest * 3 // 4), Image.Resampling.NEAREST)
    assert check(encode(small, "PNG"), limits).report.verdict == "accepted"
    soft = small.filter(ImageFilter.GaussianBlur(6))
    assert check(encode(soft, "PNG"), limits).report.verdict == "rejected"


def sound(report: QualityReport) -> bool:
    """Whether a report of any file at all is one that the platform can keep."""
    return report.verdict == "accepted" or any(reason.severity == "reject" for reason in report.reasons)


@settings(max_examples=150)
@given(
    head=st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x40\0\0\0WEBPVP8 ", b"BM"]),
    tail=st.binary(max_size=400),
)
def test_random_bytes_are_refused(head: bytes, tail: bytes) -> None:
    assessment = check(head + tail, ImageLimits())
    assert assessment.report.verdict == "rejected"
    assert sound(assessment.report)


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused(
    kind: str, position: float, scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    data = encode(scene, kind)
    assert check(data[: int(len(data) * position)], limits).report.verdict == "rejected"


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1, max_size=8)
)
def test_flipped_bits_never_raise(
    kind: str,
    flips: list[tuple[float, int]],
    scene: Image.Image,
    encode: Encode,
    limits: ImageLimits,
) -> None:
    data = bytearray(encode(scene.resize((96, 72)), kind))
    for position, bit in flips:
        data[int(len(data) * position)] ^= 1 << bit
    assert sound(check(bytes(data), limits).report)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_flipped_header_bits_never_raise(
    kind: str, scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    """Every single bit of the first bytes, where sizes and types are."""
    data = encode(scene.resize((96, 72)), kind)
    for bit in range(8 * 64):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        assert sound(check(bytes(damaged), limits).report), f"bit {bit}"


def test_a_jpeg_whose_sizes_disagree_inside_is_refused(
    scene: Image.Image, encode: Encode, limits: ImageLimits
) -> None:
    data = bytearray(encode(scene, "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 2400, 320)  # ten times as many rows as there are
    assert check(bytes(data), limits).report.reasons[0].code == "corrupt"
