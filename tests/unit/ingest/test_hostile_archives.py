"""What nobody should send: each archive is refused for a clear reason, or loses just the bad file."""

import gzip
import io
import stat
import tarfile
import tracemalloc
import zipfile
from dataclasses import dataclass

import pytest

from tests import archives as make
from tests.archives import GOOD, picture
from tests.unit.imaging.files import png
from training_job.arrangement import DatasetError, Problem
from training_job.ingest.archives import members_of
from training_job.ingest.candidates import arranged
from training_job.ingest.intake import take_in
from training_job.ingest.making import Candidate, Origin, choose
from training_job.ingest.members import ArchiveLimits, RefusedArchiveError

LIMITS = ArchiveLimits(
    most_files=50,
    most_bytes=8_000_000,
    most_ratio=20,
    free_bytes=2_000_000,
    most_file_bytes=1_000_000,
    most_header_bytes=100_000,
)
MEMORY = 12_000_000  # bytes that reading any of these may take
CSV = "image_id,image_path,label\n"


@dataclass
class Kept:
    images: dict[str, bytes]

    def __call__(self, sha256: str, data: bytes) -> None:
        self.images[sha256] = data


def taken(data: bytes) -> tuple[list[Candidate], list[Problem]]:
    """Candidates that are chosen, and all problems."""
    kept = Kept({})
    intake = take_in(members_of(io.BytesIO(data), LIMITS), kept, 1, lambda _: None)
    candidates, problems = arranged(intake, str, None, "the archive")
    assert {candidate.sha256 for candidate in candidates} <= kept.images.keys()
    chosen, left_out = choose(candidates, Origin("skin"))
    return [candidate for candidate, _ in chosen], [*left_out, *problems]


def table(*rows: str, columns: str = CSV) -> bytes:
    return make.zipped({"metadata.csv": "\n".join([columns.strip(), *rows]).encode()})


DEEP = "mel/" + "a/" * 30 + "bad.jpg"
LINK, DEVICE = make.special(stat.S_IFLNK), make.special(stat.S_IFBLK)
BAD = picture(3)

