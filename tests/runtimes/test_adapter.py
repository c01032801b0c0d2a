"""Models run the same way in each runtime, and what is wrong is said."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from fmq_embedded.errors import InputError, MissingToolError
from fmq_embedded.model_store import fetch
from fmq_embedded.runtimes import RUNTIMES, open_model
from fmq_embedded.runtimes.adapter import default_runtime
from tests.tiny_models import TinyModel, two_branches

INSTALLED = [
    n for n, (module, _) in RUNTIMES.items() if importlib.util.find_spec(module.split(".")[0])
]
MAP = np.linspace(-2, 2, 48, dtype=np.float32).reshape(1, 4, 4, 3)


def test_the_default_runtime_is_installed() -> None:
    assert default_runtime() in INSTALLED
    assert default_runtime() == ("tflite_runtime" if sys.version_info < (3, 12) else "litert")
    assert open_model(two_branches()).runtime == default_runtime()


@pytest.mark.parametrize("runtime", INSTALLED)
def test_a_model_runs(runtime: str) -> None:
    model = open_model(two_branches(), runtime)
    assert [port.name for port in model.inputs] == ["input"]
    assert model.inputs[0].shape == (1, 4, 4, 3)
    assert model.inputs[0].dtype == np.float32
    assert (model.inputs[0].scale, model.inputs[0].zero_point) == (1.0, 0)
    outputs = model.run(MAP)
    assert list(outputs) == ["sum", "side"]
    np.testing.assert_array_equal(outputs["sum"], np.zeros_like(MAP))
    np.testing.assert_allclose(outputs["side"], np.tanh(np.maximum(MAP, 0)), atol=1e-6)
    np.testing.assert_array_equal(model.run({"input": MAP})["side"], outputs["side"])


@pytest.mark.parametrize("runtime", INSTALLED)
def test_outputs_are_copies(runtime: str) -> None:
    model = open_model(two_branches(), runtime)
    first = model.run(MAP)["side"]
    kept = first.copy()
    model.run(-MAP)
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("runtime", INSTALLED)
def test_strides_do_not_matter(runtime: str) -> None:
    model = open_model(two_branches(), runtime)
    strided = np.asfortranarray(MAP)
    np.testing.assert_array_equal(model.run(strided)["side"], model.run(MAP)["side"])


@pytest.mark.parametrize("runtime", INSTALLED)
def test_the_scale_and_zero_point_of_int8_ports(runtime: str) -> None:
    model = open_model(fetch("resnet8"), runtime)
    assert model.inputs[0].dtype == np.int8
    assert model.outputs[0].zero_point == -128
    assert model.outputs[0].scale == pytest.approx(1 / 256)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (MAP[:, :2], "float32 of \\(1, 4, 4, 3\\); got float32 of \\(1, 2, 4, 3\\)"),
        (MAP.astype(np.float64), "got float64"),
        ({"inputs": MAP}, "nearest are input"),
        ({}, "input are missing"),
    ],
)
def test_a_wrong_input(inputs: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_model(two_branches()).run(inputs)  # type: ignore[arg-type]


def test_several_inputs_need_their_names() -> None:
    tiny = TinyModel()
    first, second, total = (tiny.tensor(name) for name in ("first", "second", "total"))
    tiny.operator("MAXIMUM", [first, second], [total])
    model = open_model(tiny.finish([first, second], [total]))
    with pytest.raises(InputError, match="2 inputs"):
        model.run(MAP)
    np.testing.assert_array_equal(model.run({"second": -MAP, "first": MAP})["total"], np.abs(MAP))


@pytest.mark.parametrize("runtime", INSTALLED)
def test_networks_in_series_and_in_parallel(runtime: str) -> None:
    """Sound → spectrogram → one feature map → two heads."""
    spectrogram = open_model(
        fetch("wakeword_melspectrogram"),
        runtime,
        input_shapes={"serving_default_input:0": (1, 12640)},
    )
    sound = np.random.default_rng(1).uniform(-1000, 1000, (1, 12640)).astype(np.float32)
    (mel,) = spectrogram.run(sound).values()
    embedding = open_model(fetch("wakeword_embedding"), runtime)
    (feature_map,) = embedding.run(mel.reshape(embedding.inputs[0].shape)).values()
    window = np.repeat(feature_map.reshape(1, 1, 96), 16, axis=1)
    for name in ("wakeword_alexa", "wakeword_hey_mycroft"):
        (score,) = open_model(fetch(name), runtime).run(window).values()
        assert 0 <= float(score[0, 0]) < 0.5


@pytest.mark.parametrize(
    ("shapes", "message"),
    [({"inputs": (1, 4)}, "nearest are input"), ({"input": (1, 9, 4, 3)}, "refuses this model")],
)
def test_shapes_that_cannot_be_given(shapes: dict[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_model(two_branches(), input_shapes=shapes)


def test_an_unknown_runtime() -> None:
    with pytest.raises(InputError, match="nearest are litert"):
        open_model(two_branches(), "lite_rt")


def test_a_missing_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingToolError, match="python -m pip install ai-edge-litert"):
        open_model(two_branches(), "litert")


@pytest.mark.parametrize("runtime", INSTALLED)
def test_a_model_that_the_runtime_refuses(runtime: str) -> None:
    tiny = TinyModel()
    source, result = tiny.tensor("input"), tiny.tensor("output")
    tiny.operator("CUSTOM", [source], [result])
    tiny.model.operatorCodes[0].customCode = b"Unheard"
    with pytest.raises(InputError, match="refuses this model"):
        open_model(tiny.finish([source], [result]), runtime)


@pytest.mark.parametrize("runtime", INSTALLED)
def test_a_name_that_is_no_text(runtime: str) -> None:
    tiny = TinyModel()
    source, result = tiny.tensor("input"), tiny.tensor("output")
    tiny.graph.tensors[source].name = b"\x80"
    tiny.operator("RELU", [source], [result])
    with pytest.raises(InputError, match="refuses this model"):
        open_model(tiny.finish([source], [result]), runtime)


DAMAGE = """
import random, sys
from fmq_embedded.errors import FmqError
from fmq_embedded.runtimes import open_model
data = open(sys.argv[1], "rb").read()
random.seed(1)
opened = 0
for _ in range(300):
    damaged = bytearray(data[: random.choice([len(data), random.randrange(len(data))])])
    for _ in range(random.randrange(1, 4)):
        damaged[random.randrange(len(damaged))] = random.choice([0, 1, 127, 128, 255])
    try:
        open_model(bytes(damaged), sys.argv[2])
        opened += 1
    except FmqError:
        pass
print("survived", opened)
"""


@pytest.mark.parametrize("runtime", INSTALLED)
def test_damaged_models_do_not_end_the_process(runtime: str, tmp_path: object) -> None:
    path = f"{tmp_path}/small.tflite"
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(two_branches())
    result = subprocess.run(
        [sys.executable, "-c", DAMAGE, path, runtime], capture_output=True, text=True, check=False
    )
    assert "survived" in result.stdout, result.stderr[-2000:]
