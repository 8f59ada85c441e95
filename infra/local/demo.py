"""One photo through the whole of Triagelens, on the laptop: `python -m infra.local.demo`.

Progress goes to stderr, the result to stdout; the last line of stdout is one JSON object for programs.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.markup import escape

from infra.local import cloud as clouds
from infra.local.__main__ import leave_out_cloud_settings
from infra.local.demo_person import signed_in
from infra.local.demo_report import Shown, print_report
from infra.local.server import LaptopCloudError
from training_job.phantoms import GENERATOR_VERSION, photograph
from triagelens_client import Triagelens, TriagelensClientError
from triagelens_client.files import Source

FAILED = 1
BAD_INPUT = 2

_SHOWN_LABELS = {"skin": "mel", "eye": "cataract", "oral": "lesion", "brain": "glioma"}
_SEED = 12
_QUALITY = 88  # at which 12 megapixels with sensor noise take 2.5 to 3 MB, as from a phone

_progress = Console(stderr=True, highlight=False)


class DemoError(Exception):
    """Something that whoever typed the command can put right."""


def main(
    image: Annotated[str, typer.Option(help="Your own JPEG, PNG, BMP or WebP; a phantom if not given.")] = "",
    specialty: Annotated[str, typer.Option(help="skin, eye, oral or brain.")] = "skin",
    state_dir: Annotated[
        Path, typer.Option(help="Where the laptop cloud and the demo keep their state.")
    ] = clouds.STATE_DIR,
) -> None:
    """Start the laptop cloud if need be, send one photo through it, and show the result."""
    leave_out_cloud_settings()
    try:
        photo = _own_photo(image) if image else None
        if photo is None and specialty not in _SHOWN_LABELS:
            raise DemoError(f"There is no specialty {specialty!r}; known are {', '.join(_SHOWN_LABELS)}.")
        with _step("laptop cloud up", spinning=False):
            cloud = clouds.start("plain", state_dir)
        shown = _through(cloud.api_url, photo, specialty, state_dir / "demo")
    except (DemoError, LaptopCloudError, TriagelensClientError) as error:
        _progress.print(f"[bold red]error:[/] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(BAD_INPUT if isinstance(error, DemoError) else FAILED) from error
    print_report(shown)
    if not shown.image.has_verdict:
        raise typer.Exit(FAILED)


def _own_photo(path: str) -> Source:
    """The user's own file, looked at before anything is started.

    Raises:
        UnreadableFileError: it is not there, or not an image.
    """
    photo = Source.of(Path(path).expanduser())
    _progress.print(f"· your photo: {photo.size_bytes / 1e6:.1f} MB, {photo.image_type}", markup=False)
    return photo


def _through(api_url: str, photo: Source | None, specialty: str, folder: Path) -> Shown:
    """Sends a photo, or a phantom's, and waits for its result; what is worth keeping goes to `folder`."""
    # An explicit transport: the laptop cloud is never behind whatever proxy the environment names.
    with Triagelens(api_url, transport=httpx.HTTPTransport()) as client:
        with _step("signed in as a demo person"):
            signed_in(client, api_url, folder)
        known = {entry.name: entry for entry in client.specialties()}
        if specialty not in known:
            raise DemoError(f"There is no specialty {specialty!r}; known are {', '.join(known)}.")
        titles = {label.name: label.title for label in known[specialty].labels}
        if photo is None:
            with _step(f"12-megapixel photo of a phantom taken ({specialty}, {_SHOWN_LABELS[specialty]})"):
                photo = _phantom(specialty, folder)
        begun = time.perf_counter()
        with _step("upload asked for, photo sent"):
            created = client.create_image(photo, specialty)
            client.upload_image(created, photo)
        uploaded = time.perf_counter()
        with _step("photo checked and analysed"):
            result = client.wait_for(created.image_id)
        done = time.perf_counter()
    return Shown(result, photo, api_url, titles, upload_s=uploaded - begun, wait_s=done - uploaded)


def _phantom(specialty: str, folder: Path) -> Source:
    """A generated photo of one of the specialty's findings, always the same; drawn once, then kept."""
    label = _SHOWN_LABELS[specialty]
    path = folder / f"{specialty}-{label}-{_SEED}-v{GENERATOR_VERSION}.jpg"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        drawing = path.with_suffix(".part")
        drawing.write_bytes(photograph(specialty, label, _SEED, quality=_QUALITY))
        drawing.replace(path)
    return Source.of(path)


@contextmanager
def _step(done: str, *, spinning: bool = True) -> Iterator[None]:
    """Shows that something goes on, then that it is done, and how long it took."""
    begun = time.perf_counter()
    if spinning:
        with _progress.status(f"{done} ..."):
            yield
    else:
        yield
    _progress.print(f"· {done} ({time.perf_counter() - begun:.1f} s)", markup=False)


if __name__ == "__main__":
    typer.run(main)
