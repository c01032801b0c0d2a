"""A small network cut in two, and inputs for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.deploy.calibrate import calibrate
from fmq_embedded.deploy.split_model import split_model
from fmq_embedded.tflite_file import schema
from tests.tiny_models import TinyModel

SHAPE = (1, 4, 4, 3)
CUT = ("wave", "side")


def model() -> bytes:
    """input → tanh "wave" → logistic "result"; and "wave" → relu "side" → + "result" → "sum"."""
    tiny = TinyModel()
    source, wave, side = (tiny.tensor(name, SHAPE) for name in ("input", *CUT))
    result, total = tiny.tensor("result", SHAPE), tiny.tensor("sum", SHAPE)
    tiny.operator("TANH", [source], [wave])
    tiny.operator("RELU", [wave], [side])
    tiny.operator("LOGISTIC", [wave], [result])
    tiny.operator("ADD", [side, result], [total], schema().AddOptionsT())
    return tiny.finish([source], [result, total])


def inputs(count: int = 6, seed: int = 3) -> npt.NDArray[np.float32]:
    """As many inputs, (count, 4, 4, 3)."""
    generator = np.random.default_rng(seed)
    return generator.normal(0, 1, (count, *SHAPE[1:])).astype(np.float32)


def split_deployment(folder: Path) -> Path:
    """The network's deployment in a folder, not calibrated."""
    split_model(model(), CUT, folder, model_file="tiny.tflite")
    return folder


def calibrated_deployment(folder: Path, **options: Any) -> Path:
    """The network's deployment in a folder, calibrated on a few inputs."""
    split_deployment(folder)
    calibrate(folder, inputs()[:, None], **options)
    return folder
