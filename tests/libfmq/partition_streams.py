"""Bitstreams of one tensor whose class map comes with each map: libfmq's and the Numba path's."""

from __future__ import annotations

import ctypes

import numpy as np

from firmware_tools.c_structures import CDeployment, CTensor
from fmq_embedded import codec
from fmq_embedded.bitstream.fields import Writer
from fmq_embedded.bitstream.headers import (
    Preamble,
    TensorHeader,
    write_preamble,
    write_tensor_header,
)
from fmq_embedded.partition import Partition, encode_class_map
from fmq_embedded.quantizers.samples import SampleType
from tests.libfmq.partition_library import Array, PartitionedTensor, library

STATE_BYTES = 4096
PREAMBLE = Preamble(1)


def twin_stream(partition: Partition, samples: SampleType, joint: Array) -> tuple[bytes, bytes]:
    """The stream, and the tensor's header in it up to the class map."""
    header = TensorHeader(
        partition.shape,
        samples.dtype,
        samples.scale,
        samples.zero_point,
        quantizer=partition.base,
        centre=partition.centre,
        partition=partition,
    )
    writer = Writer()
    write_tensor_header(writer, header, named=False)
    class_map = encode_class_map(
        partition.kind, partition.class_map, partition.geometry, len(partition.classes)
    )
    fixed = bytes(writer.data)[: len(writer.data) - len(class_map)]
    return codec.assemble(PREAMBLE, [(header, joint)]), fixed


class DynamicCodec:
    """The functions of codec.h and bitstream.h for a tensor that `make_dynamic` was called on."""

    def __init__(self, tensor: PartitionedTensor, header: bytes) -> None:
        tensor.set_header(header)
        writer = Writer()
        write_preamble(writer, PREAMBLE)
        self._preamble = bytes(writer.data)
        array = (CTensor * 1)(tensor.c_tensor)
        self.tensor, self.lib = tensor, library()
        self.deployment = CDeployment(b"d", 0, self._preamble, len(self._preamble), array, 1)
        self._at = ctypes.byref(self.deployment)
        self.lib.fmq_work_size.restype = self.lib.fmq_stream_limit.restype = ctypes.c_size_t
        self.lib.fmq_stream_reader_sink.restype = ctypes.c_size_t
        self.lib.fmq_stream_reader_is_done.restype = ctypes.c_bool
        size = int(self.lib.fmq_work_size(ctypes.byref(tensor.c_tensor)))
        self.work = np.zeros(size, np.uint8)
        self.limit = int(self.lib.fmq_stream_limit(self._at))

    def encode(self, levels: Array, capacity: int) -> tuple[int, bytes]:
        """The status and the stream of levels whose classes are in the tensor's `cells`."""
        out, size = np.zeros(capacity, np.uint8), ctypes.c_size_t()
        status = self.lib.fmq_encode(
            self._at,
            (ctypes.c_void_p * 1)(levels.ctypes.data),
            *_buffer(self.work),
            *_buffer(out),
            ctypes.byref(size),
        )
        return int(status), out[: size.value].tobytes()

    def decode(self, data: bytes) -> tuple[int, Array]:
        """The status and the levels; the classes are then in the tensor's `cells`."""
        source, levels = np.frombuffer(data, np.uint8).copy(), self._empty()
        status = self.lib.fmq_decode(
            self._at,
            *_buffer(source),
            (ctypes.c_void_p * 1)(levels.ctypes.data),
            *_buffer(self.work),
        )
        return int(status), levels

    def read(self, data: bytes, piece: int) -> tuple[int, Array]:
        """The same, from pieces of at most so many bytes and levels."""
        state, levels, done = np.zeros(STATE_BYTES, np.uint8), self._empty(), 0
        at = ctypes.c_void_p(state.ctypes.data)
        self.lib.fmq_stream_reader_start(at, self._at, *_buffer(self.work))
        source, sunk = np.frombuffer(data, np.uint8).copy(), 0
        while not self.lib.fmq_stream_reader_is_done(at):
            part = source[sunk : sunk + piece]
            sunk += int(self.lib.fmq_stream_reader_sink(at, *_buffer(part)))
            if sunk == source.size:
                self.lib.fmq_stream_reader_end(at)
            wanted, polled = levels[done : done + piece], ctypes.c_size_t()
            status = self.lib.fmq_stream_reader_poll(at, *_buffer(wanted), ctypes.byref(polled))
            if status:
                return int(status), levels
            done += polled.value
        return 0, levels

    def _empty(self) -> Array:
        return np.zeros(self.tensor.partition.geometry.count, self.tensor.level_dtype)


def _buffer(array: Array) -> tuple[ctypes.c_void_p, ctypes.c_size_t]:
    return ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(array.size)
