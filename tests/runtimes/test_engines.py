"""Every engine runs a model the same way, and says who it is."""

from __future__ import annotations

import importlib.metadata
import sys

import numpy as np
import pytest

from fmq_embedded.errors import InputError, MissingToolError
from fmq_embedded.model_store import fetch
from fmq_embedded.runtimes import ENGINES, open_engine, open_model
from fmq_embedded.tflite_file import schema
from tests.graft.engines import TFLITE_ENGINES
from tests.tiny_models import TinyModel

HERE = [*TFLITE_ENGINES, "micro"]


def _model() -> bytes:
    tiny = TinyModel()
    first, second, total = (tiny.tensor(name) for name in ("first", "second", "total"))
    tiny.operator("ADD", [first, second], [total], schema().AddOptionsT())
    return tiny.finish([first, second], [total])


@pytest.mark.parametrize("name", HERE)
def test_a_model_runs(name: str) -> None:
    model = open_engine(_model(), name)
    one = np.arange(48, dtype=np.float32).reshape(1, 4, 4, 3)
    outputs = model.run({"second": 2 * one, "first": one})
    kept = outputs["total"]
    np.testing.assert_array_equal(kept, 3 * one)
    model.run({"second": one, "first": one})
    np.testing.assert_array_equal(kept, 3 * one)
    with pytest.raises(InputError, match="2 inputs"):
        model.run(one)
    with pytest.raises(InputError, match="got float64"):
        model.run({"first": one.astype(np.float64), "second": one})


@pytest.mark.parametrize("name", HERE)
def test_ports_are_described_alike(name: str) -> None:
    path = fetch("resnet8")
    model, other = open_engine(path, name), open_model(path, "litert")
    assert model.inputs == other.inputs
    assert model.outputs == other.outputs


@pytest.mark.parametrize("name", HERE)
def test_an_engine_names_its_version_and_kernels(name: str) -> None:
    engine = ENGINES[name]
    assert engine.exists_here
    version = importlib.metadata.version(engine.package)
    assert engine.label == f"{engine.package} {version}, {engine.kernels} kernels"


def test_reference_kernels_are_others() -> None:
    """LiteRT's fast QUANTIZE rounds half to even, its plain one half away from zero."""
    tiny = TinyModel()
    source = tiny.tensor("input", (1, 4))
    codes = tiny.tensor("codes", (1, 4), dtype="INT8", scale=1.0)
    tiny.operator("QUANTIZE", [source], [codes], schema().QuantizeOptionsT())
    model = tiny.finish([source], [codes])
    ties = np.array([[0.5, 1.5, 2.5, -0.5]], np.float32)
    fast = open_engine(model, "litert").run(ties)["codes"]
    plain = open_engine(model, "litert_reference").run(ties)["codes"]
    assert fast.tolist() == [[0, 2, 2, 0]]
    assert plain.tolist() == [[1, 2, 3, -1]]


def test_tflite_micro_refuses_what_it_does_not_run() -> None:
    tiny = TinyModel()
    source, result = tiny.tensor("input", (1, 4), dtype="UINT8"), tiny.tensor("result", (1, 4))
    options = schema().CastOptionsT()
    options.inDataType, options.outDataType = schema().TensorType.UINT8, 0
    tiny.operator("CAST", [source], [result], options)
    model = open_engine(tiny.finish([source], [result]), "micro")
    with pytest.raises(InputError, match="TFLite Micro cannot run this"):
        model.run(np.zeros((1, 4), np.uint8))
    tiny = TinyModel()
    source, result = tiny.tensor("input"), tiny.tensor("result")
    tiny.operator("ATAN2", [source, source], [result])
    with pytest.raises(InputError, match="TFLite Micro refuses this model"):
        open_engine(tiny.finish([source], [result]), "micro")


def test_unknown_and_missing_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="nearest are micro"):
        open_engine(_model(), "macro")
    with pytest.raises(InputError, match="only litert"):
        open_model(_model(), "tflite_runtime", reference_kernels=True)
    monkeypatch.setitem(sys.modules, "tflite_micro.python.tflite_micro.runtime", None)
    with pytest.raises(MissingToolError, match=r"fmq-embedded\[micro\]"):
        open_engine(_model(), "micro")


def test_tflite_runtime_ended_with_python_3_11(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 12, 0))
    assert not ENGINES["tflite"].exists_here
    with pytest.raises(InputError, match="use litert"):
        open_engine(_model(), "tflite")
