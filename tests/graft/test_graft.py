"""What grafting does to a model's file: its ports, its size, and what it refuses."""

from __future__ import annotations

import contextlib
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmq_embedded.deploy.graft import (
    dequantizer_model,
    graft_head,
    graft_tail,
    passing_model,
    quantizer_model,
)
from fmq_embedded.deploy.lowering import LOWERINGS, lowering
from fmq_embedded.deploy.map_tables import MapTables
from fmq_embedded.deploy.split import split
from fmq_embedded.errors import InputError
from fmq_embedded.model_store import fetch
from fmq_embedded.quantizers import Quantizer, SampleType
from fmq_embedded.runtimes import open_engine, open_model
from fmq_embedded.tflite_file import read_model, schema, tensor_name, write_model
from tests.graft.engines import channel_tables, operators, tables
from tests.tiny_models import TinyModel, batch_normalised, two_branches

EIGHT_BITS = Quantizer.uniform(0.0, 6.0, 8)
UNEVEN = Quantizer.explicit(
    np.geomspace(0.01, 6, 255).tolist(), np.geomspace(0.01, 6, 256).tolist()
)
SHAPE = (1, 4, 4, 3)
LINE = {"MUL", "MINIMUM", "CAST", "GATHER", "GREATER_EQUAL", "ADD"}


def _relu_tables(name: str = "relu") -> MapTables:
    return MapTables.of(name, SampleType(), EIGHT_BITS)


@pytest.mark.parametrize("name", ["tflite", "micro"])
@pytest.mark.parametrize(
    ("map_of", "limit"),
    [
        (tables(EIGHT_BITS), 2048),
        (tables(EIGHT_BITS, "int8", 0.05, -128), 1024),
        (tables(Quantizer.uniform(-30.0, 30.0, 8), "int16", 0.001, 0), 2400),
    ],
)
def test_a_table_of_8_bits_adds_at_most_2_kb(name: str, map_of: MapTables, limit: int) -> None:
    """TFLite Micro needs an addition more: its float32 quantizer is 32 bytes above 2 KB."""
    plain = len(passing_model("map", map_of.samples, SHAPE))
    extra = 160 if name == "micro" else 0
    assert len(quantizer_model(map_of, SHAPE, name).model) - plain <= limit + extra
    assert len(dequantizer_model(map_of, SHAPE, name).model) - plain <= limit + extra


@pytest.mark.parametrize(
    ("name", "map_of", "expected"),
    [
        ("tflite", tables(EIGHT_BITS), LINE),
        ("tflite", tables(UNEVEN), {"BUCKETIZE", "CAST"}),
        ("micro", tables(UNEVEN), {"GATHER", "GREATER_EQUAL", "CAST", "MUL", "ADD"}),
        ("tflite", tables(EIGHT_BITS, "uint8", 0.1, 0), {"CAST", "GATHER"}),
        ("micro", tables(EIGHT_BITS, "int8", 0.1, 0), {"CAST", "ADD", "GATHER"}),
        ("npu", tables(EIGHT_BITS, "int8", 0.025, -128), {"DEPTHWISE_CONV_2D"}),
        ("npu", tables(UNEVEN, "int8", 0.025, -128), {"CAST", "ADD", "GATHER"}),
        # 65,535 thresholds of 4 bytes are more than 65,536 levels of 2.
        ("tflite", tables(Quantizer.uniform(-30, 30, 16), "int16", 0.001, 0),
         {"CAST", "ADD", "GATHER"}),
        ("tflite", tables(Quantizer.uniform(-30, 30, 12), "int16", 0.001, 0),
         LINE),
    ],
)  # fmt: skip
def test_the_cheapest_exact_form_is_taken(name: str, map_of: MapTables, expected: set[str]) -> None:
    assert set(operators(quantizer_model(map_of, SHAPE, name).model)) == expected


def test_bytes_are_the_same_each_time() -> None:
    head, tail = split(two_branches(), ["relu"])
    for name in ("tflite", "micro"):
        assert graft_head(head, [_relu_tables()], name) == graft_head(head, [_relu_tables()], name)
        assert graft_tail(tail, [_relu_tables()], name) == graft_tail(tail, [_relu_tables()], name)


