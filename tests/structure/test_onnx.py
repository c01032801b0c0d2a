"""Structures are read from ONNX models, batch normalisation as the node that it is."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from fmq_embedded.errors import InputError, MissingToolError
from fmq_embedded.structure import (
    LayerType,
    Network,
    features,
    from_symbols,
    read_onnx,
    to_symbols,
)
from fmq_embedded.structure.layer_types import KINDS
from fmq_embedded.structure.onnx_operators import ONNX_LAYERS

GAMMA = np.array([1.0, 2.0, 3.0, -0.5], np.float32)
BETA = np.array([0.0, 1.0, 0.5, 2.0], np.float32)
CONSTANTS = {
    "weights": np.ones((4, 3, 3, 3), np.float32),
    "depthwise": np.ones((4, 1, 3, 3), np.float32),
    "gamma": GAMMA,
    "beta": BETA,
    "mean": np.zeros(4, np.float32),
    "variance": np.ones(4, np.float32),
    "zero": np.array(0, np.float32),
    "six": np.array(6, np.float32),
}


def _model(nodes: Sequence[Any], output: str, inputs: Sequence[str] = ("x",)) -> bytes:
    ports = [helper.make_tensor_value_info(i, TensorProto.FLOAT, [1, 3, 8, 8]) for i in inputs]
    out = [helper.make_tensor_value_info(output, TensorProto.FLOAT, [1, 4, 8, 8])]
    constants = [numpy_helper.from_array(array, name) for name, array in CONSTANTS.items()]
    model = helper.make_model(helper.make_graph(nodes, "graph", ports, out, constants))
    data: bytes = model.SerializeToString()
    return data


def _node(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> Any:
    return helper.make_node(kind, inputs, [output], **attributes)


def _residual_block() -> bytes:
    """Pre-activation: normalisation, ReLU, convolution, addition to what came before."""
    statistics = ["gamma", "beta", "mean", "variance"]
    return _model(
        [
            _node("Conv", ["x", "weights"], "c", pads=[1, 1, 1, 1]),
            _node("BatchNormalization", ["c", *statistics], "n"),
            _node("Relu", ["n"], "r"),
            _node("Conv", ["r", "depthwise"], "d", group=4, pads=[1, 1, 1, 1]),
            _node("Add", ["d", "c"], "a"),
            _node("Clip", ["a", "zero", "six"], "k"),
            _node("Dropout", ["k"], "p"),
            _node("Concat", ["p", "a"], "j", axis=1),
            _node("GlobalAveragePool", ["j"], "g"),
            _node("Identity", ["g"], "y"),
        ],
        "y",
    )


def _kinds(network: Network) -> list[tuple[LayerType, str]]:
    return [(layer.type, layer.kind) for layer in network.layers]


def test_a_residual_block() -> None:
    network = read_onnx(_residual_block())
    assert _kinds(network) == [
        (LayerType.INPUT, "input"),
        (LayerType.CONVOLUTION, "convolution"),
        (LayerType.BATCH_NORMALISATION, "batch_normalisation"),
        (LayerType.ACTIVATION, "relu"),
        (LayerType.CONVOLUTION, "depthwise"),
        (LayerType.SUMMATION, "addition"),
        (LayerType.ACTIVATION, "relu6"),
        (LayerType.SUMMATION, "concatenation"),
        (LayerType.POOLING, "average"),
    ]
    assert [layer.inputs for layer in network.layers[5:8]] == [(4, 1), (5,), (6, 5)]
    assert network.outputs == (8,)
    assert from_symbols(to_symbols(network)) == network


def test_batch_normalisation_gives_the_mean_and_variance_behind_it() -> None:
    network = read_onnx(_residual_block())
    found = features(network, network.layer_of("n"))
    assert found.previous_type is LayerType.BATCH_NORMALISATION
    assert found.batch_normalisation is not None
    assert found.batch_normalisation.mean == (0.0, 1.0, 0.5, 2.0)
    assert found.batch_normalisation.variance == (1.0, 4.0, 9.0, 0.25)


def test_a_file_and_its_name(tmp_path: Path) -> None:
    (tmp_path / "block.onnx").write_bytes(_residual_block())
    network = read_onnx(tmp_path / "block.onnx")
    assert network.name == "block"
    assert network == read_onnx(_residual_block())
    with pytest.raises(InputError, match="cannot be read"):
        read_onnx(tmp_path / "none.onnx")


def test_what_constants_do() -> None:
    value = numpy_helper.from_array(BETA.reshape(1, 4, 1, 1), "value")
    network = read_onnx(
        _model(
            [
                helper.make_node("Constant", [], ["k"], value=value),
                _node("Neg", ["k"], "minus"),
                _node("Mul", ["x", "gamma"], "m"),
                _node("Add", ["m", "minus"], "o"),
                _node("Sub", ["o", "x"], "y"),
            ],
            "y",
        )
    )
    assert _kinds(network)[1:] == [
        (LayerType.OTHER, "scaling"),
        (LayerType.OFFSET, "offset"),
        (LayerType.OTHER, "subtraction"),
    ]


def test_normalisation_by_what_is_not_constant_has_no_parameters() -> None:
    nodes = [_node("BatchNormalization", ["x", "s", "beta", "mean", "variance"], "y")]
    network = read_onnx(_model(nodes, "y", ("x", "s")))
    assert network.layers[-1].type is LayerType.BATCH_NORMALISATION
    assert network.layers[-1].batch_normalisation is None


def test_operators_of_others_are_other() -> None:
    nodes = [_node("Relu", ["x"], "r", domain="com.acme"), _node("Unheard", ["r"], "y")]
    assert _kinds(read_onnx(_model(nodes, "y")))[1:] == [
        (LayerType.OTHER, "custom"),
        (LayerType.OTHER, "other"),
    ]


def test_every_operator_of_onnx_has_its_layer() -> None:
    for name, (layer_type, kind) in ONNX_LAYERS.items():
        assert kind in KINDS[layer_type], name
    known = {schema.name for schema in onnx.defs.get_all_schemas() if not schema.domain}
    assert set(ONNX_LAYERS) <= known | {"Upsample", "Scatter"}


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([_node("Relu", ["later"], "y")], "before anything has made it"),
        ([_node("Relu", ["x"], "x")], "made twice"),
        ([_node("Relu", ["x"], "other")], "nothing makes the output 'y'"),
        (
            [_node("Add", ["x", "b"], "a"), _node("Relu", ["a"], "b"), _node("Relu", ["a"], "y")],
            "reads tensor 'b' before",
        ),
    ],
)
def test_a_graph_that_is_none(nodes: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_onnx(_model(nodes, "y"))


@pytest.mark.parametrize("data", [b"", b"\xff" * 40, b"TFL3" * 20])
def test_what_is_no_model(data: bytes) -> None:
    with pytest.raises(InputError, match="no ONNX model"):
        read_onnx(data)


def test_a_constant_shorter_than_its_shape() -> None:
    model = onnx.ModelProto.FromString(_residual_block())
    for tensor in model.graph.initializer:
        if tensor.name == "gamma":
            tensor.raw_data = tensor.raw_data[:5]
    with pytest.raises(InputError, match="'gamma' of this ONNX model is corrupt"):
        read_onnx(model.SerializeToString())


@settings(max_examples=400, deadline=None)
@given(
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    length=st.floats(0, 1),
)
def test_a_damaged_model_is_read_or_refused(edits: list[tuple[float, int]], length: float) -> None:
    data = bytearray(_residual_block())
    for place, value in edits:
        data[int(place * len(data))] = value
    with contextlib.suppress(InputError):
        read_onnx(bytes(data[: int(length * len(data))] if length < 0.3 else data))


def test_the_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingToolError, match=r"fmq-embedded\[onnx\]"):
        read_onnx(b"")
