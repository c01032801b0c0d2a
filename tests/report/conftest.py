"""Two small deployments for all tests of this folder, and a page of both, made once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.tiny_deployment import calibrated_deployment
from tests.tasks.running import fmq


@dataclass(frozen=True)
class Made:
    """The page of two deployments and the data of the task that wrote it."""

    page: Path
    data: Any


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployment without classes; not to be changed."""
    return calibrated_deployment(tmp_path_factory.mktemp("report") / "plain")


@pytest.fixture(scope="session")
def classed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One with classes of channels; not to be changed."""
    folder = tmp_path_factory.mktemp("report") / "classed"
    return calibrated_deployment(folder, partition="channel", dynamic=True, tail_sqnr=15.0)


@pytest.fixture(scope="session")
def both(plain: Path, classed: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Both side by side, run on a board."""
    folder = tmp_path_factory.mktemp("page")
    done = fmq(
        folder, "report", "--deployment", plain, "--compare", classed, "--out", "page.html",
        "--boards", "mps2-an386", "--json",
    )  # fmt: skip
    assert done.status == 0, done.err
    return Made(folder / "page.html", json.loads(done.out))
