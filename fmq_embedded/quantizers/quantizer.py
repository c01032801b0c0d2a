"""The quantizer: its parameters, and quantize and dequantize in integer arithmetic.

With b the bit depth, L = 2^b − 1 and c = 2^(b−1) − 1:

| | normalise | level | dequantize |
|---|---|---|---|
| uniform | n = (f − minimum) / (maximum − minimum) · L | clip(0, L, floor((n + offset) / step)) | v / L · (maximum − minimum) + minimum |
| Gaussian | n = (f − mean) / span · c + c | the same | (v / c − 1) · span + mean |
| Laplace | n = f / scale · c + c | the same | (v / c − 1) · scale |

v = clip(0, L, level · step). The literal Gaussian form has the variance as its span. Rounding
"centre" puts the dead zone about the centre: with d = n − c, the level is
clip(0, L, c + sign(d) · floor(|d| / step + offset)) and v = clip(0, L, c + (level − c) · step).
The parameters are rounded to float32 once, when the quantizer is made; all else is exact real
arithmetic, so that a quantizer is one monotone function, the same on every machine.
"""  # noqa: E501 (a table)

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.quantizers.parameters import checked_fields

Distribution = Literal["uniform", "gaussian", "laplace"]
Rounding = Literal["floor", "centre"]


