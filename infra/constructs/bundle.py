"""Builds the zip files of functions and layers without Docker, once for each content.

A bundle is `python/` of a layer or the package of a function: locked dependencies installed for the target
platform, our own source beside them, and nothing that is not needed at run time.
"""

import compileall
import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode

import jsii
from aws_cdk import AssetHashType, BundlingOptions, BundlingOutput, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_
from uv import find_uv_bin

from infra.config import ROOT, Platform

CACHE = ROOT / "build" / "bundles"

# Directories that no run needs, by their path inside site-packages.
UNNEEDED_DIRECTORIES = (
    "bin",
    "cv2/data",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/f2py",
    "onnx/backend/test",
    "onnx/reference",
    "onnxruntime/quantization",
    "onnxruntime/tools",
    "onnxruntime/transformers",
)
UNNEEDED_NAMES = {"__pycache__", "tests"}
UNNEEDED_SUFFIXES = {".pyc", ".pyi", ".pyx", ".pxd", ".h", ".c", ".cc", ".cpp", ".a", ".proto"}
KEPT_METADATA = {"METADATA", "entry_points.txt"}
TRIMMED = (
    UNNEEDED_DIRECTORIES,
    sorted(UNNEEDED_NAMES),
    sorted(UNNEEDED_SUFFIXES),
    sorted(KEPT_METADATA),
)


@dataclass(frozen=True)
class Bundle:
    """One zip file to be: what goes in, and for which platform."""

    name: str
    folder: Path
    prefix: str
    platform: Platform
    tree: Path | None = None
    requirements: Path | None = None

    @classmethod
    def of_function(cls, package: str, platform: Platform) -> "Bundle":
        """The function's package itself, at the root of the zip."""
        folder = ROOT / "functions" / package
        return cls(package, folder, package, platform, tree=folder)

    @classmethod
    def of_layer(cls, name: str, platform: Platform) -> "Bundle":
        """`layers/<name>`: its `python` tree, its locked requirements, or both, under `python/`."""
        folder = ROOT / "layers" / name
        tree, lock = folder / "python", folder / "requirements.txt"
        return cls(
            name=f"layer-{name}",
            folder=folder,
            prefix="python",
            platform=platform,
            tree=tree if tree.is_dir() else None,
            requirements=lock if lock.is_file() else None,
        )

    @property
    def key(self) -> str:
        """Digest of everything that decides the zip's content."""
        made = (self.name, self.prefix, self.platform, TRIMMED, self.compiled_for)
        digest = hashlib.sha256(repr(made).encode())
        if self.requirements:
            digest.update(self.requirements.read_bytes())
        for path, name in self._source_files():
            digest.update(f"\0{name}\0".encode() + path.read_bytes())
        return digest.hexdigest()

    @property
    def compiled_for(self) -> str | None:
        """The bytecode that the zip carries: that of the Python which builds, if it is the one that runs it.

        Lambda cannot write bytecode down, so that without it every cold start compiles what it imports.
        """
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        return sys.implementation.cache_tag if self.platform.python == here else None

    def build(self) -> Path:
        """The zip file, from the cache or made now."""
        target = CACHE / f"{self.name}-{self.key[:20]}.zip"
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / f"{self.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                self._make(target)
        return target

    def code(self) -> lambda_.AssetCode:
        """The bundle as a CDK asset; where bundling is switched off, the bare source."""
        return lambda_.Code.from_asset(
            str(self.folder),
            asset_hash=self.key,
            asset_hash_type=AssetHashType.CUSTOM,
            bundling=BundlingOptions(
                image=DockerImage.from_registry("never-used"),
                local=_LocalBundling(self),
                output_type=BundlingOutput.ARCHIVED,
            ),
        )

    def _source_files(self) -> Iterator[tuple[Path, str]]:
        """Every file of the tree that is shipped with its name in it, in a stable order."""
        for path in sorted(self.tree.rglob("*")) if self.tree else ():
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                yield path, path.relative_to(self.tree or path).as_posix()

    def _make(self, target: Path) -> None:
        print(f"building {target.name}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=self.name) as folder:
            contents = Path(folder, "contents")
            root = contents / self.prefix
            root.mkdir(parents=True)
            if self.requirements:
                install(self.requirements, root, self.platform)
                trim(root)
            for path, name in self._source_files():
                copy = root / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)
            if self.compiled_for:
                add_bytecode(contents)
            archive = Path(folder, target.name)
            # Not compressed for the laptop cloud: each of its workers unpacks the layers again.
            write_zip(contents, archive, compress=self.platform.uv_platform is not None)
            archive.replace(target)


@jsii.implements(ILocalBundling)
class _LocalBundling:
    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def try_bundle(self, output_dir: str, *_options: object, **_named: object) -> bool:
        built = self._bundle.build()
        shutil.copyfile(built, Path(output_dir, built.name))
        return True


def install(requirements: Path, target: Path, platform: Platform) -> None:
    """Install a lock's wheels, and nothing else, into a folder."""
    command = [find_uv_bin(), "pip", "install", "--quiet", "--target", str(target)]
    command += ["--only-binary", ":all:", "--no-deps", "--require-hashes", "--link-mode", "copy"]
    command += ["--requirement", str(requirements), "--python", sys.executable]
    if platform.uv_platform:
        command += ["--python-platform", platform.uv_platform, "--python-version", platform.python]
    subprocess.run(command, cwd=ROOT, check=True)


def add_bytecode(contents: Path) -> None:
    """Compile every module. The bytecode is trusted without a look at its source: the two never part."""
    compiled = compileall.compile_dir(
        contents,
        quiet=1,
        force=True,
        workers=0,
        stripdir=str(contents),
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    if not compiled:
        raise RuntimeError(f"a module in {contents} does not compile")


def trim(site_packages: Path) -> None:
    """Take away tests, headers, type stubs, compiled files and the metadata that nothing reads."""
    for unneeded in UNNEEDED_DIRECTORIES:
        shutil.rmtree(site_packages / unneeded, ignore_errors=True)
    for path in sorted(site_packages.rglob("*"), reverse=True):
        if path.is_dir() and path.name in UNNEEDED_NAMES:
            shutil.rmtree(path)
        elif path.is_file() and _is_unneeded(path):
            path.unlink()


def _is_unneeded(path: Path) -> bool:
    if any(parent.name.endswith(".dist-info") for parent in path.parents):
        return path.name not in KEPT_METADATA
    return path.suffix in UNNEEDED_SUFFIXES or path.name in {".lock", ".gitignore"}


def write_zip(contents: Path, archive: Path, *, compress: bool) -> None:
    """Zip a folder, the same bytes for the same files."""
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(archive, "w", method, compresslevel=6) as zipped:
        for path in sorted(contents.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(contents).as_posix(), (1980, 1, 1, 0, 0, 0))
                entry.external_attr = 0o644 << 16
                entry.compress_type = method
                zipped.writestr(entry, path.read_bytes())
