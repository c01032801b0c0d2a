"""libfmq's codec as a library of this machine, called through ctypes."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.c_structures import CDeployment, CTensor
from firmware_tools.firmware import library_sources
from firmware_tools.toolchains import host_library
from fmq_embedded.entropy import Geometry

LIBFMQ = Path(__file__).resolve().parents[2] / "firmware_tools" / "libfmq"
CODEC_SOURCES = tuple(library_sources())
CODINGS = Path(__file__).with_name("all_codings.c")
ENTROPY, PACKED, CONSTANT = 0, 1, 2
STATE_BYTES = 4096

SANITIZE = os.environ.get("FMQ_TEST_SANITIZE", "none")
GUARD = 0 if SANITIZE == "address" else 8
"""Bytes behind each buffer that must stay as they are; the sanitizer watches them itself."""

Levels = npt.NDArray[Any]


class CParser(ctypes.Structure):
    """fmq_stream_parser_t."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_size_t),
        ("position", ctypes.c_size_t),
        ("tensors_left", ctypes.c_uint32),
        ("structure_size", ctypes.c_uint32),
        ("structure", ctypes.c_size_t),
        ("flags", ctypes.c_uint8),
    )


class CStreamTensor(ctypes.Structure):
    """fmq_stream_tensor_t."""

    _fields_ = (
        ("name", ctypes.c_size_t),
        ("parameters", ctypes.c_size_t),
        ("payload", ctypes.c_size_t),
        ("name_size", ctypes.c_uint32),
        ("parameter_count", ctypes.c_uint32),
        ("dimensions", ctypes.c_uint32 * 8),
        ("count", ctypes.c_uint32),
        ("scale", ctypes.c_uint32),
        ("zero_point", ctypes.c_int32),
        ("layer", ctypes.c_uint32),
        ("step_size", ctypes.c_uint32),
        ("rounding_offset", ctypes.c_uint32),
        ("centre", ctypes.c_uint32),
        ("rank", ctypes.c_uint8),
        ("type", ctypes.c_uint8),
        ("choice", ctypes.c_uint8),
        ("shape", ctypes.c_uint8),
        ("bit_depth", ctypes.c_uint8),
        ("coding", ctypes.c_uint8),
    )


@dataclass(frozen=True)
class Tensor:
    """A tensor of a made-up deployment; its header may be any bytes."""

    geometry: Geometry
    centre: int
    bit_depth: int
    header: bytes = b"header"
    profile: int = 0

    @property
    def dtype(self) -> type[np.unsignedinteger[Any]]:
        return np.uint8 if self.bit_depth <= 8 else np.uint16

    def empty(self) -> Levels:
        return np.zeros(self.geometry.count, self.dtype)


def c_deployment(tensors: Sequence[Tensor], preamble: bytes) -> CDeployment:
    array = (CTensor * len(tensors))(
        *(
            CTensor(
                t.geometry.rows,
                t.geometry.columns,
                t.geometry.channels,
                t.geometry.count,
                t.centre,
                t.bit_depth,
                t.profile,
                None,
                None,
                t.header,
                len(t.header),
            )
            for t in tensors
        )
    )
    return CDeployment(b"test", 0, preamble, len(preamble), array, len(tensors))


@cache
def library() -> ctypes.CDLL:
    lib = ctypes.CDLL(str(host_library([*CODEC_SOURCES, CODINGS], sanitize=SANITIZE)))
    size_t = ctypes.c_size_t
    lib.fmq_crc32.restype = ctypes.c_uint32
    lib.fmq_crc32.argtypes = [ctypes.c_uint32, ctypes.c_char_p, size_t]
    for name in ("fmq_work_size", "fmq_stream_limit"):
        getattr(lib, name).restype = size_t
    for name in ("fmq_stream_writer_poll", "fmq_stream_reader_sink"):
        getattr(lib, name).restype = size_t
        getattr(lib, name).argtypes = [ctypes.c_void_p, ctypes.c_void_p, size_t]
    for name in ("is_busy", "is_done"):
        getattr(lib, f"fmq_stream_writer_{name}").restype = ctypes.c_bool
    lib.fmq_stream_reader_is_done.restype = ctypes.c_bool
    return lib


class Codec:
    """The functions of codec.h and bitstream.h for one deployment."""

    def __init__(self, tensors: Sequence[Tensor], preamble: bytes = b"preamble") -> None:
        self.tensors = tensors
        self.deployment = c_deployment(tensors, preamble)
        self.lib = library()
        self._reference = ctypes.byref(self.deployment)
        self.work_size = max(
            self.lib.fmq_work_size(ctypes.byref(self.deployment.tensors[i]))
            for i in range(len(tensors))
        )
        self.limit = int(self.lib.fmq_stream_limit(self._reference))

    def encode(
        self,
        levels: Sequence[Levels],
        capacity: int | None = None,
        work_size: int | None = None,
        misaligned: int = 0,
    ) -> tuple[int, bytes]:
        capacity = self.limit if capacity is None else capacity
        out = np.full(capacity + GUARD, 0xA5, np.uint8)
        size = ctypes.c_size_t(12345)
        work_size = self.work_size if work_size is None else work_size
        work = np.full(work_size + misaligned + GUARD, 0x5A, np.uint8)
        status = self.lib.fmq_encode(
            self._reference,
            _pointers(levels),
            ctypes.c_void_p(work.ctypes.data + misaligned),
            ctypes.c_size_t(work_size),
            ctypes.c_void_p(out.ctypes.data),
            ctypes.c_size_t(capacity),
            ctypes.byref(size),
        )
        assert (out[capacity:] == 0xA5).all(), "bytes behind the output were written"
        assert (work[work_size + misaligned :] == 0x5A).all(), "bytes behind the work were written"
        return status, out[: size.value].tobytes()

    def decode(self, data: bytes, work_size: int | None = None) -> tuple[int, list[Levels]]:
        levels = [t.empty() for t in self.tensors]
        work_size = self.work_size if work_size is None else work_size
        work = np.full(work_size + GUARD, 0x5A, np.uint8)
        source = np.frombuffer(data, np.uint8).copy()
        status = self.lib.fmq_decode(
            self._reference,
            ctypes.c_void_p(source.ctypes.data),
            ctypes.c_size_t(len(data)),
            _pointers(levels),
            ctypes.c_void_p(work.ctypes.data),
            ctypes.c_size_t(work_size),
        )
        assert (work[work_size:] == 0x5A).all(), "bytes behind the work were written"
        return status, levels


