"""Levels of a quantizer, coded by the dense model: the same front as `entropy.levels`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fmq_embedded.dense.layout import Layout
from fmq_embedded.dense.payload import decode_samples, encode_exact
from fmq_embedded.dense.prior import default_prior
from fmq_embedded.entropy import Geometry
from fmq_embedded.errors import BitstreamError


def encode_dense(levels: npt.ArrayLike, geometry: Geometry, centre: int, bit_depth: int) -> bytes:
    """Entropy-code levels; see `entropy.encode_levels`."""
    source = np.asarray(levels, np.int32).reshape(-1) - centre
    layout = Layout(geometry, geometry.rows)
    return encode_exact(layout.planar(source), layout, centre == 0).data


def decode_dense(
    data: npt.NDArray[np.uint8], start: int, geometry: Geometry, centre: int, bit_depth: int
) -> tuple[npt.NDArray[np.uint16], int]:
    """The levels of the payload that begins at `start`, and the position behind it.

    Raises:
        BitstreamError: the payload runs past the end of `data`, or holds an impossible level.
    """
    layout = Layout(geometry, geometry.rows)
    planes, _, end = decode_samples(data, start, layout, False, centre == 0, True, default_prior())
    levels = layout.interleaved(planes) + centre
    if levels.min() < 0 or levels.max() >> bit_depth:
        raise BitstreamError(f"a payload at byte {start} holds a level beyond {bit_depth} bits")
    return levels.astype(np.uint16), end
