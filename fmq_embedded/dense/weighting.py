"""What matters of a map to the tail: factors of channels, and a region of interest or means.

A channel's samples are multiplied by its factor before they are coded, so that one step is a finer
one for channels that matter more. Of a map with a region, a place where no channel's score and no
neighbour's is above a threshold is not coded: a decoder finds it without any level, as it would
find a place that rounding left empty, and puts a calibrated background there. Nothing is sent for
that. All zeros in its place would be a map that no picture gives, in which detectors see things.

Where the tail begins with an average over all places, channels can become their means before they
are coded. That is the encoder's affair alone, too: a flat channel has one coefficient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.dense.layout import Layout
from fmq_embedded.entropy import Geometry
from fmq_embedded.errors import InputError

Numbers = npt.NDArray[np.int32]
Entries = tuple[int, ...]

FACTOR_BITS = 13
FINER_BITS = 2
"""What is to be weighed is in 1/4 of the unit of what is coded."""
LEAST_FACTOR, LARGEST_FACTOR = 1025, 65535
LARGEST_SUM = (1 << 16) - 1
"""Of the magnitudes of a place's scores: with numbers of 16 bits all sums then fit in 32."""
LARGEST_MARGIN = 8
LARGEST_POOLED = 1 << 15
"""Places of a map whose channels become their means."""


