"""A wheel has all that the checkout has: it works where there is no checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from firmware_tools.boards import CHECKOUT_BOARDS, board_folders
from firmware_tools.layouts.layout import laid_out, stale
from fmq_embedded.deploy.deployment_files import load
from tests.tasks.running import ROOT

pytestmark = pytest.mark.xdist_group("wheel")

SOURCES = ("fmq_embedded", "firmware_tools", "boards")
FILES = ("pyproject.toml", "README.md", "LICENSE")
NOT_SHIPPED = {"__pycache__"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a source distribution, as PyPI would have both."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in SOURCES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns(*NOT_SHIPPED))
    for name in FILES:
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "build", "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=out)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, installed into a folder of its own."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*command, str(target), str(wheel)], check=True, capture_output=True)
    return target


def run(installed: Path, folder: Path, *arguments: object) -> str:
    """What the installed program prints; the checkout is not on its path."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "fmq_embedded", *map(str, arguments)],
        cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(installed)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def shipped(folder: Path) -> set[str]:
    """Every file below a folder, but what Python makes itself."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {path.as_posix() for path in found if not NOT_SHIPPED & set(path.parts)}


def test_every_file_of_the_packages_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {
        f"{package}/{name}"
        for package in ("fmq_embedded", "firmware_tools")
        for name in shipped(ROOT / package)
    }
    assert expected - names == set()
    boards = {f"firmware_tools/installed_boards/{name}" for name in shipped(CHECKOUT_BOARDS)}
    assert boards - names == set()


def test_its_types_and_boards_are_there_without_a_checkout(installed: Path, tmp_path: Path) -> None:
    assert (installed / "fmq_embedded/py.typed").is_file()
    boards = json.loads(run(installed, tmp_path, "boards", "--json"))["boards"]
    assert [board["id"] for board in boards] == sorted(board_folders())


def test_headers_from_a_wheel_are_those_of_the_checkout_and_compile(
    installed: Path, deployment: Path, tmp_path: Path
) -> None:
    run(installed, tmp_path, "headers", "--deployment", deployment, "--layout", "cmake",
        "--out", "fmq")  # fmt: skip
    files = laid_out("cmake", load(deployment))
    assert stale(tmp_path / "fmq", files) == []
    sources = sorted((tmp_path / "fmq").rglob("*.c"))
    assert len(sources) > 20
    compiler = ["gcc", "-std=c99", "-Wall", "-Werror", "-fsyntax-only"]
    includes = [f"-I{tmp_path / 'fmq' / name}" for name in ("include", "tables")]
    subprocess.run([*compiler, *includes, *map(str, sources)], check=True)


def test_firmware_is_built_from_a_wheel(installed: Path, tmp_path: Path) -> None:
    (built,) = json.loads(run(installed, tmp_path, "size", "--board", "mps2-an386", "--json"))
    assert built["flash_bytes"] > 1000