def test_levels_say_how_they_are_kept() -> None:
    for name, dtype, zero_point in (("tflite", "uint8", 0), ("micro", "int8", -128)):
        grafted = graft_head(split(two_branches(), ["relu"])[0], [_relu_tables()], name)
        (port,) = open_model(grafted.model, "litert").outputs
        assert port.name == "relu_levels"
        assert (port.dtype.name, port.zero_point) == (dtype, zero_point)
        tail = graft_tail(split(two_branches(), ["relu"])[1], [_relu_tables()], name)
        (port,) = open_model(tail.model, "litert").inputs
        assert (port.name, port.dtype.name, port.zero_point) == ("relu_levels", dtype, zero_point)
    sixteen = quantizer_model(tables(Quantizer.uniform(0, 1, 16)), SHAPE)
    assert sixteen.ports["map"][1].dtype == "int16"
    assert sixteen.ports["map"][1].zero_point == -32768


def test_several_maps_in_their_order() -> None:
    cut = ["negative", "absolute", "relu"]
    maps = [MapTables.of(n, SampleType(), Quantizer.uniform(-4.0, 4.0, 6)) for n in cut]
    head, tail = split(two_branches(), cut)
    first, second = graft_head(head, maps), graft_tail(tail, maps)
    names = [f"{name}_levels" for name in cut]
    assert [p.name for p in open_model(first.model, "litert").outputs] == names
    assert [p.name for p in open_model(second.model, "litert").inputs] == names
    samples = np.random.default_rng(2).normal(0, 2, SHAPE).astype(np.float32)
    levels = first.levels_of(open_model(first.model, "litert").run(samples))
    plain = open_model(head, "litert").run(samples)
    for each in maps:
        expected = each.quantizers[0].quantize(plain[each.name])
        np.testing.assert_array_equal(levels[each.name], expected)


def test_signatures_are_kept_and_their_ports_renamed() -> None:
    model = read_model(two_branches())
    signature = schema().SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
    entries = []
    for name, index in ((b"picture", 0), (b"added", 4), (b"squashed", 5)):
        entry = schema().TensorMapT()
        entry.name, entry.tensorIndex = name, index
        entries.append(entry)
    signature.inputs, signature.outputs = entries[:1], entries[1:]
    model.signatureDefs = [signature]
    head, tail = split(write_model(model), ["relu"])
    parts = [graft_head(head, [_relu_tables()]), graft_tail(tail, [_relu_tables()])]
    names = []
    for part in parts:
        read = read_model(part.model)
        (own,) = read.signatureDefs
        assert own.signatureKey == b"serving_default"
        names.append([[e.name for e in ports] for ports in (own.inputs, own.outputs)])
        graph = read.subgraphs[0]
        assert [e.tensorIndex for e in own.outputs] == list(graph.outputs)
        assert [e.tensorIndex for e in own.inputs] == list(graph.inputs)
    assert names == [
        [[b"picture"], [b"relu_levels"]],
        [[b"relu_levels"], [b"added", b"squashed"]],
    ]


def test_a_name_that_is_taken() -> None:
    tiny = TinyModel()
    source, map_, other = tiny.tensor("input"), tiny.tensor("map"), tiny.tensor("map_levels")
    tiny.operator("ABS", [source], [other], schema().AbsOptionsT())
    tiny.operator("RELU", [other], [map_])
    grafted = graft_head(tiny.finish([source], [map_]), [tables(EIGHT_BITS)])
    assert grafted.ports["map"][0] == "map_levels_2"