@dataclass(frozen=True)
class Quantizer:
    """A scalar quantizer of feature maps; make one with the class methods.

    Attributes:
        distribution: "uniform", "gaussian" or "laplace".
        bit_depth: bits of a level: 1..16, and 2..16 for Gaussian and Laplace.
        step_size: finite and above 0.
        rounding_offset: 0..1 without 1 for rounding "centre", within ±2^16 for "floor".
        rounding: "floor" (as the equations print it) or "centre" (Gaussian and Laplace).
        parameters: (minimum, maximum), (mean, variance or span) or (scale,); () if explicit.
        span_is_fitted: Gaussian only: parameters[1] is a span and not the variance.
        thresholds: of an explicit quantizer, 2^b − 1 float32 values that do not decrease: the
            level is the number of thresholds that are at most the sample. Else None.
        values: of an explicit quantizer, 2^b float32 reconstruction values. Else None.

    Raises:
        InputError: for parameters outside these ranges, after rounding to float32.
    """

    distribution: Distribution
    bit_depth: int
    step_size: float
    rounding_offset: float
    rounding: Rounding
    parameters: tuple[float, ...]
    span_is_fitted: bool = False
    thresholds: tuple[float, ...] | None = None
    values: tuple[float, ...] | None = None
    _prepared: dict[Any, Any] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )

    @classmethod
    def uniform(
        cls,
        minimum: float,
        maximum: float,
        bit_depth: int = 8,
        step_size: float = 1.0,
        rounding_offset: float = 0.5,
    ) -> Quantizer:
        """Uniform between `minimum` and `maximum` (Eq. 1–3; dequantizer Eq. 8–10)."""
        return cls("uniform", bit_depth, step_size, rounding_offset, "floor", (minimum, maximum))

    @classmethod
    def gaussian(
        cls,
        mean: float,
        variance: float,
        bit_depth: int = 8,
        span: float | None = None,
        step_size: float = 1.0,
        rounding_offset: float = 0.5,
        rounding: Rounding = "floor",
    ) -> Quantizer:
        """Gaussian about `mean` (Eq. 4–5 and 3; dequantizer Eq. 11–13).

        Args:
            span: half the width covered, on each side of the mean; the variance is then not
                kept. None is the literal form: the variance itself is the span.
        """
        width = variance if span is None else span
        fitted = span is not None
        return cls(
            "gaussian", bit_depth, step_size, rounding_offset, rounding, (mean, width), fitted
        )

    @classmethod
    def laplace(
        cls,
        scale: float,
        bit_depth: int = 8,
        step_size: float = 1.0,
        rounding_offset: float = 0.5,
        rounding: Rounding = "floor",
    ) -> Quantizer:
        """Laplace about 0 (Eq. 6–7 and 3; dequantizer Eq. 14–16); `scale` is the span."""
        return cls("laplace", bit_depth, step_size, rounding_offset, rounding, (scale,))

    @classmethod
    def explicit(
        cls,
        thresholds: Iterable[float],
        values: Iterable[float],
        distribution: Distribution = "uniform",
    ) -> Quantizer:
        """A quantizer told by its thresholds and values, both rounded once to float32.

        Args:
            thresholds: 2^b − 1 finite values that do not decrease, 1 ≤ b ≤ 16.
            values: 2^b finite values; level l is dequantized to values[l].
            distribution: what it was fitted to.
        """
        limits, points = tuple(thresholds), tuple(values)
        return cls(
            distribution,
            len(limits).bit_length(),
            1.0,
            0.5,
            "floor",
            (),
            thresholds=limits,
            values=points,
        )

    def __post_init__(self) -> None:
        for name, value in checked_fields(self).items():
            object.__setattr__(self, name, value)

    @property
    def is_explicit(self) -> bool:
        """Whether thresholds and values tell it, and not parameters."""
        return self.thresholds is not None or self.values is not None

    @property
    def maximum_level(self) -> int:
        """L = 2^b − 1."""
        return int((1 << self.bit_depth) - 1)

    @property
    def centre(self) -> int:
        """c = 2^(b−1) − 1."""
        return int((1 << (self.bit_depth - 1)) - 1)

    @property
    def level_dtype(self) -> np.dtype[Any]:
        """uint8 for a bit depth up to 8, else uint16."""
        return np.dtype(np.uint8 if self.bit_depth <= 8 else np.uint16)

    @property
    def origin(self) -> float:
        """Where the formula starts: the minimum, the mean, or 0; of an explicit one 0."""
        return 0.0 if self.distribution == "laplace" or self.is_explicit else self.parameters[0]

    @property
    def is_constant(self) -> bool:
        """Whether its width is 0: each level is then 0, and each value is `origin`."""
        if self.is_explicit:
            return False
        if self.distribution == "uniform":
            return self.parameters[0] == self.parameters[1]
        return self.parameters[-1] == 0

    def quantize(
        self,
        samples: npt.ArrayLike | FeatureMap,
        *,
        scale: float = 1.0,
        zero_point: int = 0,
        nonfinite: Literal["error", "saturate"] = "error",
        nan_level: int | None = None,
        out: npt.NDArray[Any] | None = None,
    ) -> npt.NDArray[Any]:
        """The levels of samples, by integer arithmetic alone, equal to the reference's.

        Args:
            samples: float32, float16, bfloat16, float64, int8, uint8 or int16; any shape and
                strides; or a `FeatureMap`.
            scale, zero_point: of integer samples: real value = (code − zero_point) × scale.
            nonfinite: "error", or "saturate": ±Inf become the levels L and 0, NaN `nan_level`.
            nan_level: the level of NaN when saturating; needed only if there is one.
            out: C-contiguous array of the level dtype and the samples' shape, to write to.

        Returns:
            uint8 levels for a bit depth up to 8, else uint16; the same shape, C-contiguous.

        Raises:
            InputError: for a dtype that is not listed, an `out` that does not fit, or NaN and
                infinities that were not asked to be saturated.
        """
        from fmq_embedded.quantizers import integer_path

        return integer_path.quantize(
            self,
            samples,
            scale=scale,
            zero_point=zero_point,
            nonfinite=nonfinite,
            nan_level=nan_level,
            out=out,
        )

    def dequantize(
        self,
        levels: npt.ArrayLike,
        dtype: npt.DTypeLike = np.float32,
        *,
        scale: float = 1.0,
        zero_point: int = 0,
        out: npt.NDArray[Any] | None = None,
    ) -> npt.NDArray[Any]:
        """The samples of levels: the formula in exact arithmetic, rounded once.

        Args:
            levels: integers 0..L of any integer dtype, shape and strides.
            dtype: float32 (to nearest, ties to even), or int8, uint8, int16: value / scale +
                zero_point, to the nearest code, ties to the even code, saturated.
            scale, zero_point: of an integer `dtype`.
            out: C-contiguous array of `dtype` and the levels' shape, to write to.

        Returns:
            An array of `dtype` and the same shape, C-contiguous.

        Raises:
            InputError: for a level above L or below 0, levels that are not integers, another
                `dtype`, or an `out` that does not fit.
        """
        from fmq_embedded.quantizers import integer_path

        return integer_path.dequantize(
            self, levels, dtype, scale=scale, zero_point=zero_point, out=out
        )
