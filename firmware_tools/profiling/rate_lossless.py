"""Integer maps without loss, beside codecs of pictures and of bytes; part of the suite "rate"."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import fmq_embedded as fmq
from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.rate_frames import tiled
from firmware_tools.profiling.rate_maps import RateMap
from firmware_tools.profiling.rate_picture_peers import lossless_sizes
from fmq_embedded.errors import MismatchError
from fmq_embedded.feature_map import FeatureMap

DEPTH = 8
SETTINGS = fmq.Settings(profile="dense", lossless=True)


def lossless_figures(rows: Sequence[RateMap]) -> list[Figure]:
    """Bits of each row of int8 maps beside every peer's; ours may be no more than the best.

    Raises:
        MismatchError: a map does not come back as it was.
        MissingToolError: imagecodecs is not installed.
    """
    return [_figure(row) for row in rows if row.items[0].samples.dtype == np.int8]


def _figure(row: RateMap) -> Figure:
    ours = [_size(item) for item in row.items]
    theirs = [lossless_sizes(_picture(item), DEPTH) for item in row.items]
    sums = {name: sum(one[name] for one in theirs) for name in theirs[0]}
    best = min(sums, key=lambda name: sums[name])
    unit = 8 / sum(item.samples.size for item in row.items)
    name = f"{row.name} ({row.kind}), lossless"
    return Figure(
        name,
        sum(ours) * unit,
        "bits/element",
        best,
        sums[best] * unit,
        sum(ours) / sums[best],
        limit=1.0,
    )


def _size(item: FeatureMap) -> int:
    stream = fmq.encode(item, SETTINGS)
    decoded = fmq.decode(stream)
    assert isinstance(decoded, np.ndarray)
    if not np.array_equal(decoded, item.samples):
        raise MismatchError(f"{item.name} does not come back exactly from a lossless stream")
    return len(stream)


def _picture(item: FeatureMap) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    return tiled((item.samples.astype(np.int16) + 128).astype(np.uint16))
