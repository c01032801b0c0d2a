"""Channel transforms by the tail: what matters to it is coded finer, and the fewest bits win."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from fmq_embedded.deploy.calibrate import calibrate
from fmq_embedded.deploy.calibrate_channels import TailSensitivity, can_have_transform
from fmq_embedded.deploy.dense_report import DenseReport
from fmq_embedded.deploy.deployment_files import load
from fmq_embedded.deploy.split_model import split_model
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.tflite_file import schema
from tests.tiny_models import TinyModel

SHAPE = (1, 8, 8, 6)
GAINS = np.array([3, 1, 0.25, 0.25, 0.25, 0.25], np.float32)
NAMES = {
    "channels",
    "components",
    "weighted channels",
    "weighted components",
    "components of weighted channels",
}


def model() -> bytes:
    """input → tanh "wave" → its channels times GAINS → "result"."""
    tiny = TinyModel()
    source, wave = tiny.tensor("input", SHAPE), tiny.tensor("wave", SHAPE)
    gains, result = tiny.tensor("gains", data=GAINS), tiny.tensor("result", SHAPE)
    tiny.operator("TANH", [source], [wave])
    tiny.operator("MUL", [wave, gains], [result], schema().MulOptionsT())
    return tiny.finish([source], [result])


def inputs() -> npt.NDArray[np.float32]:
    """Channels of which three are much like the first."""
    generator = np.random.default_rng(5)
    own = generator.normal(0, 0.5, (12, *SHAPE))
    own[..., 3:] = own[..., :1] + 0.2 * own[..., 3:]
    return own.astype(np.float32)


def amplify(maps: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    return {"result": maps["wave"] * GAINS}


def test_weights_follow_what_matters_to_the_tail() -> None:
    plan = TensorPlan("wave", SHAPE, "float32")
    sensitivity = TailSensitivity(amplify, [{"wave": one} for one in inputs()])
    weights = sensitivity.weights(plan, np.eye(SHAPE[-1]))
    assert weights[0] > weights[1] > 2 * weights[2:].max()


@pytest.mark.parametrize(("dtype", "scale"), [("float32", 1.0), ("int8", 0.02)])
def test_importance_of_components_is_that_of_what_they_are_made_of(
    dtype: str, scale: float
) -> None:
    """A component that no gain reaches has the least weight, in codes as in real numbers."""
    plan = TensorPlan("wave", SHAPE, dtype, scale)
    maps = [{"wave": (one / scale).astype(dtype)} for one in inputs()]
    turn = np.eye(SHAPE[-1])
    turn[4, 4:], turn[5, 4:] = (0.5**0.5, 0.5**0.5), (0.5**0.5, -(0.5**0.5))
    weights = TailSensitivity(amplify, maps).weights(plan, turn)
    assert weights.argmax() == 0
    assert weights[2:].max() < weights[1]


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_maps_of_zeros_alone_are_calibrated(tmp_path: Path) -> None:
    split_model(model(), ("wave",), tmp_path, model_file="tiny.tflite")
    _, report = calibrate(
        tmp_path, np.zeros((12, *SHAPE), np.float32), profile="dense", rate_distortion="auto"
    )
    assert "factors by importance: " in str(report)


def test_maps_of_a_relu_and_of_many_channels_have_none() -> None:
    def can(shape: tuple[int, ...], samples: npt.NDArray[np.float32]) -> bool:
        return can_have_transform(TensorPlan("map", shape, "float32"), [{"map": samples}])

    assert can((4, 2), np.full((4, 2), -1, np.float32))
    assert not can((4, 2), np.zeros((4, 2), np.float32))
    assert not can((4, 65), np.full((4, 65), -1, np.float32))
    assert not can((), np.full((), -1, np.float32))


def test_calibration_tries_each_by_the_tail_and_takes_the_fewest_bits(tmp_path: Path) -> None:
    split_model(model(), ("wave",), tmp_path, model_file="tiny.tflite")
    made, report = calibrate(tmp_path, inputs(), profile="dense", tail_sqnr=25.0)
    assert isinstance(report, DenseReport)
    bits = report.tried["wave"]
    assert bits.keys() == NAMES
    assert min(bits.values()) < 0.8 * bits["channels"]
    assert report.change <= report.limit
    plan = load(tmp_path).tensors[0].dense
    assert plan == made.tensors[0].dense
    assert plan is not None and plan.channels is not None
    assert report.choices[0].bits == pytest.approx(min(bits.values()))
    assert "bits/sample coded as channels " in str(report)
    assert report.rows()[0]["tried"] == dict(bits)