@dataclass(frozen=True)
class Region:
    """Which places of a map are coded, and what the others are.

    Args:
        scores: of each channel, what a unit of its numbers adds to a place's score.
        threshold: a place is coded if its score is above, or that of a place near it.
        margin: how near, in rows and columns, 0…8.
        background: of each channel, the number of a place without any level.

    Raises:
        InputError: numbers of channels that differ, or beyond what 32 bits add.
    """

    scores: Entries
    threshold: int
    margin: int
    background: Entries

    def __post_init__(self) -> None:
        if len(self.scores) != len(self.background):
            raise InputError(
                f"a region has a score and a background for each channel; got {len(self.scores)} "
                f"and {len(self.background)}"
            )
        if sum(map(abs, self.scores)) > LARGEST_SUM or max(map(abs, self.scores)) > 32767:
            raise InputError(
                f"the magnitudes of scores are at most 32767 and add to {LARGEST_SUM} at most"
            )
        if not abs(self.threshold) < 1 << 31 or not 0 <= self.margin <= LARGEST_MARGIN:
            raise InputError(
                f"a threshold has 32 bits and a margin is 0..{LARGEST_MARGIN}; got "
                f"{self.threshold} and {self.margin}"
            )
        if max(map(abs, self.background)) > 32767:
            raise InputError("a background is within ±32767")

    def inside(self, samples: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Which places are coded, (rows, columns), by numbers (rows, columns, channels)."""
        marked = samples.astype(np.int64) @ np.array(self.scores, np.int64) > self.threshold
        for axis in (0, 1):
            widths = [(0, 0), (0, 0)]
            widths[axis] = (self.margin, self.margin)
            windows = np.lib.stride_tricks.sliding_window_view(
                np.pad(marked, widths), 2 * self.margin + 1, axis
            )
            marked = windows.any(axis=-1)
        return marked


@dataclass(frozen=True)
class Weighting:
    """Factors of channels, and a region or means if that is wanted.

    Args:
        factors: of each channel, times 2^13; 1,025…65,535.
        region: None to code all places.
        is_pooled: whether each channel of a map becomes its mean.

    Raises:
        InputError: other factors, a region of another number of channels, or a region of means.
    """

    factors: Entries
    region: Region | None = None
    is_pooled: bool = False

    def __post_init__(self) -> None:
        if not self.factors or not all(
            LEAST_FACTOR <= one <= LARGEST_FACTOR for one in self.factors
        ):
            raise InputError(
                f"factors of channels are {LEAST_FACTOR}..{LARGEST_FACTOR}, of one channel or more"
            )
        if self.region is not None and len(self.region.scores) != len(self.factors):
            raise InputError(
                f"the region is for {len(self.region.scores)} channels and the factors for "
                f"{len(self.factors)}"
            )
        if self.region is not None and self.is_pooled:
            raise InputError("channels that become their means have no region of interest")

    @property
    def count(self) -> int:
        """The channels that it is for."""
        return len(self.factors)

    @cached_property
    def inverse_factors(self) -> Entries:
        """What takes the factors back, times 2^13, rounded."""
        one = 1 << (2 * FACTOR_BITS)
        return tuple((one + factor // 2) // factor for factor in self.factors)

    def forward(self, samples: npt.NDArray[Any], limit: int) -> Numbers:
        """Samples in 1/4 become those that are coded.

        z_c = (a_c · x_c + 2^14) >> 15, within ±limit; 0 at places that are not coded; with means
        x_c is (Σ x_c + floor(n / 2)) / n, rounded down, over the n places of a map.

        Args:
            samples: integers of 16 bits, channels last.
        """
        shift = FACTOR_BITS + FINER_BITS
        samples = _means(samples) if self.is_pooled else samples
        weighted = samples.astype(np.int64) * np.array(self.factors, np.int64)
        coded = np.clip((weighted + (1 << (shift - 1))) >> shift, -limit, limit)
        if self.region is not None:
            coded[~self.region.inside(_map(samples)).reshape(samples.shape[:-1])] = 0
        result: Numbers = coded.astype(np.int32)
        return result

    def inverse(self, samples: npt.NDArray[Any]) -> Numbers:
        """Decoded samples in 1/4 become those of the map, in 1/4; see `forward`.

        x_c = (b_c · y_c + 2^12) >> 13; the background where all of a place are 0.
        """
        weighted = samples.astype(np.int64) * np.array(self.inverse_factors, np.int64)
        own = (weighted + (1 << (FACTOR_BITS - 1))) >> FACTOR_BITS
        if self.region is not None:
            own[~samples.any(axis=-1)] = self.region.background
        result: Numbers = own.astype(np.int32)
        return result

    def to_bytes(self) -> bytes:
        """What a decoder must know: factors and background, little-endian, 16 bits each."""
        region = self.region
        background = () if region is None else region.background
        return np.array(self.factors, "<u2").tobytes() + np.array(background, "<i2").tobytes()

    def description(self) -> dict[str, Any]:
        """What a deployment's description says."""
        said: dict[str, Any] = {"factors": list(self.factors)}
        if self.is_pooled:
            said["pooled"] = True
        if self.region is not None:
            said["region"] = {
                "scores": list(self.region.scores),
                "threshold": self.region.threshold,
                "margin": self.region.margin,
                "background": list(self.region.background),
            }
        return said

    @classmethod
    def described(cls, entry: Mapping[str, Any]) -> Weighting:
        """The mirror of `description`.

        Raises:
            KeyError, TypeError, ValueError: the description is not what was written.
        """
        region = None
        if "region" in entry:
            said = entry["region"]
            region = Region(
                tuple(map(int, said["scores"])),
                int(said["threshold"]),
                int(said["margin"]),
                tuple(map(int, said["background"])),
            )
        return cls(tuple(map(int, entry["factors"])), region, bool(entry.get("pooled", False)))


def places_of_map(shape: tuple[int, ...]) -> int:
    """Rows · columns of one map of a tensor."""
    layout = Layout.of(shape)
    return layout.map_rows * layout.geometry.columns


def _means(samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Each channel's mean over the places of its map, at each of them."""
    places = places_of_map(samples.shape)
    maps = samples.reshape(-1, places, Geometry.of(samples.shape).channels)
    means = (maps.astype(np.int64).sum(axis=1, keepdims=True) + places // 2) // places
    return np.broadcast_to(means, maps.shape).reshape(samples.shape)


def _map(samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    geometry = Geometry.of(samples.shape)
    return samples.reshape(geometry.rows, geometry.columns, geometry.channels)
