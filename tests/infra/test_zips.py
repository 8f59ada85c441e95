"""What is uploaded to Lambda: small enough for both machines, and complete."""

import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from infra.config import CLOUD_SIZES, TRAINING_SIZES, Architecture, Platform
from infra.constructs.bundle import Bundle
from infra.constructs.functions import LAYERS_OF
from infra.locks import RUNTIME_PACKAGES, locked_names

LIMIT_BYTES = 240_000_000  # Lambda's own is 250 MiB
MOST_LAYERS = 5
# The modules of infra.locks.RUNTIME_PACKAGES.
RUNTIME_MODULES = ["boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"]


def unzipped_bytes(bundle: Bundle) -> int:
    with zipfile.ZipFile(bundle.build()) as zipped:
        return sum(entry.file_size for entry in zipped.infolist())


def bundles_of(package: str, platform: Platform) -> list[Bundle]:
    layers = [Bundle.of_layer(name, platform) for name in LAYERS_OF[package]]
    return [Bundle.of_function(package, platform), *layers]


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
@pytest.mark.parametrize("package", [*CLOUD_SIZES, *TRAINING_SIZES])
def test_a_function_with_its_layers_fits(package: str, architecture: Architecture) -> None:
    bundles = bundles_of(package, Platform.cloud(architecture))
    assert len(bundles) - 1 <= MOST_LAYERS
    sizes = {bundle.name: unzipped_bytes(bundle) for bundle in bundles}
    assert all(sizes.values())
    assert sum(sizes.values()) < LIMIT_BYTES, sizes


@pytest.mark.parametrize("package", [*CLOUD_SIZES, *TRAINING_SIZES])
def test_a_handler_imports_from_nothing_but_its_zips_and_the_runtime(package: str, tmp_path: Path) -> None:
    paths = [tmp_path / "runtime", tmp_path / "task"]
    link_runtime_modules(tmp_path / "runtime")
    for bundle in bundles_of(package, Platform.host()):
        with zipfile.ZipFile(bundle.build()) as zipped:
            zipped.extractall(tmp_path / "task" if bundle.prefix == package else tmp_path / bundle.name)
        if bundle.prefix == "python":
            paths.append(tmp_path / bundle.name / "python")

    # -S: no site-packages; -I: no environment, no working directory.
    program = (
        "import sys; sys.path[:0] = sys.argv[2:]; "
        "import importlib; module = importlib.import_module(f'{sys.argv[1]}.handler'); "
        "assert callable(module.handler); print(module.__file__)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, package, *map(str, paths)],
        env={"POWERTOOLS_SERVICE_NAME": package, "POWERTOOLS_TRACE_DISABLED": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == tmp_path / "task" / package / "handler.py"


def link_runtime_modules(folder: Path) -> None:
    """What Lambda brings, and nothing else of this environment."""
    folder.mkdir()
    for name in RUNTIME_MODULES:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)


@pytest.mark.parametrize("layer", ["core", "bcrypt", "opencv", "onnxruntime", "report", "web"])
def test_a_layer_leaves_out_what_the_runtime_and_core_bring(layer: str) -> None:
    names = set(locked_names(Path(Bundle.of_layer(layer, Platform.host()).folder, "requirements.txt")))
    assert names
    assert not names & set(RUNTIME_PACKAGES)
    if layer != "core":
        core = Bundle.of_layer("core", Platform.host()).folder / "requirements.txt"
        assert not names & set(locked_names(core))


def test_a_zip_is_the_same_for_the_same_content(tmp_path: Path) -> None:
    bundle = Bundle.of_function("publish_events", Platform.host())
    assert bundle.key == Bundle.of_function("publish_events", Platform.host()).key
    assert bundle.key != Bundle.of_function("publish_events", Platform.cloud("arm64")).key
    with zipfile.ZipFile(bundle.build()) as zipped:
        assert "publish_events/handler.py" in zipped.namelist()
        assert {entry.date_time for entry in zipped.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_no_lock_names_an_index() -> None:
    locks = [*Path("requirements").glob("*.txt"), *Path("layers").glob("*/requirements.txt")]
    assert len(locks) == 9
    for lock in locks:
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "index-url" not in text
