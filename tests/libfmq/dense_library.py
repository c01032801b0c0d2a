"""libfmq's dense coder as a library of this machine, called through ctypes."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.c_structures import CDenseFormat, CDenseSearch
from firmware_tools.toolchains import host_library
from fmq_embedded.dense.contexts import MOST_PARENTS, NO_PARENT
from fmq_embedded.dense.layout import Layout
from fmq_embedded.dense.payload import Channels
from fmq_embedded.dense.records import Numbers
from fmq_embedded.dense.search import Search
from fmq_embedded.dense.workspace import POINTS_SHAPE
from tests.libfmq.codec_library import GUARD, LIBFMQ, SANITIZE

DENSE_SOURCES = (
    *(path for path in sorted((LIBFMQ / "src").glob("dense_*.c")) if path.stem != "dense_coding"),
    LIBFMQ / "src" / "bitstream_window.c",
    LIBFMQ / "src" / "quantize_fixed_point.c",
    LIBFMQ / "src" / "dequantize_fixed_point.c",
    LIBFMQ / "src" / "transform.c",
    LIBFMQ / "src" / "range_coder.c",
)
PLENTY = 1 << 16
CENTRE = 32768
"""What is added to numbers in a map."""

Words = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]


@cache
def library() -> ctypes.CDLL:
    lib = ctypes.CDLL(str(host_library(DENSE_SOURCES, sanitize=SANITIZE)))
    for name in ("encoder", "decoder"):
        getattr(lib, f"fmq_dense_{name}_work_size").restype = ctypes.c_size_t
    return lib


def c_format(
    layout: Layout,
    step: int = 0,
    *,
    dependent: bool = False,
    one_sided: bool = False,
    lossless: bool = False,
    sine: bool = False,
    points: Numbers | None = None,
) -> CDenseFormat:
    g = layout.geometry
    shape = (g.rows, g.columns, g.channels, layout.map_rows)
    each = np.zeros(POINTS_SHAPE, np.int64) if points is None else points
    four = (ctypes.c_int8 * 4)(*each[:2].reshape(-1).tolist())
    fills = (ctypes.c_uint8 * 2)(*each[2].tolist())
    return CDenseFormat(
        *shape, CENTRE, 65535, True, step, dependent, one_sided, lossless, sine, four, fills
    )


def c_search(search: Search) -> CDenseSearch:
    return CDenseSearch(
        search.quick,
        search.search == 1,
        search.rounding,
        search.stay,
        sum(1 << mode for mode in search.allowed),
        search.multiplier,
        (ctypes.c_uint16 * 5)(*search.biases),
    )


@dataclass(frozen=True)
class Encoded:
    """What an encoder gave, and what it left in the samples."""

    status: int
    data: bytes
    points: list[list[int]]
    samples: Words


@dataclass(frozen=True)
class Decoded:
    """What a decoder gave."""

    status: int
    levels: Words
    coded: npt.NDArray[np.int8]
    used: int

    def channels(self) -> Channels:
        """As the twin has them."""
        modes, distances, factors = np.split(self.coded.astype(np.int64), (1, 1 + MOST_PARENTS), 1)
        own = np.arange(len(modes))[:, None]
        parents = np.where(distances == 0, NO_PARENT, own - distances)
        return Channels(modes[:, 0], parents, factors)


def encode(
    planes: Words,
    layout: Layout,
    c: CDenseFormat,
    search: CDenseSearch,
    *,
    exponent: int | None = None,
    capacity: int = PLENTY,
    less_work: int = 0,
) -> Encoded:
    """fmq_dense_encode; with an exponent, fmq_dense_write."""
    lib = library()
    samples = (layout.interleaved(planes) + CENTRE).astype(np.uint16)
    work_size = lib.fmq_dense_encoder_work_size(ctypes.byref(c)) - less_work
    work, out = (
        np.full(work_size + GUARD, 0x5A, np.uint8),
        np.full(capacity + GUARD, 0xA5, np.uint8),
    )
    size = ctypes.c_size_t(12345)
    rest = (
        _at(samples), _at(work), ctypes.c_size_t(work_size), _at(out), ctypes.c_size_t(capacity),
        ctypes.byref(size),
    )  # fmt: skip
    first = (ctypes.byref(c), ctypes.byref(search))
    if exponent is None:
        status = lib.fmq_dense_encode(*first, *rest)
    else:
        status = lib.fmq_dense_write(*first, exponent, *rest)
    assert (out[capacity:] == 0xA5).all(), "bytes behind the output were written"
    assert (work[work_size:] == 0x5A).all(), "bytes behind the work were written"
    return Encoded(status, out[: size.value].tobytes(), points_of(c), numbers(samples))


def decode(data: bytes, layout: Layout, c: CDenseFormat, *, less_work: int = 0) -> Decoded:
    """fmq_dense_decode."""
    return _decoded(data, layout, c, None, less_work)


def read(data: bytes, layout: Layout, c: CDenseFormat) -> tuple[Decoded, int]:
    """fmq_dense_read, which restores samples in place of the levels; and the exponent."""
    exponent = ctypes.c_int32(0)
    return _decoded(data, layout, c, exponent, 0), exponent.value


def restore(decoded: Decoded, c: CDenseFormat) -> Words:
    """fmq_dense_restore: the samples in 1/4."""
    samples = (decoded.levels + CENTRE).astype(np.uint16)
    work = np.zeros(library().fmq_dense_decoder_work_size(ctypes.byref(c)), np.uint8)
    library().fmq_dense_restore(ctypes.byref(c), _at(samples), _at(decoded.coded), _at(work))
    return numbers(samples)


def points_of(c: CDenseFormat) -> list[list[int]]:
    """The points that an encoder has fitted, as the twin has them."""
    return [list(c.points)[:2], list(c.points)[2:], list(c.fills)]


def numbers(stored: npt.NDArray[np.uint16]) -> Words:
    """What stands in a map, less the centre."""
    return stored.astype(np.int32) - CENTRE


def _decoded(
    data: bytes, layout: Layout, c: CDenseFormat, exponent: ctypes.c_int32 | None, less_work: int
) -> Decoded:
    lib = library()
    work_size = lib.fmq_dense_decoder_work_size(ctypes.byref(c)) - less_work
    work = np.full(work_size + GUARD, 0x5A, np.uint8)
    levels = np.full(layout.geometry.count, 99, np.uint16)
    coded = np.zeros((layout.geometry.channels, 1 + 2 * MOST_PARENTS), np.int8)
    source = np.frombuffer(data, np.uint8).copy()
    used = ctypes.c_size_t(12345)
    first = (ctypes.byref(c), _at(source), ctypes.c_size_t(source.size))
    rest = (
        _at(levels), _at(coded), _at(work), ctypes.c_size_t(work_size), ctypes.byref(used)
    )  # fmt: skip
    if exponent is None:
        status = lib.fmq_dense_decode(*first, *rest)
    else:
        status = lib.fmq_dense_read(*first, ctypes.byref(exponent), *rest)
    assert (work[work_size:] == 0x5A).all(), "bytes behind the work were written"
    return Decoded(status, numbers(levels), coded, used.value)


def _at(array: npt.NDArray[Any]) -> ctypes.c_void_p:
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)