class Writer:
    """fmq_stream_writer_t, with work of just the size that it needs."""

    def __init__(self, codec: Codec) -> None:
        self.codec, self.lib = codec, codec.lib
        self.state = np.zeros(STATE_BYTES, np.uint8)
        self.work = np.zeros(codec.work_size, np.uint8)
        self._at = ctypes.c_void_p(self.state.ctypes.data)
        size = ctypes.c_size_t(self.work.size)
        work = ctypes.c_void_p(self.work.ctypes.data)
        self.lib.fmq_stream_writer_start(self._at, codec._reference, work, size)

    def survey(self, levels: Levels) -> int:
        return int(self.lib.fmq_stream_writer_survey(self._at, _pointer(levels), _size(levels)))

    def choice(self) -> tuple[int, int]:
        coding = ctypes.c_int(-1)
        status = self.lib.fmq_stream_writer_choice(self._at, ctypes.byref(coding))
        return status, coding.value

    def begin(self, coding: int) -> int:
        return int(self.lib.fmq_stream_writer_begin(self._at, coding))

    def sink(self, levels: Levels) -> tuple[int, int]:
        taken = ctypes.c_size_t(0)
        status = self.lib.fmq_stream_writer_sink(
            self._at, _pointer(levels), _size(levels), ctypes.byref(taken)
        )
        return status, taken.value

    def poll(self, capacity: int) -> bytes:
        out = np.zeros(capacity, np.uint8)
        return out[: self.lib.fmq_stream_writer_poll(self._at, out.ctypes.data, capacity)].tobytes()

    @property
    def is_busy(self) -> bool:
        return bool(self.lib.fmq_stream_writer_is_busy(self._at))

    @property
    def is_done(self) -> bool:
        return bool(self.lib.fmq_stream_writer_is_done(self._at))


class Reader:
    """fmq_stream_reader_t, with work of just the size that it needs."""

    def __init__(self, codec: Codec) -> None:
        self.codec, self.lib = codec, codec.lib
        self.state = np.zeros(STATE_BYTES, np.uint8)
        self.work = np.zeros(codec.work_size, np.uint8)
        self._at = ctypes.c_void_p(self.state.ctypes.data)
        size = ctypes.c_size_t(self.work.size)
        work = ctypes.c_void_p(self.work.ctypes.data)
        self.lib.fmq_stream_reader_start(self._at, codec._reference, work, size)

    def sink(self, data: bytes) -> int:
        source = np.frombuffer(data, np.uint8)
        return int(self.lib.fmq_stream_reader_sink(self._at, source.ctypes.data, source.size))

    def end(self) -> None:
        self.lib.fmq_stream_reader_end(self._at)

    def poll(self, levels: Levels) -> tuple[int, int]:
        polled = ctypes.c_size_t(0)
        status = self.lib.fmq_stream_reader_poll(
            self._at, _pointer(levels), _size(levels), ctypes.byref(polled)
        )
        return status, polled.value

    @property
    def is_done(self) -> bool:
        return bool(self.lib.fmq_stream_reader_is_done(self._at))


class Parser:
    """fmq_stream_parser_t over a stream; `status` is that of its preamble."""

    def __init__(self, data: bytes) -> None:
        self.source = np.frombuffer(data, np.uint8).copy()
        self.state = CParser()
        size = ctypes.c_size_t(len(data))
        at = ctypes.c_void_p(self.source.ctypes.data)
        self.status = library().fmq_stream_parse(ctypes.byref(self.state), at, size)

    def tensor(self) -> tuple[int, CStreamTensor]:
        tensor = CStreamTensor()
        parse = library().fmq_stream_parse_tensor
        return parse(ctypes.byref(self.state), ctypes.byref(tensor)), tensor

    def skip(self, tensor: CStreamTensor) -> int:
        skip = library().fmq_stream_parse_skip
        return int(skip(ctypes.byref(self.state), ctypes.byref(tensor)))


def _pointer(levels: Levels) -> ctypes.c_void_p:
    assert levels.flags.c_contiguous
    return ctypes.c_void_p(levels.ctypes.data)


def _size(levels: Levels) -> ctypes.c_size_t:
    return ctypes.c_size_t(levels.size)


def _pointers(levels: Sequence[Levels]) -> Any:
    return (ctypes.c_void_p * len(levels))(*(_pointer(array) for array in levels))
