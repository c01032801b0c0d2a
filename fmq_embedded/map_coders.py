"""How one map is coded under settings and targets, by profile."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from fmq_embedded.bitstream.headers import TensorHeader
from fmq_embedded.dense import (
    DenseMap,
    DenseResult,
    encode_exactly,
    encode_map,
    prepare,
    real_values,
    searches,
    with_tuning,
    within_sqnr,
)
from fmq_embedded.dense.steps import STEP_COUNT
from fmq_embedded.errors import InputError, TargetWarning
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.quantizing import plain_header, quantized
from fmq_embedded.settings import Settings

Tensor: TypeAlias = tuple[TensorHeader, npt.NDArray[np.generic] | bytes | None]
"""A header with its levels, or with what follows it in bytes."""

LARGEST_TUNING = 4.0
RANKS_PER_OCTAVE = 8
"""How fine the ranks of quantizers are."""


class MapCoder(Protocol):
    """Codes one map."""

    def chosen(self) -> Tensor:
        """As the settings ask for, without a target of bytes."""

    def at(self, rank: int, tuning: float) -> Tensor:
        """Coarser with each rank; rank 0 is middling."""


def map_coder(item: FeatureMap, settings: Settings) -> MapCoder:
    """The coder that the settings ask for."""
    own_levels = settings.quantizer is None and settings.partition == "none"
    if settings.profile == "dense" and own_levels and item.samples.size:
        if settings.lossless:
            return _Fixed(
                (replace(plain_header(item), is_dense=True), encode_exactly(item).payload)
            )
        source = prepare(item, settings.nonfinite)
        if not source.is_flat:
            return _Dense(item, source, settings)
    has_target = settings.byte_limit is not None or settings.target_sqnr is not None
    if not has_target or _is_flat(item.samples):
        return _Fixed(quantized(item, settings))
    return _Stepped(item, settings)


def _is_flat(samples: npt.NDArray[np.generic]) -> bool:
    """Whether a map has no two different samples."""
    return samples.size == 0 or bool((samples == samples.flat[0]).all())


@dataclass(frozen=True)
class _Fixed:
    tensor: Tensor

    def chosen(self) -> Tensor:
        return self.tensor

    def at(self, rank: int, tuning: float) -> Tensor:
        return self.tensor


@dataclass(frozen=True)
class _Dense:
    item: FeatureMap
    source: DenseMap
    settings: Settings

    def chosen(self) -> Tensor:
        settings = self.settings
        if settings.target_sqnr is not None:
            found = within_sqnr(self.source, settings.target_sqnr, settings.rate_distortion)
            return self._tensor(found)
        return self._coded(self.source.step_of_depth(settings.bit_depth), 1.0)

    def at(self, rank: int, tuning: float) -> Tensor:
        step = self.source.middle_step() + rank
        return self._coded(min(max(step, 0), STEP_COUNT - 1), tuning)

    def _coded(self, step: int, tuning: float) -> Tensor:
        (search,) = searches(self.source, self.settings.rate_distortion, for_sqnr=False)
        return self._tensor(encode_map(self.source, step, with_tuning(search, tuning)))

    def _tensor(self, result: DenseResult) -> Tensor:
        return replace(plain_header(self.item), is_dense=True), result.payload


@dataclass(frozen=True)
class _Stepped:
    """By the step of a quantizer with 0 at a level, to meet a target.

    Rank 0 has 2^bit_depth steps over the range of the samples.
    """

    item: FeatureMap
    settings: Settings

    def chosen(self) -> Tensor:
        wanted = self.settings.target_sqnr
        assert wanted is not None
        low, high = -1, self.settings.bit_depth * RANKS_PER_OCTAVE
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._sqnr(middle) >= wanted else (low, middle)
        if low < 0:
            warnings.warn(
                f"{wanted} dB is above what a quantizer of {self.settings.bit_depth} bits reaches, "
                f"{self._sqnr(0):.1f} dB; that one is taken; ask for a larger bit_depth",
                TargetWarning,
                stacklevel=2,
            )
        return self.at(max(low, 0), 1.0)

    def at(self, rank: int, tuning: float) -> Tensor:
        from fmq_embedded.calibration.stepped_partition import (
            LARGEST_BIT_DEPTH,
            SampleRange,
            stepped_base,
        )

        if self.settings.quantizer is not None:
            raise InputError(
                "a target changes the step size, and the quantizer is given; leave one of them out"
            )
        values = self.item.scale * real_values(self.item, self.settings.nonfinite)
        known = SampleRange(float(values.min()), float(values.max()))
        depth = min(self.settings.bit_depth, LARGEST_BIT_DEPTH - 1)
        octaves = (max(rank, 0) + np.log(tuning) / np.log(LARGEST_TUNING)) / RANKS_PER_OCTAVE
        step = max(-known.minimum, known.maximum) * 2.0 ** (min(octaves, depth + 2) - depth)
        settings = replace(self.settings, quantizer=stepped_base(known, float(step)))
        return quantized(self.item, settings)

    def _sqnr(self, rank: int) -> float:
        header, levels = self.at(rank, 1.0)
        assert header.quantizer is not None and isinstance(levels, np.ndarray)
        dequantizer: Any = header.partition or header.quantizer
        samples = self.item.samples.astype(np.float64)
        restored = dequantizer.dequantize(
            levels, np.dtype(header.dtype), scale=header.scale, zero_point=header.zero_point
        ).astype(np.float64)
        error = float(np.square(restored - samples).sum())
        energy = float(np.square(samples - header.zero_point).sum())
        return 10 * np.log10(energy / error) if error else np.inf
