"""libfmq's partitions as a library of this machine: tensors made of `Partition`s through ctypes."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.c_structures import CPartition, CTensor
from firmware_tools.firmware import library_sources
from firmware_tools.toolchains import host_library
from fmq_embedded.deploy.c_partition import (
    KIND_CODES,
    class_form,
    class_runs,
    class_values,
    padding_level,
)
from fmq_embedded.partition import Partition
from fmq_embedded.quantizers.exact import reconstruction_values
from fmq_embedded.quantizers.forms import INPUT_CODES, choose_form
from fmq_embedded.quantizers.samples import SampleType
from fmq_embedded.quantizers.vector import VectorQuantizer
from tests.libfmq.codec_library import CODINGS
from tests.libfmq.quantizer_build import Dequantizer, Quantizer, filled

SANITIZE = os.environ.get("FMQ_TEST_SANITIZE", "none")
CONTEXTS, BOXES, BOX_WORDS = 321, 64, 7

Array = npt.NDArray[Any]


class CCodebook(ctypes.Structure):
    """fmq_codebook_t."""

    _fields_ = (
        ("codewords", ctypes.c_void_p),
        ("count", ctypes.c_uint16),
        ("centre", ctypes.c_uint16),
        ("dimension", ctypes.c_uint8),
    )


class CClass(ctypes.Structure):
    """fmq_class_t."""

    _fields_ = (
        ("quantizer", ctypes.c_void_p),
        ("values", ctypes.c_void_p),
        ("codebook", ctypes.c_void_p),
        ("lowest", ctypes.c_uint16),
        ("highest", ctypes.c_uint16),
    )


class CCentroids(ctypes.Structure):
    """fmq_centroids_t."""

    _fields_ = (("features", ctypes.c_void_p), ("centre", ctypes.c_uint16))


class CRangeEncoder(ctypes.Structure):
    """fmq_range_encoder_t."""

    _fields_ = (
        ("words", ctypes.c_uint32 * 4),
        ("queue", ctypes.c_uint8 * 128),
        ("bytes", ctypes.c_uint8 * 7),
    )


class CRangeDecoder(ctypes.Structure):
    """fmq_range_decoder_t."""

    _fields_ = (
        ("low", ctypes.c_uint32),
        ("range", ctypes.c_uint32),
        ("next", ctypes.c_void_p),
        ("end", ctypes.c_void_p),
        ("missing", ctypes.c_uint32),
    )


class CClassMap(ctypes.Structure):
    """fmq_class_map_t."""

    _fields_ = (
        ("contexts", ctypes.c_void_p),
        ("cells", ctypes.c_void_p),
        ("boxes", ctypes.c_void_p),
        ("rows", ctypes.c_uint32),
        ("columns", ctypes.c_uint32),
        ("channels", ctypes.c_uint32),
        ("left", ctypes.c_uint32),
        ("column", ctypes.c_uint32),
        ("class_count", ctypes.c_uint16),
        ("kind", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("last_flag", ctypes.c_bool),
        ("is_started", ctypes.c_bool),
    )


@cache
def library() -> ctypes.CDLL:
    """All of libfmq, with the sanitizer that the environment asks for."""
    lib = ctypes.CDLL(str(host_library([*library_sources(), CODINGS], sanitize=SANITIZE)))
    for name in ("fmq_class_map_is_done", "fmq_range_encoder_is_empty"):
        getattr(lib, name).restype = ctypes.c_bool
    lib.fmq_range_encoder_poll.restype = ctypes.c_size_t
    lib.fmq_class_cells.restype = ctypes.c_uint32
    return lib


class PartitionedTensor:
    """fmq_tensor_t with a partition, and the functions on it.

    Args:
        partition: what it says.
        samples: the type of the tensor's samples.
        as_cells: the class of each position or sample, as a dynamic map has it, not runs.
        flash_budget: of each quantizer; it decides the forms.
    """

    def __init__(
        self,
        partition: Partition,
        samples: SampleType,
        *,
        as_cells: bool = False,
        flash_budget: int = 4096,
    ) -> None:
        self.partition, self.samples, self.budget = partition, samples, flash_budget
        self._kept: list[Any] = []
        geometry = partition.geometry
        base_form = choose_form(partition.base, samples, flash_budget)
        self._base = self._quantizer(base_form)
        values = reconstruction_values(partition.base, samples)
        output = Dequantizer(
            INPUT_CODES[samples.dtype], partition.base.bit_depth, self._address(values)
        )
        classes = (CClass * len(partition.classes))(
            *map(self._class, range(len(partition.classes)))
        )
        runs = None
        if partition.kind != "channel" and not as_cells:
            runs = self._address(class_runs(partition))
        cells = None if runs else self._address(partition.class_of)
        self.c_partition = CPartition(
            KIND_CODES[partition.kind], len(classes), ctypes.addressof(classes), cells, runs
        )
        self.cells: Array = np.empty(0, np.uint8)
        self._kept += [classes, output]
        self.c_tensor = CTensor(
            geometry.rows,
            geometry.columns,
            geometry.channels,
            geometry.count,
            partition.joint_centre,
            partition.bit_depth,
            0,
            self._base,
            ctypes.addressof(output),
            None,
            0,
            ctypes.addressof(self.c_partition),
        )
        self.level_dtype = np.uint8 if partition.bit_depth <= 8 else np.uint16

    def _address(self, array: Array) -> int:
        kept = np.ascontiguousarray(array)
        self._kept.append(kept)
        return int(kept.ctypes.data)

    def _quantizer(self, form: Any) -> int:
        table = self._address(form.table) if hasattr(form, "table") else 0
        made = filled(Quantizer, form, table)
        self._kept.append(made)
        return ctypes.addressof(made)

    def _class(self, number: int) -> CClass:
        partition, chosen = self.partition, self.partition.classes[number]
        codebook = None
        if isinstance(chosen, VectorQuantizer):
            codewords = np.array(chosen.codewords, np.uint16)
            made = CCodebook(
                self._address(codewords),
                len(codewords),
                padding_level(partition),
                chosen.dimension,
            )
            self._kept.append(made)
            quantizer, codebook = self._base, ctypes.addressof(made)
        else:
            quantizer = self._quantizer(class_form(partition, number, self.samples, self.budget))
        values = self._address(class_values(partition, number, self.samples))
        lowest = partition.joint_centre - partition.class_centres[number]
        return CClass(quantizer, values, codebook, lowest, lowest + partition.class_tops[number])

    def _walk(self, name: str, source: Array, target: Array, piece: int | None) -> int:
        channels = self.partition.geometry.channels
        count = self.partition.geometry.rows * self.partition.geometry.columns
        for first in range(0, count, piece or count):
            status = getattr(library(), name)(
                ctypes.byref(self.c_tensor),
                ctypes.c_void_p(source.ctypes.data + first * channels * source.itemsize),
                first,
                min(piece or count, count - first),
                ctypes.c_void_p(target.ctypes.data + first * channels * target.itemsize),
            )
            if status:
                return int(status)
        return 0

    def quantize(self, samples: Array, piece: int | None = None) -> tuple[int, Array]:
        """The status and the joint levels, flat; `piece` positions at a time."""
        source = np.ascontiguousarray(samples).reshape(-1)
        levels = np.full(source.size, 0xAA, self.level_dtype)
        return self._walk("fmq_quantize_tensor", source, levels, piece), levels

    def dequantize(self, levels: Array, piece: int | None = None) -> tuple[int, Array]:
        """The status and the samples, flat; `piece` positions at a time."""
        source = np.ascontiguousarray(levels, self.level_dtype).reshape(-1)
        samples = np.zeros(source.size, self.samples.dtype)
        return self._walk("fmq_dequantize_tensor", source, samples, piece), samples

    def make_dynamic(self, centroids: tuple[tuple[int, int, int], ...] | None = None) -> None:
        """Let the class map come with each map, by these centroids; `cells` is where it is."""
        self.cells = np.zeros(self.partition.class_of.size, np.uint8)
        address = self.cells.ctypes.data
        self.c_partition.cells = self.c_partition.dynamic = address
        self.c_partition.runs = None
        if centroids is not None:
            features = self._address(np.array(centroids, np.int16))
            made = CCentroids(features, padding_level(self.partition))
            self._kept.append(made)
            self.c_partition.centroids = ctypes.addressof(made)

    def classify(self, samples: Array) -> int:
        """The status; the classes are then in `cells`."""
        source = np.ascontiguousarray(samples).reshape(-1)
        return int(
            library().fmq_classify(
                ctypes.byref(self.c_tensor),
                ctypes.c_void_p(source.ctypes.data),
                ctypes.c_void_p(self.cells.ctypes.data),
            )
        )

    def set_header(self, header: bytes) -> None:
        """The syntax of the tensor, up to its coding or its dynamic class map."""
        self.c_tensor.header = header
        self.c_tensor.header_size = len(header)

    def _started_map(self, cells: Array) -> tuple[CClassMap, list[Array]]:
        state = CClassMap()
        work = [np.zeros(CONTEXTS, np.uint32), np.zeros((BOXES, BOX_WORDS), np.uint32), cells]
        addresses = [ctypes.c_void_p(array.ctypes.data) for array in work]
        status = library().fmq_class_map_start(
            ctypes.byref(state), ctypes.byref(self.c_tensor), *addresses
        )
        assert status == 0
        return state, work

    def encode_map(self, capacity: int = 7) -> tuple[int, bytes]:
        """The status and the bytes of the class map, drained `capacity` at a time."""
        lib = library()
        state, work = self._started_map(self.partition.class_of.copy())
        coder, data = CRangeEncoder(), b""
        out = np.zeros(capacity, np.uint8)
        lib.fmq_range_encoder_start(ctypes.byref(coder))
        while not (lib.fmq_class_map_is_done(ctypes.byref(state)) and not coder.bytes[1]):
            status = lib.fmq_class_map_encode(ctypes.byref(state), ctypes.byref(coder))
            if status:
                return int(status), data
            size = lib.fmq_range_encoder_poll(
                ctypes.byref(coder), ctypes.c_void_p(out.ctypes.data), ctypes.c_size_t(capacity)
            )
            data += out[:size].tobytes()
        del work
        return 0, data

    def decode_map(self, data: bytes, window: int | None = None) -> tuple[int, Array, int]:
        """The status, the cells, and where the map ended; from windows of so many bytes."""
        lib = library()
        source = np.frombuffer(data, np.uint8).copy()
        assert lib.fmq_class_cells(ctypes.byref(self.c_tensor)) == self.partition.class_of.size
        cells = np.full(self.partition.class_of.size, 0xEE, np.uint8)
        state, work = self._started_map(cells)
        coder = CRangeDecoder()
        at, start = ctypes.c_void_p(source.ctypes.data), source.ctypes.data
        status, known = 0, 0
        while (status == 0 and known < len(data)) or known == 0:
            known = len(data) if window is None else min(known + window, len(data))
            status = lib.fmq_class_map_decode(
                ctypes.byref(state),
                ctypes.byref(coder),
                ctypes.byref(at),
                ctypes.c_void_p(start + known),
                ctypes.c_bool(known == len(data)),
            )
            if not data:
                break
        del work
        return int(status), cells, int(at.value or start) - start
