"""The suite "rate": bits per element at equal signal-to-noise ratio, beside every peer.

Streams are real: headers count, ours and theirs. Every peer's decoder ran.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.rate_calibrated import CALIBRATED, calibrated_codec
from firmware_tools.profiling.rate_codec import RateCodec, measure
from firmware_tools.profiling.rate_curve import (
    RatePoint,
    bits_at,
    bjontegaard,
    geometric_mean,
)
from firmware_tools.profiling.rate_lossless import lossless_figures
from firmware_tools.profiling.rate_maps import RateMap, real_maps, synthetic_maps
from firmware_tools.profiling.rate_nncodec_peer import nncodec
from firmware_tools.profiling.rate_ours import our_codecs
from firmware_tools.profiling.rate_picture_peers import picture_peers
from firmware_tools.profiling.rate_video_peer import x265
from fmq_embedded.errors import MissingToolError

REAL_RATIOS = (12.0, 16.0, 20.0)
SYNTHETIC_RATIOS = (15.0, 20.0, 30.0)
UNIT = "bits/element"
NEVER_MORE = 1.0
"""On no real map may ours take more than the best peer."""
MEAN_LIMIT = 0.80
"""Of the best peer's bits, in the geometric mean over real maps and ratios."""

Curve = tuple[RatePoint, ...]


@dataclass(frozen=True)
class MeasuredRow:
    """A map's curves: for each codec, and for each picture of the row.

    Args:
        row: the maps.
        ours, peers: the curves by the codec's name.
    """

    row: RateMap
    ours: Mapping[str, tuple[Curve, ...]]
    peers: Mapping[str, tuple[Curve, ...]]

    def best_peer(self, ratio: float) -> tuple[str, float] | None:
        """The peer with the fewest bits at this ratio, and its bits."""
        found = {name: mean_bits(curves, ratio) for name, curves in self.peers.items()}
        reached = {name: bits for name, bits in found.items() if bits is not None}
        return min(reached.items(), key=lambda pair: pair[1]) if reached else None


def figures(quick: bool) -> list[Figure]:
    """The suite "rate"."""
    real, synthetic = measured(quick)
    profile = next(iter(real[0].ours))
    found = [figure for row in real for figure in row_figures(row, REAL_RATIOS, NEVER_MORE)]
    found += mean_figures(real)
    with contextlib.suppress(MissingToolError):
        found += lossless_figures([one.row for one in real])
    found += [figure for row in synthetic for figure in row_figures(row, SYNTHETIC_RATIOS, None)]
    return found + [figure for row in real for figure in mean_differences(row, profile)]


@functools.cache
def measured(quick: bool) -> tuple[tuple[MeasuredRow, ...], tuple[MeasuredRow, ...]]:
    """The curves of real and of synthetic maps.

    A quick look has fewer maps and no peers but x265 and NNCodec. A peer that is not installed is
    left out, as `missing_peers` says.
    """
    peers = [codec for codecs in _installed(quick) for codec in codecs]
    ours = list(our_codecs())[: 1 if quick else None]
    real, synthetic = real_maps(quick), synthetic_maps(quick)
    return (
        tuple(_measured_row(row, ours, peers) for row in real),
        tuple(_measured_row(row, ours, peers) for row in synthetic),
    )


def missing_peers() -> list[str]:
    """How to get each peer that is not installed."""
    reasons = []
    for make in PEERS:
        try:
            list(make())
        except MissingToolError as error:
            reasons.append(str(error))
    return reasons


def mean_bits(curves: Sequence[Curve], ratio: float) -> float | None:
    """The geometric mean over a row's pictures; None where one of them does not reach it."""
    found = [bits_at(curve, ratio) for curve in curves]
    known = [bits for bits in found if bits is not None]
    return geometric_mean(known) if len(known) == len(found) else None


PEERS: tuple[Callable[[], Iterable[RateCodec]], ...] = (
    lambda: [x265()],
    nncodec,
    picture_peers,
)
QUICK_PEERS = 2