@pytest.mark.parametrize("engine", ["litert", "litert_reference", "micro"])
def test_a_nan_ends_nothing(engine: str) -> None:
    """A NaN is an error of the head; here it may be refused or get any level, no more."""
    name = "micro" if engine == "micro" else "tflite"
    for quantizer in (EIGHT_BITS, UNEVEN):
        grafted = quantizer_model(tables(quantizer), (1, 1, 4, 1), name)
        samples = np.array([np.nan, np.inf, -np.inf, 1.0], np.float32).reshape(1, 1, 4, 1)
        model = open_engine(grafted.model, engine)
        with contextlib.suppress(InputError):
            levels = grafted.levels_of(model.run(samples))["map"].ravel()
            assert levels[0] in range(256)
        samples[0, 0, 0] = 0
        levels = grafted.levels_of(model.run(samples))["map"].ravel()
        assert levels.tolist() == [quantizer.quantize([np.float32(0)])[0], 255, 0,
                                   quantizer.quantize([np.float32(1)])[0]]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lowering("tflit"), "nearest are tflite"),
        (lambda: graft_head(two_branches(), [_relu_tables("rely")]), "nearest are relu"),
        (lambda: graft_head(two_branches(), [_relu_tables()]), "not an output of this head"),
        (lambda: graft_tail(two_branches(), [_relu_tables()]), "not an input of this tail"),
        (
            lambda: graft_head(
                two_branches(), [MapTables.of("sum", SampleType("int8"), EIGHT_BITS)]
            ),
            "not int8",
        ),
        (
            lambda: quantizer_model(channel_tables([EIGHT_BITS, EIGHT_BITS], [0, 1]), SHAPE),
            "3 channels; its classes are for 2",
        ),
        (
            lambda: quantizer_model(tables(EIGHT_BITS, "uint8", 0.1, 0), SHAPE, "micro"),
            "convert the model to int8",
        ),
        (lambda: quantizer_model(tables(EIGHT_BITS), SHAPE, "npu"), "or use --lowering micro"),
        (
            lambda: quantizer_model(
                tables(Quantizer.uniform(0, 1, 9), "int8", 0.1, 0), SHAPE, "npu"
            ),
            "levels of 9 bits",
        ),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()


def test_what_tflite_micro_does_not_run_is_refused_at_export() -> None:
    head, _ = split(fetch("blazeface_short_range"), ["activation_11", "activation_16"])
    maps = [
        MapTables.of(name, SampleType(), EIGHT_BITS) for name in ("activation_11", "activation_16")
    ]
    with pytest.raises(InputError, match=r"float16.*convert the model with float32 weights"):
        graft_head(head, maps, "micro")
    tiny = TinyModel()
    source, odd, result = tiny.tensor("input"), tiny.tensor("odd"), tiny.tensor("map")
    tiny.operator("RELU", [source], [odd])
    tiny.operator("ATAN2", [source, odd], [result])
    with pytest.raises(InputError, match=r"TFLite Micro has no ATAN2.*--lowering tflite"):
        graft_head(tiny.finish([source], [result]), [tables(EIGHT_BITS)], "micro")


def test_every_lowering_has_its_name() -> None:
    assert [lowering(name).name for name in LOWERINGS] == list(LOWERINGS)


ONES = np.ones(3, np.float32)
DAMAGED = (two_branches(), batch_normalised(ONES, ONES, half=True))


@settings(max_examples=300, deadline=None)
@given(
    data=st.sampled_from(DAMAGED),
    edits=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 2**32 - 1)), max_size=4
    ),
    width=st.sampled_from(["<B", "<H", "<I"]),
    length=st.floats(0.5, 1),
)
def test_a_damaged_model_is_grafted_or_refused(
    data: bytes, edits: list[tuple[float, int]], width: str, length: float
) -> None:
    damaged = bytearray(data[: int(length * len(data))] if length < 0.6 else data)
    size = struct.calcsize(width)
    for place, value in edits:
        start = int(place * (len(damaged) - size))
        struct.pack_into(width, damaged, start, value % (1 << 8 * size))
    for name in ("sum", "side", "normalised"):
        for target in ("tflite", "micro"):
            map_of = MapTables.of(name, SampleType(), EIGHT_BITS)
            with contextlib.suppress(InputError):
                graft_head(bytes(damaged), [map_of], target)
            with contextlib.suppress(InputError):
                graft_tail(
                    bytes(damaged), [MapTables.of("input", SampleType(), EIGHT_BITS)], target
                )
            with contextlib.suppress(InputError):
                split(bytes(damaged), [name])


def test_a_circle_of_operators_is_refused() -> None:
    tiny = TinyModel()
    source, first, second = (tiny.tensor(name) for name in ("input", "first", "map"))
    tiny.operator("ADD", [source, second], [first], schema().AddOptionsT())
    tiny.operator("RELU", [first], [second])
    with pytest.raises(InputError, match="before anything has made it"):
        graft_head(tiny.finish([source], [second]), [tables(EIGHT_BITS)])


def test_equal_shapes_are_written_once() -> None:
    model = read_model(two_branches())
    again = write_model(model)
    assert len(again) < len(two_branches())
    shapes = {tensor_name(t): list(t.shape) for t in read_model(again).subgraphs[0].tensors}
    assert set(map(tuple, shapes.values())) == {SHAPE}
