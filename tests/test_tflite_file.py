"""Models are read safely and written as the schema asks."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmq_embedded.errors import InputError
from fmq_embedded.model_store import fetch
from fmq_embedded.tflite_file import (
    constant_operators,
    constant_tensors,
    find_tensors,
    read_model,
    schema,
    tensor_name,
    write_model,
)
from tests.tiny_models import TinyModel, batch_normalised, two_branches

ONES = np.ones(3, np.float32)
SMALL_MODELS = (two_branches(), batch_normalised(ONES, ONES, half=True))


def test_a_model_that_is_written_again_is_the_same() -> None:
    written = write_model(read_model(fetch("resnet8")))
    assert write_model(read_model(written)) == written


def test_the_data_of_each_buffer_is_aligned() -> None:
    tiny = TinyModel()
    source = tiny.tensor("input")
    values = [np.full(size, 37 + size, np.float32) for size in (1, 2, 3, 5)]
    for number, value in enumerate(values):
        tiny.tensor(f"weight{number}", data=value)
    result = tiny.tensor("output")
    tiny.operator("RELU", [source], [result])
    data = tiny.finish([source], [result])
    for value in values:
        assert data.index(value.tobytes()) % 16 == 0


def test_data_behind_the_flatbuffer_are_brought_in() -> None:
    model = read_model(batch_normalised(ONES, 2 * ONES))
    inside = [None if b.data is None else bytes(b.data) for b in model.buffers]
    tail = bytearray()
    for buffer, data in zip(model.buffers, inside, strict=True):
        if data is not None:
            buffer.data, buffer.offset, buffer.size = None, 1 << 20, len(data)
    raw = bytearray(_pack_as_is(model))
    for buffer, data in zip(model.buffers, inside, strict=True):
        if data is not None:
            buffer.offset = len(raw) + len(tail)
            tail += data
    raw = bytearray(_pack_as_is(model)) + tail
    again = read_model(bytes(raw))
    assert [None if b.data is None else bytes(b.data) for b in again.buffers] == inside
    with pytest.raises(InputError, match="truncated"):
        read_model(bytes(raw[:-1]))


def _pack_as_is(model: object) -> bytes:
    builder = schema().flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")  # type: ignore[attr-defined]
    return bytes(builder.Output())


def test_unpacked_weights_are_constants_and_layers_are_not() -> None:
    model = read_model(batch_normalised(ONES, ONES, half=True))
    graph = model.subgraphs[0]
    assert constant_operators(model, graph) == {0, 1}
    names = {tensor_name(graph.tensors[i]) for i in constant_tensors(graph)}
    assert names == {"gamma_half", "beta_half"}


def test_random_numbers_are_not_constants() -> None:
    tiny = TinyModel()
    shape = tiny.tensor("shape", data=np.array([2], np.int32), dtype="INT32")
    noise = tiny.tensor("noise", (2,))
    tiny.operator("RANDOM_UNIFORM", [shape], [noise], schema().RandomOptionsT())
    model = read_model(tiny.finish([], [noise]))
    assert constant_operators(model, model.subgraphs[0]) == set()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["relv"], "the nearest are relu"),
        (["gamma"], "no tensor between layers"),
        (["relu", "relu"], "named once"),
    ],
)
def test_names_of_feature_maps(names: list[str], message: str) -> None:
    model = read_model(two_branches())
    with pytest.raises(InputError, match=message):
        find_tensors(model, model.subgraphs[0], names)


def test_a_name_that_two_feature_maps_share_is_refused() -> None:
    tiny = TinyModel()
    first, second, third = (tiny.tensor(name) for name in ("input", "twin", "twin"))
    tiny.operator("RELU", [first], [second])
    tiny.operator("RELU", [second], [third])
    model = read_model(tiny.finish([first], [third]))
    with pytest.raises(InputError, match="2 tensors"):
        find_tensors(model, model.subgraphs[0], ["twin"])


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_model(tmp_path / "none.tflite")


@pytest.mark.parametrize("data", [b"", b"TFL3", bytes(100), b"\xff\xff\xff\xffTFL3" + bytes(50)])
def test_what_is_no_model(data: bytes) -> None:
    with pytest.raises(InputError):
        read_model(data)


def test_every_truncation_is_an_error() -> None:
    data = two_branches()
    for length in range(len(data)):
        with pytest.raises(InputError):
            read_model(data[:length])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda m: setattr(m.subgraphs[0].operators[0], "opcodeIndex", 99),
            "operator's code is 99",
        ),
        (lambda m: setattr(m.subgraphs[0].operators[0], "inputs", [99]), "operator's tensor is 99"),
        (lambda m: setattr(m.subgraphs[0].operators[0], "inputs", [4]), "before anything"),
        (lambda m: setattr(m.subgraphs[0].operators[4], "outputs", [4]), "made twice"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "buffer", 99), "tensor's buffer is 99"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "shape", [1 << 30, 9]), "cannot have"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "shape", [-3]), "cannot have"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "externalBuffer", 1), "another file"),
        (lambda m: setattr(m.subgraphs[0], "outputs", [-1]), "subgraph's tensor is -1"),
        (lambda m: setattr(m, "subgraphs", []), "no subgraph"),
    ],
)
def test_an_index_that_points_nowhere(change: object, message: str) -> None:
    model = read_model(two_branches())
    change(model)  # type: ignore[operator]
    with pytest.raises(InputError, match=message):
        read_model(write_model(model))


@settings(max_examples=400, deadline=None)
@given(
    data=st.sampled_from(SMALL_MODELS),
    edits=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 2**32 - 1)),
        min_size=1,
        max_size=4,
    ),
    width=st.sampled_from(["<B", "<H", "<I"]),
)
def test_a_damaged_model_is_read_or_refused(
    data: bytes, edits: list[tuple[float, int]], width: str
) -> None:
    damaged = bytearray(data)
    size = struct.calcsize(width)
    for place, value in edits:
        start = int(place * (len(damaged) - size))
        struct.pack_into(width, damaged, start, value % (1 << 8 * size))
    with contextlib.suppress(InputError):
        read_model(bytes(damaged))


def test_tables_shared_without_end_are_refused() -> None:
    """A vector of subgraphs that all are one and the same, in a copy of the model behind it."""
    raw = two_branches()
    count = 20_000
    start = len(raw)
    copy = start + 4 + 4 * count
    data = bytearray(raw + struct.pack("<I", count) + bytes(4 * count) + raw)
    root = struct.unpack_from("<I", raw)[0]
    vtable = root - struct.unpack_from("<i", raw, root)[0]
    subgraphs = root + struct.unpack_from("<H", raw, vtable + 8)[0]
    vector = subgraphs + struct.unpack_from("<I", raw, subgraphs)[0]
    graph = copy + vector + 4 + struct.unpack_from("<I", raw, vector + 4)[0]
    struct.pack_into("<I", data, subgraphs, start - subgraphs)
    for place in range(start + 4, copy, 4):
        struct.pack_into("<I", data, place, graph - place)
    with pytest.raises(InputError, match="shared so often"):
        read_model(bytes(data))
