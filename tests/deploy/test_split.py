"""A model cut in two computes what it did whole."""

from __future__ import annotations

import importlib.util

import numpy as np
import numpy.typing as npt
import pytest

from fmq_embedded.deploy.split import split
from fmq_embedded.errors import InputError
from fmq_embedded.model_store import fetch
from fmq_embedded.runtimes import RUNTIMES, expose, open_model
from fmq_embedded.tflite_file import (
    find_tensors,
    indices,
    operator_name,
    read_model,
    schema,
    tensor_name,
    write_model,
)
from tests.tiny_models import TinyModel, batch_normalised, two_branches

INSTALLED = [
    n for n, (module, _) in RUNTIMES.items() if importlib.util.find_spec(module.split(".")[0])
]
BLAZEFACE_CUT = ["activation_11", "activation_16"]


def _random_input(model: bytes, runtime: str, seed: int) -> dict[str, npt.NDArray[np.generic]]:
    rng = np.random.default_rng(seed)
    arrays = {}
    for port in open_model(model, runtime).inputs:
        if port.dtype == np.float32:
            arrays[port.name] = rng.uniform(-1, 1, port.shape).astype(np.float32)
        else:
            arrays[port.name] = rng.integers(-128, 128, port.shape).astype(port.dtype)
    return arrays


def _assert_split_is_exact(
    model: bytes, tensors: list[str], runtime: str, *, tolerance: float = 0
) -> None:
    head, tail = (open_model(part, runtime) for part in split(model, tensors))
    assert [port.name for port in head.outputs] == tensors
    assert [port.name for port in tail.inputs] == tensors
    whole = open_model(model, runtime)
    for seed in range(3):
        inputs = _random_input(model, runtime, seed)
        expected = whole.run(inputs)
        got = tail.run(head.run(inputs))
        assert list(got) == list(expected)
        for name, array in expected.items():
            np.testing.assert_allclose(got[name], array, rtol=tolerance)


@pytest.mark.parametrize("runtime", INSTALLED)
def test_blazeface_at_its_two_maps(runtime: str) -> None:
    model = fetch("blazeface_short_range").read_bytes()
    head, _ = split(model, BLAZEFACE_CUT)
    shapes = [port.shape for port in open_model(head, runtime).outputs]
    assert shapes == [(1, 16, 16, 88), (1, 8, 8, 96)]
    _assert_split_is_exact(model, BLAZEFACE_CUT, runtime)


def _additions(model: bytes) -> list[str]:
    whole = read_model(model)
    graph = whole.subgraphs[0]
    adds = [o for o in graph.operators if operator_name(whole, o) == "ADD"]
    return [tensor_name(graph.tensors[o.outputs[0]]) for o in adds]


@pytest.mark.parametrize("runtime", INSTALLED)
def test_resnet8_at_each_addition(runtime: str) -> None:
    model = fetch("resnet8").read_bytes()
    for name in _additions(model):
        _assert_split_is_exact(model, [name], runtime)


@pytest.mark.parametrize("runtime", INSTALLED)
def test_subgraphs_go_with_the_operator_that_runs_them(runtime: str) -> None:
    """The wake-word head runs an IF; it needs the input too.

    tflite-runtime has other kernels for a model with an IF than for the head, which has none.
    """
    model = fetch("wakeword_hey_jarvis").read_bytes()
    graph = read_model(model).subgraphs[0]
    cut = [tensor_name(graph.tensors[i]) for i in (graph.operators[1].outputs[0], graph.inputs[0])]
    head, tail = split(model, cut)
    assert len(read_model(head).subgraphs) == 1
    assert len(read_model(tail).subgraphs) == 3
    _assert_split_is_exact(model, cut, runtime, tolerance=0 if runtime == "litert" else 1e-4)


@pytest.mark.parametrize("runtime", INSTALLED)
@pytest.mark.parametrize(
    "order", [("negative", "absolute", "relu"), ("relu", "absolute", "negative")]
)
def test_the_order_of_the_tensors_is_the_order_of_the_ports(
    runtime: str, order: tuple[str, ...]
) -> None:
    _assert_split_is_exact(two_branches(), list(order), runtime)


@pytest.mark.parametrize("runtime", INSTALLED)
def test_an_output_of_the_model_may_pass_through(runtime: str) -> None:
    _assert_split_is_exact(two_branches(), ["side", "relu"], runtime)


@pytest.mark.parametrize("runtime", INSTALLED)
def test_the_models_own_input_may_pass_through(runtime: str) -> None:
    tiny = TinyModel()
    source, relu, total = (tiny.tensor(name) for name in ("input", "relu", "total"))
    tiny.operator("RELU", [source], [relu])
    tiny.operator("ADD", [relu, source], [total], schema().AddOptionsT())
    model = tiny.finish([source], [total])
    with pytest.raises(InputError, match="name these too: input"):
        split(model, ["relu"])
    _assert_split_is_exact(model, ["relu", "input"], runtime)


