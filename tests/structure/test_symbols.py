"""A structure comes back from its symbols, which are few, and nothing else gets through."""

from __future__ import annotations

import contextlib
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmq_embedded.errors import BitstreamError, InputError
from fmq_embedded.model_store import fetch
from fmq_embedded.structure import (
    BatchNormalisation,
    Joint,
    Layer,
    LayerType,
    Network,
    NetworkGraph,
    from_symbols,
    read_tflite,
    to_symbols,
)
from fmq_embedded.structure.layer_types import KINDS
from fmq_embedded.structure.symbols import MAX_INPUTS, MAX_LAYERS

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Any network of up to 40 layers, with stretches that repeat."""
    layers: list[Layer] = []
    for position in range(draw(st.integers(0, 40))):
        if layers and draw(st.booleans()):
            back = draw(st.integers(1, len(layers)))
            old = layers[-back]
            inputs = tuple(i + back for i in old.inputs if i + back < position)
            layers.append(Layer(old.type, old.kind, inputs, old.batch_normalisation))
            continue
        layer_type = draw(st.sampled_from(LayerType))
        kind = draw(st.sampled_from(KINDS[layer_type]))
        inputs = ()
        if layer_type is not LayerType.INPUT and position:
            inputs = tuple(draw(st.lists(st.integers(0, position - 1), max_size=4)))
        known = None
        if layer_type is LayerType.BATCH_NORMALISATION and draw(st.booleans()):
            mean = draw(st.lists(FLOATS, max_size=3))
            known = BatchNormalisation(tuple(mean), tuple(abs(value) for value in mean))
            known = known if known.mean else None
        name = draw(st.text(max_size=3))
        layers.append(Layer(layer_type, kind, inputs, known, name, name + "x"))
    last = len(layers) - 1
    outputs = draw(st.lists(st.integers(0, last), max_size=3)) if layers else []
    return Network(tuple(layers), tuple(outputs), draw(st.text(max_size=3)))


def _names(network: Network) -> list[str]:
    return [network.name, *(f"{layer.name}/{layer.tensor}" for layer in network.layers)]


@settings(max_examples=120, deadline=None)
@given(networks())
def test_a_network_comes_back(network: Network) -> None:
    assert from_symbols(to_symbols(network)) == network
    named = from_symbols(to_symbols(network, names=True))
    assert named == network
    assert isinstance(named, Network)
    assert _names(named) == _names(network)


@settings(max_examples=50, deadline=None)
@given(st.lists(networks(), min_size=1, max_size=4), st.data())
def test_a_graph_comes_back(parts: list[Network], data: st.DataObject) -> None:
    joints = []
    for target, network in enumerate(parts):
        sources = [s for s in range(target) if parts[s].outputs]
        for number in range(len(network.inputs)):
            if sources and data.draw(st.booleans()):
                source = data.draw(st.sampled_from(sources))
                output = data.draw(st.integers(0, len(parts[source].outputs) - 1))
                joints.append(Joint(source, output, target, number))
    graph = NetworkGraph(tuple(parts), tuple(joints))
    assert from_symbols(to_symbols(graph)) == graph
    assert len(graph.joint_layers()) == len(joints)
    assert len(graph.joined().layers) == sum(len(p.layers) for p in parts) - len(joints)


def test_a_graph_of_one_network_is_a_graph() -> None:
    network = Network((Layer(LayerType.INPUT),), (0,))
    assert isinstance(from_symbols(to_symbols(NetworkGraph((network,)))), NetworkGraph)
    assert isinstance(from_symbols(to_symbols(network)), Network)


def test_these_bytes_stay_what_they_are() -> None:
    """Old bitstreams must decode for ever: a change here is a new version of the bitstream."""
    known = BatchNormalisation((0.5,), (2.0,))
    network = Network(
        (
            Layer(LayerType.INPUT),
            Layer(LayerType.CONVOLUTION, "depthwise", (0,)),
            Layer(LayerType.BATCH_NORMALISATION, inputs=(1,), batch_normalisation=known),
            Layer(LayerType.ACTIVATION, "softmax", (2,)),
            Layer(LayerType.SUMMATION, "concatenation", (3, 1)),
        ),
        (4, 2),
    )
    expected = "00 05 01 23 09 01 0000003f 00000040 8b03 2e 02 00 02 02 00 02"
    assert to_symbols(network).hex() == expected.replace(" ", "")


@pytest.mark.parametrize(
    ("model", "most_bytes"),
    [("blazeface_short_range", 91), ("ssd_mobilenet_v2", 80), ("keyword_spotting_on_off_v3", 60)],
)
def test_real_structures_cost_under_a_byte_for_each_layer(model: str, most_bytes: int) -> None:
    network = read_tflite(fetch(model))
    assert len(to_symbols(network)) <= most_bytes


def test_a_block_that_repeats_costs_a_few_bytes() -> None:
    layers = [Layer(LayerType.INPUT)]
    for _ in range(1000):
        last = len(layers) - 1
        layers.append(Layer(LayerType.CONVOLUTION, "depthwise", (last,)))
        layers.append(Layer(LayerType.SUMMATION, "addition", (last, last + 1)))
        layers.append(Layer(LayerType.ACTIVATION, "relu", (last + 2,)))
    network = Network(tuple(layers), (3000,))
    assert len(to_symbols(network)) < 25
    assert from_symbols(to_symbols(network)) == network


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_structure_or_an_error(data: bytes) -> None:
    with contextlib.suppress(BitstreamError):
        from_symbols(data)


@settings(max_examples=120, deadline=None)
@given(networks(), st.data())
def test_a_damaged_structure_is_a_structure_or_an_error(
    network: Network, data: st.DataObject
) -> None:
    damaged = bytearray(to_symbols(network, names=data.draw(st.booleans())))
    place = data.draw(st.integers(0, len(damaged) - 1))
    damaged[place] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(BitstreamError):
        from_symbols(bytes(damaged))


def test_every_truncation_is_an_error() -> None:
    data = to_symbols(read_tflite(fetch("resnet8")), names=True)
    for length in range(len(data)):
        with pytest.raises(BitstreamError):
            from_symbols(data[:length])
    with pytest.raises(BitstreamError, match="left over"):
        from_symbols(data + b"\0")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "truncated"),
        ("04", "flags"),
        ("00 ffffffffff01", "over 5 bytes"),
        ("00 ffff7f", f"over {MAX_LAYERS} layers"),
        ("00 03 01 00 02 01", "repeats"),
        ("00 03 01 00 01 03", "repeats"),
        ("00 01 00 01 01", "repeats"),
        ("00 01 13", "does not know"),
        ("00 01 e103", "does not know"),
        ("00 01 01 01 05", "corrupt"),
        ("00 02 01 04 01 05 01 00", "corrupt"),
        ("00 01 09 01 0000c07f 00000000 00", "not finite"),
        ("00 01 09 ffff03", "too short"),
        ("00 01 01 ffff03", "too short"),
        ("02 01 00 00 01 00 00 01 00", "corrupt"),
        ("01 01 ff", "not UTF-8"),
    ],
)
def test_what_is_no_structure(data: str, message: str) -> None:
    with pytest.raises(BitstreamError, match=message):
        from_symbols(bytes.fromhex(data))


def test_few_bytes_cannot_ask_for_much_memory() -> None:
    """65,000 layers that each read 30,000 others, in 60 KB: refused before they are made."""
    count = 30_000
    out = bytearray.fromhex("00 808004 01".replace("808004", "ffff03"))
    out += bytes([0x01 + 2 * 8 + 1]) + bytes([0xB0, 0xEA, 0x01]) + bytes(count)
    out += bytes([0, 1, 0xE8, 0x07])
    tracemalloc.start()
    with pytest.raises(BitstreamError, match=f"over {MAX_INPUTS} inputs"):
        from_symbols(bytes(out))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 << 20


def test_what_no_decoder_takes_is_not_written() -> None:
    layers = tuple(Layer(LayerType.INPUT) for _ in range(MAX_LAYERS + 1))
    with pytest.raises(InputError, match=f"up to {MAX_LAYERS} layers"):
        to_symbols(Network(layers, ()))
