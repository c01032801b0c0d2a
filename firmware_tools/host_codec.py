"""libfmq built for this machine with a deployment's generated tables, called through ctypes."""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from firmware_tools.c_structures import CDeployment, CPartition
from firmware_tools.firmware import LIBFMQ_INCLUDE, library_sources, write_c
from firmware_tools.toolchains import host_library
from fmq_embedded.deploy.c_tables import SOURCE
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import FmqError
from fmq_embedded.partition.dynamic import DynamicClasses

Array = npt.NDArray[Any]

NOT_FINITE = -2
STATUSES = {
    -1: "argument",
    NOT_FINITE: "not finite",
    -3: "buffer too small",
    -4: "truncated",
    -5: "syntax",
    -6: "checksum",
    -7: "unsupported",
    -8: "limit",
}


@numba.njit
def _one_by_one(quantize, quantizer, samples, item_size, count, level):  # type: ignore[no-untyped-def]
    """The status of a call for each of `count` samples at an address."""
    statuses = np.empty(count, np.int32)
    for index in range(count):
        statuses[index] = quantize(quantizer, samples + index * item_size, 1, level)
    return statuses


class LibraryError(FmqError):
    """libfmq answered with an error status."""

    exit_status = 1


class HostCodec:
    """The C library on this machine, with the tables of one deployment."""

    def __init__(self, deployment: Deployment, *, sanitize: str = "none") -> None:
        self.deployment = deployment
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_c(deployment, folder)
            path = host_library(
                [*library_sources(), folder / SOURCE], [LIBFMQ_INCLUDE, folder], sanitize=sanitize
            )
        self._library = ctypes.CDLL(str(path))
        self._tables = CDeployment.in_dll(self._library, "fmq_deployment")
        for function in ("fmq_work_size", "fmq_stream_limit"):
            getattr(self._library, function).restype = ctypes.c_size_t

    def quantize(self, index: int, samples: Array) -> Array:
        """The levels of samples of tensor `index`'s type by its own quantizer, of any number."""
        plan = self.deployment.tensors[index]
        source = np.ascontiguousarray(samples, plan.dtype)
        levels = np.empty(source.shape, _own_dtype(plan))
        self._call(
            "fmq_quantize",
            ctypes.c_void_p(self._tables.tensors[index].quantizer),
            _pointer(source),
            ctypes.c_size_t(source.size),
            _pointer(levels),
        )
        return levels

    def refuses(self, index: int, samples: Array) -> npt.NDArray[np.bool_]:
        """Whether a call with each sample alone answers that it is not finite; as `quantize`."""
        source = np.ascontiguousarray(samples, self.deployment.tensors[index].dtype)
        level = np.empty(1, np.uint16)
        quantize = self._library.fmq_quantize
        quantize.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)
        statuses = _one_by_one(
            quantize,
            self._tables.tensors[index].quantizer,
            source.ctypes.data,
            source.itemsize,
            source.size,
            level.ctypes.data,
        )
        refused: npt.NDArray[np.bool_] = statuses == NOT_FINITE
        return refused

    def dequantize(self, index: int, levels: Array) -> Array:
        """The samples of levels of tensor `index` by its own quantizer, of any number."""
        plan = self.deployment.tensors[index]
        source = np.ascontiguousarray(levels, _own_dtype(plan))
        samples = np.empty(source.shape, plan.dtype)
        self._call(
            "fmq_dequantize",
            ctypes.c_void_p(self._tables.tensors[index].dequantizer),
            _pointer(source),
            ctypes.c_size_t(source.size),
            _pointer(samples),
        )
        return samples

    def quantize_map(self, index: int, samples: Array, piece: int | None = None) -> Array:
        """The levels of a whole map; joint ones where the tensor has a partition.

        Classes that each map has of its own are found first; they stay those of the tensor, for
        `encode` and `dequantize_map`, until the next map, or a `decode`, brings others.

        Args:
            index: of the tensor.
            samples: of its shape and type.
            piece: positions at a time; all at once where it is None.
        """
        plan = self.deployment.tensors[index]
        source = np.ascontiguousarray(samples, plan.dtype)
        levels = np.empty(source.shape, self._level_dtype(index))
        if isinstance(plan.partition, DynamicClasses):
            self._classify(index, source)
        self._walk("fmq_quantize_tensor", index, source, levels, piece)
        return levels

    def dequantize_map(self, index: int, levels: Array, piece: int | None = None) -> Array:
        """The samples of the levels of a whole map; the arguments as `quantize_map`."""
        source = np.ascontiguousarray(levels, self._level_dtype(index))
        samples = np.empty(source.shape, self.deployment.tensors[index].dtype)
        self._walk("fmq_dequantize_tensor", index, source, samples, piece)
        return samples

    def encode(self, levels: Mapping[str, Array]) -> bytes:
        """The bitstream of the levels of all tensors.

        Where each map has classes of its own, they are those that `quantize_map` found last.
        """
        # copies, for a dense plan's levels are overwritten
        sources = [
            np.array(levels[plan.name], self._level_dtype(index), order="C")
            for index, plan in enumerate(self.deployment.tensors)
        ]
        limit = int(self._library.fmq_stream_limit(ctypes.byref(self._tables)))
        out = np.empty(limit, np.uint8)
        work = self._work()
        size = ctypes.c_size_t()
        self._call(
            "fmq_encode",
            ctypes.byref(self._tables),
            (ctypes.c_void_p * len(sources))(*(s.ctypes.data for s in sources)),
            _pointer(work),
            ctypes.c_size_t(work.size),
            _pointer(out),
            ctypes.c_size_t(limit),
            ctypes.byref(size),
        )
        return out[: size.value].tobytes()

    def decode(self, data: bytes) -> dict[str, Array]:
        """The levels of a bitstream of the deployment, by tensor."""
        levels = {
            plan.name: np.empty(plan.shape, self._level_dtype(index))
            for index, plan in enumerate(self.deployment.tensors)
        }
        source = np.frombuffer(data, np.uint8)
        work = self._work()
        self._call(
            "fmq_decode",
            ctypes.byref(self._tables),
            _pointer(source),
            ctypes.c_size_t(source.size),
            (ctypes.c_void_p * len(levels))(*(a.ctypes.data for a in levels.values())),
            _pointer(work),
            ctypes.c_size_t(work.size),
        )
        return levels

    def _level_dtype(self, index: int) -> type[np.uint8] | type[np.uint16]:
        return np.uint8 if self._tables.tensors[index].bit_depth <= 8 else np.uint16

    def _classify(self, index: int, source: Array) -> None:
        tensor = self._tables.tensors[index]
        partition = CPartition.from_address(tensor.partition)
        self._call(
            "fmq_classify",
            ctypes.byref(tensor),
            _pointer(source),
            ctypes.c_void_p(partition.dynamic),
        )

    def _walk(self, name: str, index: int, source: Array, target: Array, piece: int | None) -> None:
        tensor = self._tables.tensors[index]
        channels, count = tensor.channels, tensor.rows * tensor.columns
        for first in range(0, count, piece or count):
            self._call(
                name,
                ctypes.byref(tensor),
                _pointer(source.reshape(-1)[first * channels :]),
                ctypes.c_uint32(first),
                ctypes.c_uint32(min(piece or count, count - first)),
                _pointer(target.reshape(-1)[first * channels :]),
            )

    def _work(self) -> npt.NDArray[np.uint8]:
        sizes = [
            int(self._library.fmq_work_size(ctypes.byref(self._tables.tensors[index])))
            for index in range(self._tables.tensor_count)
        ]
        return np.empty(max(sizes), np.uint8)

    def _call(self, name: str, *arguments: Any) -> None:
        status = int(getattr(self._library, name)(*arguments))
        if status:
            raise LibraryError(f"{name} answered {status} ({STATUSES.get(status, 'unknown')})")


def _own_dtype(plan: TensorPlan) -> npt.DTypeLike:
    """Of the levels of a tensor's own quantizer, or of a dense plan's numbers."""
    return np.uint16 if plan.dense is not None else plan.chosen_quantizer.level_dtype


def _pointer(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
