"""Files and streams that are data: whatever is in them, nothing is run and only FmqErrors come."""

from __future__ import annotations

import io
import pickle
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fmq_embedded as fmq
from firmware_tools.link.frames import Frame, FrameReader, pack
from fmq_embedded.deploy.deployment_files import DESCRIPTION, TABLES, load
from fmq_embedded.errors import FmqError, InputError
from fmq_embedded.files import read_array
from fmq_embedded.runtimes import open_model
from fmq_embedded.structure.tflite import read_tflite
from tests.deploy.tiny_deployment import model, split_deployment
from tests.tiny_models import TinyModel

QUICK = settings(
    max_examples=150,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
MAX_ELEMENTS = 4096
Change = tuple[int, int]

SAMPLES = np.random.default_rng(2).normal(size=(3, 4, 2)).astype(np.float32)
SETTINGS = {
    "standard": fmq.Settings(bit_depth=5),
    "fast": fmq.Settings(bit_depth=5, profile="fast"),
    "dense": fmq.Settings(profile="dense", target_sqnr=15),
    "dense levels": fmq.Settings(bit_depth=5, profile="dense"),
    "classes": fmq.Settings(partition="channel"),
}
STREAMS = {
    name: fmq.encode({"one": SAMPLES, "two": SAMPLES[0]}, chosen)[:-4]
    for name, chosen in SETTINGS.items()
}
BYTES_PER_ELEMENT = 256
"""That Python's decoder takes of memory at most, all profiles alike; and as much as this anyway:"""
LEAST_BYTES = 1 << 19


def changed(data: bytes, changes: list[Change]) -> bytes:
    """Bytes at places, modulo the size, put in the place of others."""
    out = bytearray(data)
    for at, byte in changes:
        out[at % len(out)] = byte
    return bytes(out)


CHANGES = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), max_size=6)


def only_fmq_errors(action: Callable[[], object]) -> object:
    try:
        return action()
    except FmqError as error:
        assert str(error)
        return None


@pytest.mark.parametrize("kind", STREAMS)
@QUICK
@given(changes=CHANGES, cut=st.integers(0, 80), more=st.binary(max_size=20))
def test_streams(kind: str, changes: list[Change], cut: int, more: bytes) -> None:
    stream = STREAMS[kind]
    body = changed(stream, changes)[: max(len(stream) - cut, 1)] + more
    data = body + zlib.crc32(body).to_bytes(4, "little")
    maps = only_fmq_errors(lambda: fmq.decode(data, max_elements=MAX_ELEMENTS))
    if maps is not None:
        arrays = maps.values() if isinstance(maps, dict) else [maps]
        assert sum(array.size for array in arrays) <= MAX_ELEMENTS


@pytest.mark.parametrize("kind", STREAMS)
def test_memory_is_bounded_by_what_is_allowed(kind: str) -> None:
    """Of each stream with a byte of its header, or of its shape, made as large as can be."""
    stream = STREAMS[kind]
    fmq.decode(stream + zlib.crc32(stream).to_bytes(4, "little"))  # what is loaded at the first
    tracemalloc.start()
    try:
        for at in range(min(len(stream), 60)):
            for many in (b"\x7f", b"\xff\xff\x7f", b"\xff\xff\xff\xff\x7f"):
                body = stream[:at] + many + stream[at + 1 :]
                data = body + zlib.crc32(body).to_bytes(4, "little")
                only_fmq_errors(lambda data=data: fmq.decode(data, max_elements=MAX_ELEMENTS))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= BYTES_PER_ELEMENT * MAX_ELEMENTS + LEAST_BYTES


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes_as_a_stream_or_a_model(data: bytes) -> None:
    only_fmq_errors(lambda: fmq.decode(data, max_elements=MAX_ELEMENTS))
    only_fmq_errors(lambda: read_tflite(data))


@QUICK
@given(CHANGES)
def test_models(changes: list[Change]) -> None:
    data = changed(model(), changes)
    only_fmq_errors(lambda: read_tflite(data))


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return split_deployment(tmp_path_factory.mktemp("hostile") / "d")


@QUICK
@given(st.sampled_from([DESCRIPTION, TABLES]), CHANGES)
def test_deployments(deployment: Path, name: str, changes: list[Change]) -> None:
    path = deployment / name
    kept = path.read_bytes()
    try:
        path.write_bytes(changed(kept, changes))
        only_fmq_errors(lambda: load(deployment))
    finally:
        path.write_bytes(kept)


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_pickles_in_arrays_are_not_run(deployment: Path, tmp_path: Path) -> None:
    mark = tmp_path / "it ran"
    bomb = np.array([Bomb(mark)], dtype=object)
    for name, save in {"a.npy": np.save, "a.npz": np.savez}.items():
        save(tmp_path / name, bomb, allow_pickle=True)
        with pytest.raises(InputError, match="file of plain arrays"):
            read_array(tmp_path / name)
    (tmp_path / "plain.npy").write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(InputError):
        read_array(tmp_path / "plain.npy")
    kept = (deployment / TABLES).read_bytes()
    out = io.BytesIO()
    np.savez(out, tensor0_threshold_bits=bomb)
    (deployment / TABLES).write_bytes(out.getvalue())
    with pytest.raises(InputError):
        load(deployment)
    (deployment / TABLES).write_bytes(kept)
    assert not mark.exists()


def test_custom_operators_are_not_run() -> None:
    """Their code would come from elsewhere: structures name them, and no runtime has them."""
    tiny = TinyModel()
    source, target = tiny.tensor("in", (1, 4)), tiny.tensor("out", (1, 4))
    tiny.operator("CUSTOM", [source], [target])
    tiny.model.operatorCodes[0].customCode = b"RunMe"
    data = tiny.finish([source], [target])
    assert [layer.type.name for layer in read_tflite(data).layers] == ["INPUT", "OTHER"]
    with pytest.raises(InputError, match="RunMe"):
        open_model(data).run(np.ones((1, 4), np.float32))


@QUICK
@given(CHANGES, st.lists(st.integers(1, 40), max_size=5))
def test_lines(changes: list[Change], pieces: list[int]) -> None:
    """Whatever comes on a line: frames that hold, or nothing."""
    frame = Frame(1, 2, bytes(range(40)))
    line, reader, got = changed(pack(frame) * 2, changes), FrameReader(), []
    for size in pieces:
        got += reader.feed(line[:size])
        line = line[size:]
    got += reader.feed(line + b"\0" + pack(frame))
    assert got[-1] == frame
    assert all(found == frame for found in got)