def test_bytes_are_the_same_each_time() -> None:
    path = fetch("blazeface_short_range")
    assert split(path, BLAZEFACE_CUT) == split(path.read_bytes(), BLAZEFACE_CUT)


def test_nothing_that_a_part_does_not_need_is_in_it() -> None:
    model = fetch("blazeface_short_range").read_bytes()
    parts = split(model, BLAZEFACE_CUT)
    for part in map(read_model, parts):
        graph = part.subgraphs[0]
        used = set(indices(graph.inputs)) | set(indices(graph.outputs))
        for operator in graph.operators:
            used.update(indices(operator.inputs), indices(operator.outputs))
        assert used == set(range(len(graph.tensors)))
        assert {t.buffer for t in graph.tensors} | {0} == set(range(len(part.buffers)))
        assert {o.opcodeIndex for o in graph.operators} == set(range(len(part.operatorCodes)))
    assert sum(map(len, parts)) < len(model) + 2000


def test_weights_that_both_parts_need_are_in_both() -> None:
    values = np.array([2, 3, 4], np.float32)
    tiny = TinyModel()
    source, first, second = (tiny.tensor(name) for name in ("input", "first", "second"))
    packed = tiny.tensor("packed", data=values.astype(np.float16), dtype="FLOAT16")
    weight = tiny.tensor("weight", (3,))
    tiny.operator("DEQUANTIZE", [packed], [weight], schema().DequantizeOptionsT())
    tiny.operator("MUL", [source, weight], [first], schema().MulOptionsT())
    tiny.operator("MUL", [first, weight], [second], schema().MulOptionsT())
    for part in map(read_model, split(tiny.finish([source], [second]), ["first"])):
        names = [operator_name(part, o) for o in part.subgraphs[0].operators]
        assert names == ["DEQUANTIZE", "MUL"]
        assert bytes(part.buffers[1].data) == values.astype(np.float16).tobytes()


def test_signatures_follow_the_ports() -> None:
    model = read_model(two_branches())
    signature = schema().SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
    entries = [(b"picture", 0), (b"added", 4), (b"squashed", 5)]
    maps = []
    for name, index in entries:
        entry = schema().TensorMapT()
        entry.name, entry.tensorIndex = name, index
        maps.append(entry)
    signature.inputs, signature.outputs = maps[:1], maps[1:]
    model.signatureDefs = [signature]
    parts = [read_model(part).signatureDefs[0] for part in split(write_model(model), ["relu"])]
    names = [[[e.name for e in ports] for ports in (p.inputs, p.outputs)] for p in parts]
    assert names == [[[b"picture"], [b"relu"]], [[b"relu"], [b"added", b"squashed"]]]
    assert all(part.signatureKey == b"serving_default" for part in parts)
    exposed = read_model(expose(write_model(model), ["relu"])).signatureDefs[0]
    assert [entry.name for entry in exposed.outputs] == [b"added", b"squashed", b"relu"]


def test_metadata_that_would_be_wrong_is_left_out() -> None:
    model = read_model(two_branches())
    model.metadata = []
    for name in (b"min_runtime_version", b"OfflineMemoryAllocation"):
        entry, buffer = schema().MetadataT(), schema().BufferT()
        entry.name, entry.buffer = name, len(model.buffers)
        buffer.data = np.frombuffer(name, np.uint8)
        model.buffers.append(buffer)
        model.metadata.append(entry)
    for part in map(read_model, split(write_model(model), ["relu"])):
        assert [entry.name for entry in part.metadata] == [b"min_runtime_version"]
        assert bytes(part.buffers[part.metadata[0].buffer].data) == b"min_runtime_version"


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (["activation_16"], "name these too: activation_11"),
        (["activation_11", "activation_13", "activation_16"], "does not need activation_13"),
        (["activation11"], "nearest are .*activation_11"),
        (["input"], "nothing would be left in the head"),
        (["regressors", "classificators"], "nothing would be left in the tail"),
        (["regressors"], "name these too: activation_11, activation_16"),
        ([], "at least one tensor"),
        (["activation_11", "activation_11"], "named once"),
    ],
)
def test_what_is_no_cut_is_refused(tensors: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        split(fetch("blazeface_short_range"), tensors)


def test_a_state_that_both_parts_would_hold_is_refused() -> None:
    tiny = TinyModel()
    source, state = tiny.tensor("input"), tiny.tensor("state")
    tiny.graph.tensors[state].isVariable = True
    first, second = tiny.tensor("first"), tiny.tensor("second")
    tiny.operator("ADD", [source, state], [first], schema().AddOptionsT())
    tiny.operator("ADD", [first, state], [second], schema().AddOptionsT())
    with pytest.raises(InputError, match="both parts would need the state state"):
        split(tiny.finish([source], [second]), ["first"])


def test_weights_are_no_feature_maps() -> None:
    ones = np.ones(3, np.float32)
    model = read_model(batch_normalised(ones, ones, half=True))
    with pytest.raises(InputError, match="no tensor between layers"):
        find_tensors(model, model.subgraphs[0], ["gamma"])