def _installed(quick: bool) -> list[list[RateCodec]]:
    found = []
    for make in PEERS[: QUICK_PEERS if quick else None]:
        try:
            found.append(list(make()))
        except MissingToolError:
            continue
    if not found:
        raise MissingToolError("; ".join(missing_peers()))
    return found


def _measured_row(
    row: RateMap, ours: Sequence[RateCodec], peers: Sequence[RateCodec]
) -> MeasuredRow:
    own = {codec.name: tuple(tuple(measure(codec, item)) for item in row.items) for codec in ours}
    if row.kind != "synthetic":
        codec = calibrated_codec(row.seen)
        first = next(iter(own.values()))
        own[CALIBRATED] = (
            first if codec is None else tuple(tuple(measure(codec, item)) for item in row.items)
        )
    return MeasuredRow(
        row,
        own,
        {codec.name: tuple(tuple(measure(codec, item)) for item in row.items) for codec in peers},
    )


def row_figures(
    measured_row: MeasuredRow, ratios: Sequence[float], limit: float | None
) -> list[Figure]:
    """Bits of the first of our profiles beside the best peer's, at each ratio both reach."""
    found = []
    curves = next(iter(measured_row.ours.values()))
    for ratio in ratios:
        bits, peer = mean_bits(curves, ratio), measured_row.best_peer(ratio)
        if bits is not None and peer is not None:
            name = f"{measured_row.row.name} ({measured_row.row.kind}), {ratio:g} dB"
            found.append(Figure(name, bits, UNIT, peer[0], peer[1], bits / peer[1], limit))
    return found


def mean_figures(
    rows: Sequence[MeasuredRow], wanted: Sequence[float] = REAL_RATIOS
) -> list[Figure]:
    """Of each profile, the mean and the worst of its ratios to the best peer."""
    found = []
    for index, profile in enumerate(rows[0].ours):
        ratios = {
            ratio: [one for row in rows if (one := _to_best(row, profile, ratio)) is not None]
            for ratio in wanted
        }
        every = [one for some in ratios.values() for one in some]
        limits = (MEAN_LIMIT, NEVER_MORE) if index == 0 else (None, None)
        of_best = "of the best peer's bits"
        for ratio, some in ratios.items():
            if some:
                name = f"{profile}, geometric mean, {ratio:g} dB"
                found.append(Figure(name, geometric_mean(some), of_best))
        if every:
            mean = geometric_mean(every)
            found.append(Figure(f"{profile}, geometric mean", mean, of_best, limit=limits[0]))
            found.append(Figure(f"{profile}, worst", max(every), of_best, limit=limits[1]))
    return found


def _to_best(row: MeasuredRow, profile: str, ratio: float) -> float | None:
    bits, peer = mean_bits(row.ours[profile], ratio), row.best_peer(ratio)
    return bits / peer[1] if bits is not None and peer is not None else None


def mean_differences(row: MeasuredRow, profile: str) -> list[Figure]:
    """Bjøntegaard's mean difference to each peer, as a change in per cent."""
    found = []
    for peer, curves in row.peers.items():
        factors = [bjontegaard(a, b) for a, b in zip(row.ours[profile], curves, strict=True)]
        known = [one for one in factors if one is not None]
        if known:
            change = 100 * (geometric_mean(known) - 1)
            found.append(Figure(f"{row.row.name}, BD-rate to {peer}", change, "%"))
    return found


def table(rows: Sequence[MeasuredRow], ratios: Sequence[float]) -> list[str]:
    """Lines of a table: bits of every codec at these ratios, "–" where it has none."""
    lines = []
    for one in rows:
        lines.append(f"{one.row.name} ({one.row.kind})")
        for name, curves in {**one.ours, **one.peers}.items():
            bits = [mean_bits(curves, ratio) for ratio in ratios]
            cells = ["–" if b is None or not np.isfinite(b) else f"{b:.3f}" for b in bits]
            lines.append(f"  {name:<22}" + "".join(f"{cell:>8}" for cell in cells))
    return lines
