"""Structures are read from real models, and batch normalisation from what is left of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fmq_embedded.errors import InputError
from fmq_embedded.model_store import MODELS, fetch
from fmq_embedded.structure import (
    Joint,
    LayerType,
    NetworkGraph,
    features,
    from_symbols,
    joint_features,
    read_tflite,
    to_symbols,
)
from fmq_embedded.structure.layer_types import KINDS
from fmq_embedded.structure.operators import OPERATOR_LAYERS, operator_layer
from fmq_embedded.tflite_file import builtin_operators, schema
from tests.tiny_models import TinyModel, batch_normalised, fused, two_branches

GAMMA = np.array([0.5, -2.0, 3.0], np.float32)
BETA = np.array([1.0, 0.1, -7.0], np.float32)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_is_read(name: str) -> None:
    network = read_tflite(fetch(name))
    assert network.inputs
    assert network.outputs
    assert from_symbols(to_symbols(network)) == network
    for index in range(len(network.layers)):
        assert features(network, index).layer_order == index


def test_blazeface_has_the_layers_that_it_has() -> None:
    network = read_tflite(fetch("blazeface_short_range"))
    types = [layer.type for layer in network.layers]
    assert len(types) == 91
    assert types.count(LayerType.CONVOLUTION) == 37
    assert types.count(LayerType.ACTIVATION) == 17
    assert types.count(LayerType.POOLING) == 3
    kinds = [layer.kind for layer in network.layers if layer.type is LayerType.SUMMATION]
    assert (kinds.count("addition"), kinds.count("concatenation")) == (16, 2)
    assert [network.layers[index].tensor for index in network.outputs] == [
        "regressors",
        "classificators",
    ]


def test_blazefaces_two_maps() -> None:
    network = read_tflite(fetch("blazeface_short_range"))
    first = features(network, network.layer_of("activation_11"))
    assert first.previous_type is LayerType.ACTIVATION
    assert first.next_types == (
        LayerType.CONVOLUTION,
        LayerType.POOLING,
        LayerType.CONVOLUTION,
        LayerType.CONVOLUTION,
    )
    summed = features(network, network.layer_of("conv2d_12"))
    assert summed.summation_kind == "addition"
    tensors = [network.layers[index].tensor for index in summed.summed_indices]
    assert tensors == ["channel_padding_10", "conv2d_12"]


def test_resnet8_adds_and_then_activates() -> None:
    network = read_tflite(fetch("resnet8"))
    sums = [i for i, layer in enumerate(network.layers) if layer.type is LayerType.SUMMATION]
    assert len(sums) == 3
    for index in sums:
        (behind,) = network.readers()[index]
        assert network.layers[behind].kind == "relu"
        assert network.layers[index].tensor == ""
        assert network.layers[behind].tensor


def test_every_builtin_operator_is_in_the_table() -> None:
    assert set(builtin_operators().values()) == set(OPERATOR_LAYERS)
    for layer_type, kind in OPERATOR_LAYERS.values():
        assert kind in KINDS[layer_type]


def test_an_operator_from_the_future() -> None:
    assert operator_layer("UNKNOWN_9999") == (LayerType.OTHER, "other")
    tiny = TinyModel()
    source, result = tiny.tensor("input"), tiny.tensor("output")
    tiny.operator("RELU", [source], [result])
    tiny.model.operatorCodes[0].builtinCode = 9999
    assert read_tflite(tiny.finish([source], [result])).layers[1].name == "UNKNOWN_9999"


def test_a_custom_operator_is_other() -> None:
    tiny = TinyModel()
    source, first, second = (tiny.tensor(name) for name in ("input", "first", "second"))
    tiny.operator("CUSTOM", [source], [first, second])
    tiny.model.operatorCodes[0].customCode = b"Own"
    network = read_tflite(tiny.finish([source], [second]))
    assert [(layer.type, layer.name) for layer in network.layers[1:]] == [
        (LayerType.OTHER, "Own")
    ] * 2
    assert [layer.tensor for layer in network.layers] == ["input", "first", "second"]
    assert network.outputs == (2,)


@pytest.mark.parametrize(("subtract", "sign"), [(False, 1), (True, -1)])
@pytest.mark.parametrize("half", [False, True])
def test_batch_normalisation_is_recognised(subtract: bool, sign: int, half: bool) -> None:
    network = read_tflite(batch_normalised(GAMMA, BETA, subtract=subtract, half=half))
    assert [layer.type for layer in network.layers] == [
        LayerType.INPUT,
        LayerType.BATCH_NORMALISATION,
    ]
    known = features(network, network.layer_of("normalised")).batch_normalisation
    assert known is not None
    beta = BETA.astype(np.float16).astype(np.float32) if half else BETA
    assert known.mean == tuple((sign * beta).tolist())
    assert known.variance == (0.25, 4.0, 9.0)


def test_batch_normalisation_of_a_standardised_map() -> None:
    """The mean and variance handed on are those of the map behind it."""
    rng = np.random.default_rng(3)
    samples = rng.standard_normal((4000, 3))
    samples = (samples - samples.mean(axis=0)) / samples.std(axis=0)
    known = read_tflite(batch_normalised(GAMMA, BETA)).layers[1].batch_normalisation
    assert known is not None
    behind = samples * GAMMA + BETA
    np.testing.assert_allclose(known.mean, behind.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(known.variance, behind.var(axis=0), rtol=1e-6)


def test_a_fused_activation_is_a_layer_of_its_own() -> None:
    network = read_tflite(batch_normalised(GAMMA, BETA, activation="RELU6"))
    types = [(layer.type, layer.kind) for layer in network.layers[1:]]
    assert types == [
        (LayerType.BATCH_NORMALISATION, "batch_normalisation"),
        (LayerType.ACTIVATION, "relu6"),
    ]
    assert [layer.tensor for layer in network.layers] == ["input", "", "normalised"]


def test_quantized_constants() -> None:
    tiny = TinyModel()
    source = tiny.tensor("input", dtype="INT8", scale=0.1)
    gamma = tiny.tensor("gamma", data=np.array([1, 2, -4], np.int8), dtype="INT8", scale=0.5)
    beta = tiny.tensor("beta", data=np.array([3, 0, 8], np.int8), dtype="INT8", scale=0.25)
    product, result = (tiny.tensor(n, dtype="INT8", scale=0.1) for n in ("product", "result"))
    tiny.operator("MUL", [source, gamma], [product], schema().MulOptionsT())
    tiny.operator("ADD", [product, beta], [result], schema().AddOptionsT())
    known = read_tflite(tiny.finish([source], [result])).layers[1].batch_normalisation
    assert known is not None
    assert known.mean == (0.75, 0.0, 2.0)
    assert known.variance == (0.25, 1.0, 4.0)


@pytest.mark.parametrize("what", ["product read twice", "product is an output", "one constant"])
def test_what_is_no_batch_normalisation(what: str) -> None:
    tiny = TinyModel()
    source, product, result = (tiny.tensor(name) for name in ("input", "product", "result"))
    size = 1 if what == "one constant" else 3
    gamma = tiny.tensor("gamma", data=np.ones(size, np.float32))
    beta = tiny.tensor("beta", data=np.ones(size, np.float32))
    tiny.operator("MUL", [source, gamma], [product], schema().MulOptionsT())
    tiny.operator("ADD", [product, beta], [result], schema().AddOptionsT())
    outputs = [result]
    if what == "product read twice":
        outputs.append(tiny.tensor("other"))
        tiny.operator("RELU", [product], [outputs[-1]])
    if what == "product is an output":
        outputs.append(product)
    network = read_tflite(tiny.finish([source], outputs))
    types = [(layer.type, layer.kind) for layer in network.layers[1:3]]
    assert types == [(LayerType.OTHER, "scaling"), (LayerType.OFFSET, "offset")]


def test_an_activation_between_is_no_batch_normalisation() -> None:
    tiny = TinyModel()
    source, product, result = (tiny.tensor(name) for name in ("input", "product", "result"))
    gamma, beta = tiny.tensor("gamma", data=GAMMA), tiny.tensor("beta", data=BETA)
    tiny.operator("MUL", [source, gamma], [product], fused("MulOptions", "RELU"))
    tiny.operator("ADD", [product, beta], [result], schema().AddOptionsT())
    types = [layer.type for layer in read_tflite(tiny.finish([source], [result])).layers]
    assert LayerType.BATCH_NORMALISATION not in types


def test_parallel_branches() -> None:
    network = read_tflite(two_branches())
    branches = {
        layer.tensor: (features(network, i).branch_index, features(network, i).position_in_branch)
        for i, layer in enumerate(network.layers)
    }
    assert branches == {
        "input": (0, 0),
        "relu": (0, 1),
        "negative": (0, 0),
        "absolute": (1, 0),
        "sum": (0, 0),
        "side": (2, 0),
    }


def test_real_networks_in_series_and_in_parallel() -> None:
    names = ("melspectrogram", "embedding", "alexa", "hey_mycroft")
    networks = tuple(read_tflite(fetch(f"wakeword_{name}")) for name in names)
    joints = (Joint(0, 0, 1, 0), Joint(1, 0, 2, 0), Joint(1, 0, 3, 0))
    graph = NetworkGraph(networks, joints)
    assert from_symbols(to_symbols(graph)) == graph
    joined = graph.joined()
    assert len(joined.layers) == sum(len(network.layers) for network in networks) - 3
    assert len(joined.inputs) == 1
    assert len(joined.outputs) == 2
    _, first, second = joint_features(graph)
    assert first == second
    assert len(first.next_types) == 2
    heads = joined.readers()[first.layer_order]
    assert [features(joined, head).branch_index for head in heads] == [0, 1]


def test_a_name_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "small.tflite"
    path.write_bytes(two_branches())
    assert read_tflite(path).name == "small"
    assert read_tflite(str(path)).name == "small"
    assert read_tflite(path.read_bytes()).name == ""


def test_what_is_no_model() -> None:
    with pytest.raises(InputError):
        read_tflite(b"not a model at all")
