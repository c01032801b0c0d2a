from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fmq_embedded.deploy.calibrate import calibrate
from fmq_embedded.deploy.deployment_files import HEAD, TAIL, load
from fmq_embedded.runtimes import open_model
from tests.deploy.tiny_deployment import SHAPE, inputs, split_deployment


@dataclass(frozen=True)
class Case:
    """A bitstream of the deployment, and what the tail makes of it."""

    stream: bytes
    outputs: dict[str, npt.NDArray[np.float32]]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small deployment, calibrated."""
    folder = split_deployment(tmp_path_factory.mktemp("gateway") / "tiny")
    calibrate(folder, inputs().reshape(-1, *SHAPE), bit_depths=[6])
    return folder


@pytest.fixture(scope="session")
def cases(folder: Path) -> list[Case]:
    """Three different maps."""
    deployment = load(folder)
    head, tail = open_model(folder / HEAD), open_model(folder / TAIL)
    streams = [deployment.encode(head.run(one.reshape(SHAPE))) for one in inputs(3, seed=8)]
    return [Case(stream, tail.run(deployment.decode(stream))) for stream in streams]