# name -> (archive, the bad file, the problem's code); all other files come in.
ONE_BAD_FILE: dict[str, tuple[bytes, str, str]] = {
    "zip slip": (make.zipped({"../bad.jpg": BAD}), "../bad.jpg", "leads_out"),
    "zip slip in the middle": (make.zipped({"mel/../../bad.jpg": BAD}), "mel/../../bad.jpg", "leads_out"),
    "zip slip with backslashes": (make.zip_named(rb"mel\..\..\bad.jpg"), "mel/../../bad.jpg", "leads_out"),
    "absolute path in a zip": (make.zipped({"/etc/bad.jpg": BAD}), "/etc/bad.jpg", "leads_out"),
    "drive letter in a zip": (make.zipped({"C:/bad.jpg": BAD}), "C:/bad.jpg", "leads_out"),
    "symbolic link in a zip": (
        make.zip_info(content=b"/etc/passwd", external_attr=LINK),
        "mel/bad.jpg",
        "link",
    ),
    "device in a zip": (make.zip_info(external_attr=DEVICE), "mel/bad.jpg", "special_file"),
    "encrypted file": (make.encrypted_zip(), "mel/bad.jpg", "encrypted"),
    "bzip2 inside a zip": (
        make.zip_info(compress_type=zipfile.ZIP_BZIP2),
        "mel/bad.jpg",
        "compression",
    ),
    "lzma inside a zip": (make.zip_info(compress_type=zipfile.ZIP_LZMA), "mel/bad.jpg", "compression"),
    "zero byte in a name": (make.zip_named(b"mel/bad.jpg\0.txt"), "mel/bad.jpg\ufffd.txt", "name_unsafe"),
    "terminal codes in a name": (make.zip_named(b"mel/\x1b[2Jb.jpg"), "mel/\ufffd[2Jb.jpg", "name_unsafe"),
    "name in Latin-1": (make.zip_named(b"mel/caf\xe9.jpg"), "mel/caf\u0398.jpg", "name_not_utf8"),
    "name too long": (make.zipped({f"mel/{'x' * 600}.jpg": BAD}), f"mel/{'x' * 496}", "name_unsafe"),
    "folders too deep": (make.zipped({DEEP: BAD}), DEEP, "name_unsafe"),
    "changed content": (make.zip_with_changed_content(), "mel/bad.jpg", "damaged"),
    "size too small by its own word": (make.zip_with_lying_size(100), "mel/bad.jpg", "damaged"),
    "zip in a zip": (make.zipped({"mel/more.zip": make.zipped()}), "mel/more.zip", "nested_archive"),
    "zip called jpg": (make.zipped({"mel/bad.jpg": make.zipped()}), "mel/bad.jpg", "nested_archive"),
    "7-Zip in a zip": (
        make.zipped({"mel/more.7z": b"7z\xbc\xaf\x27\x1c" + bytes(99)}),
        "mel/more.7z",
        "nested_archive",
    ),
    "file too large": (make.zip_info(content=bytes(range(256)) * 5000), "mel/bad.jpg", "too_many_bytes"),
    "text called jpg": (make.zipped({"mel/bad.jpg": b"not a photo"}), "mel/bad.jpg", "not_an_image"),
    "GIF called jpg": (
        make.zipped({"mel/bad.jpg": picture(3, "GIF")}),
        "mel/bad.jpg",
        "unsupported_format",
    ),
    "empty image": (make.zipped({"mel/bad.jpg": b""}), "mel/bad.jpg", "empty_file"),
    "half an image": (make.zipped({"mel/bad.jpg": BAD[: len(BAD) // 2]}), "mel/bad.jpg", "truncated"),
    "image that claims 3600 megapixels": (
        make.zipped({"mel/bad.png": png(60_000, 60_000)}),
        "mel/bad.png",
        "too_many_pixels",
    ),
    "image without a label": (make.zipped({"bad.jpg": BAD}), "bad.jpg", "no_label"),
    "unknown label": (make.zipped({"wart/bad.jpg": BAD}), "wart/bad.jpg", "unknown_label"),
    "copy of an image": (make.zipped({"nv/z.jpg": GOOD["nv/good.jpg"]}), "nv/z.jpg", "copy"),
    "slip in a tar": (make.tar_with("../bad.jpg", BAD), "../bad.jpg", "leads_out"),
    "absolute path in a tar": (make.tar_with("/etc/bad.jpg", BAD), "/etc/bad.jpg", "leads_out"),
    "symbolic link in a tar": (
        make.tar_with("mel/bad.jpg", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        "mel/bad.jpg",
        "link",
    ),
    "hard link in a tar": (
        make.tar_with("mel/bad.jpg", type=tarfile.LNKTYPE, linkname="nv/good.jpg"),
        "mel/bad.jpg",
        "link",
    ),
    "device in a tar": (
        make.tar_with("mel/bad.jpg", type=tarfile.CHRTYPE, devmajor=1, devminor=5),
        "mel/bad.jpg",
        "special_file",
    ),
    "pipe in a tgz": (
        make.tar_with("mel/bad.jpg", mode="w:gz", type=tarfile.FIFOTYPE),
        "mel/bad.jpg",
        "special_file",
    ),
    "name in a tar that is not UTF-8": (
        make.tar_then(
            make.raw_header(b"mel/\xff\xfe.jpg", b"%011o" % len(BAD)),
            BAD + bytes(-len(BAD) % 512),
            bytes(1024),
        ),
        "mel/\ufffd\ufffd.jpg",
        "name_not_utf8",
    ),
    "tar in a tar": (make.tar_with("mel/more.tar", make.tarred()), "mel/more.tar", "nested_archive"),
    "path that comes twice": (make.tar_with("mel/good.jpg", BAD), "mel/good.jpg", "named_twice"),
    "sparse file": (
        make.tar_with("mel/bad.jpg", BAD, pax_headers={"GNU.sparse.major": "1", "GNU.sparse.size": "9"}),
        "mel/bad.jpg",
        "special_file",
    ),
}

REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing at all": (b"", "is empty"),
    "single image": (BAD, "a single image"),
    "web page": (b"<!doctype html><title>403</title>" * 30, "no archive"),
    "random bytes": (bytes(range(256)) * 9, "no archive"),
    "7-Zip archive": (b"7z\xbc\xaf\x27\x1c" + bytes(600), "7-Zip"),
    "RAR archive": (b"Rar!\x1a\x07\x00" + bytes(600), "RAR"),
    "tar in xz": (make.packed_otherwise("xz"), "packed with xz"),
    "tar in bzip2": (make.packed_otherwise("bzip2"), "packed with bzip2"),
    "zip cut short": (make.zipped()[:-30], "cut short"),
    "zip without an index": (make.zipped()[:400], "cut short"),
    "zip with a damaged index": (
        make.zipped().replace(b"PK\x01\x02", b"PK\x01\x09"),
        "index is damaged",
    ),
    "zip with more files than allowed": (
        make.zipped({f"mel/{number}.jpg": b"" for number in range(60)}),
        "more than 50 files",
    ),
    "zip that tells too many files": (make.zip_with_end(0xFFFF), "more than 50 files"),
    "zip whose index is larger than it": (make.zip_with_end(2, 50_000), "more than 50 files|larger than"),
    "zip64 with a million million files": (make.zip64_of(1 << 40, 1 << 50), "more than 50 files"),
    "zip with a name that is said to be UTF-8 and is not": (
        make.zip_named(b"mel/caf\xe9.jpg", utf8=True),
        "index is damaged",
    ),
    "zip whose files overlap": (make.overlapping_zip(), "overlap"),
    "zip bomb": (
        make.zipped({f"mel/{number}.bin": bytes(900_000) for number in range(5)}),
        "more than 20 times its size",
    ),
    "tgz bomb": (make.bomb_tgz(30_000_000), "times its size|larger than"),
    "tgz bomb in a PAX header": (make.long_header(b"x", 60_000_000), "too long|times its size"),
    "tgz bomb in a long name": (make.long_header(b"L", 60_000_000), "too long|times its size"),
    "long name of a megabyte": (make.long_header(b"L", 1_000_000), "too long"),
    "more than the bytes allowed": (
        make.tarred(extra={f"mel/{number}.bin": bytes(900_000) for number in range(10)}),
        "larger than",
    ),
    "tar cut short in a file": (make.tarred()[:1500], "cut short"),
    "tar cut short between files": (make.tar_then(), "end is missing"),
    "tgz cut short": (make.tarred(mode="w:gz")[:-900], "cut short"),
    "tgz with changed bytes": (
        make.tarred(mode="w:gz")[:200] + bytes(300) + make.tarred(mode="w:gz")[500:],
        "cut short or damaged",
    ),
    "tar with a damaged header": (make.tar_then(b"\xff" * 512, bytes(1024)), "cut short or damaged"),
    "tar with a file of eight exabytes": (
        make.tar_then(make.raw_header(b"mel/a.jpg", b"\x80\0\0\0\x7f" + b"\xff" * 7), bytes(1024)),
        "cut short",
    ),
    "tar with a file of negative size": (
        make.tar_then(make.raw_header(b"mel/a.jpg", b"\xff" * 12), bytes(1024)),
        "cut short or damaged",
    ),
    "gzip of a text": (gzip.compress(b"no tar" * 200), "no tar archive inside"),
    "gzip of a zip": (gzip.compress(make.zipped()), "another archive inside"),
    "gzip of a gzip": (gzip.compress(make.tarred(mode="w:gz")), "another archive inside"),
    "empty zip": (make.zipped(base={}), "No images found!.*nothing"),
    "empty tgz": (gzip.compress(bytes(10_240)), "No images found!.*nothing"),
    "zip of folders alone": (make.zipped({"mel/": b"", "nv/": b""}, base={}), "No images found!.*nothing"),
    "zip without images": (
        make.zipped({"notes.txt": b"x", "scans/a.dcm": bytes(128) + b"DICM" + bytes(99)}, base={}),
        r"No images found!(?s:.*)1 file \(.txt\)(?s:.*)DICOM",
    ),
    "metadata.csv that is not UTF-8": (
        make.zipped({"metadata.csv": CSV.encode() + b"1,mel/good.jpg,\xff\n"}),
        "not UTF-8",
    ),
    "metadata.csv without a column": (table("1,a.jpg", columns="image_id,image_path"), "lacks the column"),
    "metadata.csv that names nothing": (table("1,gone.jpg,mel"), "No images found!"),
}


def test_there_are_enough_of_them() -> None:
    assert len(ONE_BAD_FILE) + len(REFUSED) >= 70


@pytest.mark.parametrize("name", ONE_BAD_FILE)
def test_one_bad_file_is_named_and_the_others_come_in(name: str) -> None:
    data, file, code = ONE_BAD_FILE[name]
    images, problems = taken(data)
    assert {image.file for image in images} == set(GOOD)
    assert [(problem.file, problem.code) for problem in problems] == [(file, code)]
    assert all(problem.reason for problem in problems)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_trusted_is_refused_for_a_reason(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(DatasetError, match=f"(?s){reason}") as caught:
        taken(data)
    assert caught.value.code in ("archive_refused", "dataset_unusable")


@pytest.mark.parametrize(
    "name",
    [
        "zip bomb",
        "tgz bomb",
        "tgz bomb in a PAX header",
        "tgz bomb in a long name",
        "zip whose files overlap",
    ],
)
def test_a_bomb_takes_no_memory(name: str) -> None:
    data, _ = REFUSED[name]
    tracemalloc.start()
    try:
        with pytest.raises(RefusedArchiveError):
            taken(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY


def test_the_same_image_under_two_labels_is_left_out_both_times() -> None:
    images, problems = taken(make.zipped({"nv/again.jpg": GOOD["mel/good.jpg"]}))
    assert [image.file for image in images] == ["nv/good.jpg"]
    assert {(problem.file, problem.code) for problem in problems} == {
        ("mel/good.jpg", "mixed_labels"),
        ("nv/again.jpg", "mixed_labels"),
    }


def test_each_bad_line_of_metadata_is_named() -> None:
    rows = (
        "1,mel/good.jpg,melanoma",
        "1,nv/good.jpg,nv",
        "2,../up.jpg,nv",
        "3,/etc/a.jpg,nv",
        "4,nv/x.jpg,nv",
    )
    images, problems = taken(table(*rows))
    assert [(image.image_id, image.file) for image in images] == [("1", "mel/good.jpg")]
    assert {(problem.file, problem.code) for problem in problems} == {
        ("metadata.csv, line 3", "duplicate_id"),
        ("metadata.csv, line 4", "leads_out"),
        ("metadata.csv, line 5", "leads_out"),
        ("metadata.csv, line 6", "no_such_image"),
        ("nv/good.jpg", "no_label"),
    }


@pytest.mark.parametrize("name", ["mel/bad.jpg", "mel/bad.tiff", "mel/photo", "mel/bad.txt"])
def test_an_image_is_known_by_its_content(name: str) -> None:
    images, problems = taken(make.zipped({name: picture(3, "PNG")}))
    assert {image.file for image in images} == {*GOOD, name}
    assert problems == []


def test_what_operating_systems_leave_behind_is_not_mentioned() -> None:
    junk = {"__MACOSX/mel/._good.jpg": b"x", "mel/.DS_Store": b"x", "README.txt": b"x", "mel/Thumbs.db": b"x"}
    images, problems = taken(make.zipped(junk))
    assert len(images) == 2
    assert problems == []


def test_names_in_utf8_come_in_whether_or_not_the_zip_says_so() -> None:
    for utf8 in (False, True):
        images, problems = taken(make.zip_named("mel/Kürzel.jpg".encode(), utf8=utf8))
        assert {image.file for image in images} == {*GOOD, "mel/Kürzel.jpg"}
        assert problems == []


@pytest.mark.parametrize(
    "data", [make.zipped(), make.tarred(), make.tarred(mode="w:gz")], ids=["zip", "tar", "tgz"]
)
def test_every_kind_of_archive_is_known_by_its_content(data: bytes) -> None:
    images, problems = taken(data)
    assert {image.file: image.label for image in images} == {"mel/good.jpg": "mel", "nv/good.jpg": "nv"}
    assert problems == []
