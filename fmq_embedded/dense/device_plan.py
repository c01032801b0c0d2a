"""How a device codes a map with the dense coder: what a deployment fixes of it.

A device cannot see a map's range before it has the map, so the exponent is fixed at calibration.
Between quantizing and coding, and between decoding and dequantizing, there are numbers in place of
levels: fixed-point samples plus `CENTRE`, uint16. Those that are to be coded are in units of
2^exponent, within ±4,095 (in 1/4 of that, within ±32,767, where a channel transform comes first);
decoded ones are in 1/4 of that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.dense.channel_transform import FINER_BITS, ChannelTransform
from fmq_embedded.dense.contexts import MODE_COUNT, SPATIAL
from fmq_embedded.dense.encoder import PLAIN, DenseMap, DenseResult, encode_map
from fmq_embedded.dense.layout import Layout
from fmq_embedded.dense.numbers import (
    HIGHEST_EXPONENT,
    LARGEST_SAMPLE,
    LOWEST_EXPONENT,
    Array,
    decoded,
    in_units,
    least_exponent,
    real_values,
)
from fmq_embedded.dense.search import Search
from fmq_embedded.dense.steps import STEP_COUNT, nearest_step, step_size
from fmq_embedded.dense.tensor import DenseTensor
from fmq_embedded.dense.weighting import Weighting
from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap

Numbers = npt.NDArray[np.uint16]

CENTRE = 32768
QUICK = replace(PLAIN, quick=True, biases=(0, 256, 300, 300, 256))
"""What takes a device the fewest instructions."""

_FIELDS_BYTES = 64
_SPARE_BITS = 1


@dataclass(frozen=True)
class DensePlan:
    """A map's dense coding on a device.

    Args:
        exponent: e of the unit, 2^e; −138…117.
        step: 0…255, in that unit; see `steps`.
        search: how modes and levels are chosen; no trellis. Devices look for no parents.
        channels: what the channels go through before they are coded; then numbers that are to be
            coded are in 1/4 of the unit as well.
        weighting: in place of such a transform, factors of the channels and a region of interest;
            with a region the search is plain and has the spatial mode alone, for only there does
            a place that is not coded come back without any level.

    Raises:
        InputError: a value outside these, or what devices do not have.
    """

    exponent: int
    step: int
    search: Search = QUICK
    channels: ChannelTransform | None = None
    weighting: Weighting | None = None

    def __post_init__(self) -> None:
        if not LOWEST_EXPONENT <= self.exponent <= HIGHEST_EXPONENT:
            raise InputError(
                f"an exponent is {LOWEST_EXPONENT}..{HIGHEST_EXPONENT}; got {self.exponent}"
            )
        if not 0 <= self.step < STEP_COUNT:
            raise InputError(f"a step is 0..{STEP_COUNT - 1}; got {self.step}")
        if self.search.dependent or self.search.search not in (0, 1):
            raise InputError(
                "devices do not search a trellis: give them plain rounding or rdo, which decides "
                "level by level"
            )
        if self.channels is not None and self.weighting is not None:
            raise InputError("a dense plan has a channel transform or a weighting, not both")
        is_exact = self.search.search == 0 and self.search.allowed == (SPATIAL,)
        if self.weighting is not None and self.weighting.region is not None and not is_exact:
            raise InputError("a region goes with plain rounding and the spatial mode alone")

    @property
    def stage(self) -> ChannelTransform | Weighting | None:
        """What numbers go through before they are coded."""
        return self.channels or self.weighting

    @property
    def step_size(self) -> float:
        """In units of the samples: of float32, or of codes."""
        return math.ldexp(step_size(self.step), self.exponent)

    def limit(self, count: int) -> int:
        """Bytes that a device has room for, of a map of so many samples.

        It is what levels over the whole range take as they are, and a bit each.
        """
        levels = 2 * LARGEST_SAMPLE / step_size(self.step) + 1
        bits = max(math.ceil(math.log2(levels)), 1) + _SPARE_BITS
        return _FIELDS_BYTES + (count * bits + 7) // 8

    def numbers(self, item: FeatureMap) -> Numbers:
        """A map's fixed-point samples, as a device makes them.

        Raises:
            InputError: NaN or infinite samples.
        """
        exponent, limit = self.exponent, LARGEST_SAMPLE
        if self.stage is not None:
            exponent, limit = exponent - FINER_BITS, CENTRE - 1
        return (in_units(real_values(item), exponent, limit) + CENTRE).astype(np.uint16)

    def encode(self, numbers: Numbers, search: Search | None = None) -> bytes:
        """The byte `coding`, the dense fields and the payload of a map of any shape.

        Args:
            numbers: of `numbers`.
            search: one that no device has, in place of the plan's; a device decodes it all the
                same.
        """
        return self.coded(numbers, search).payload

    def through(self, numbers: Numbers) -> tuple[int, Numbers]:
        """How many bytes those are, and the numbers that a device decodes from them."""
        coded = self.coded(numbers)
        return len(coded.payload), self.decode(coded.tensor, numbers.shape)

    def coded(self, numbers: Numbers, search: Search | None = None) -> DenseResult:
        """What `encode` gives, with what a decoder reads."""
        own = replace(self.search, predicts=False)
        return encode_map(self.source(numbers), self.step, search or own)

    def source(self, numbers: Numbers) -> DenseMap:
        """What the coder sees of a map's numbers: behind its stage."""
        layout = Layout.of(numbers.shape)
        samples = numbers.astype(np.int32) - CENTRE
        if self.stage is not None:
            samples = self.stage.forward(samples, LARGEST_SAMPLE)
        values = np.ldexp(samples.astype(np.float64), self.exponent)
        item = FeatureMap(values.astype(np.float32))
        return DenseMap(item, values, layout.planar(samples), self.exponent, layout)

    def decode(self, tensor: DenseTensor, shape: tuple[int, ...]) -> Numbers:
        """The numbers that a device decodes a map to."""
        layout = Layout.of(shape)
        numbers = _numbers(layout.interleaved(tensor.fixed_point(layout)).reshape(shape))
        if self.stage is None:
            return numbers
        return _numbers(self.stage.inverse(numbers.astype(np.int32) - CENTRE))

    def samples(self, numbers: Numbers, dtype: str, zero_point: int) -> Array:
        """The samples of decoded numbers."""
        return decoded(numbers.astype(np.int32) - CENTRE, self.exponent, dtype, zero_point)

    def description(self) -> dict[str, Any]:
        """What a deployment's description says."""
        search = self.search
        return {
            "exponent": self.exponent,
            "step": self.step,
            "quick": search.quick,
            "rate_distortion": search.search == 1,
            "rounding": search.rounding,
            "multiplier": search.multiplier,
            "biases": list(search.biases),
            "stay": search.stay,
            "modes": list(search.allowed),
            **({} if self.channels is None else self.channels.description()),
            **({} if self.weighting is None else self.weighting.description()),
        }

    @classmethod
    def described(cls, entry: Mapping[str, Any]) -> DensePlan:
        """The mirror of `description`.

        Raises:
            KeyError, TypeError, ValueError: the description is not what was written.
        """
        biases, modes = tuple(map(int, entry["biases"])), tuple(map(int, entry["modes"]))
        if len(biases) != MODE_COUNT:
            raise ValueError(f"there are {MODE_COUNT} modes; got {len(biases)} biases")
        search = Search(
            search=int(entry["rate_distortion"]),
            rounding=int(entry["rounding"]),
            multiplier=int(entry["multiplier"]),
            biases=biases,
            stay=int(entry["stay"]),
            allowed=modes,
            quick=bool(entry["quick"]),
        )
        channels = ChannelTransform.described(entry) if "channels" in entry else None
        weighting = Weighting.described(entry) if "factors" in entry else None
        return cls(int(entry["exponent"]), int(entry["step"]), search, channels, weighting)


def _numbers(samples: npt.NDArray[np.int32]) -> Numbers:
    return np.clip(samples.astype(np.int64) + CENTRE, 0, 65535).astype(np.uint16)


def device_exponent(lowest: float, highest: float, *, is_integer: bool) -> int:
    """The exponent for maps with these ends: with a bit to spare, but for codes, which end there.

    Args:
        lowest, highest: float32 values, or of integers the type's lowest and highest code less the
            zero point.
    """
    largest = max(abs(lowest), abs(highest))
    if largest == 0:
        return 0
    spare = 0 if is_integer else 1
    return min(least_exponent(largest) + spare, HIGHEST_EXPONENT)


def step_of_depth(width: float, exponent: int, bit_depth: int) -> int:
    """The step of 2^bit_depth levels over a range of this width, in units of 2^exponent."""
    return nearest_step(math.ldexp(width, -exponent) / ((1 << bit_depth) - 1))
