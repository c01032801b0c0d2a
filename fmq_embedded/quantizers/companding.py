"""Companding: a nonlinear map, then a uniform quantizer; all of it in tables ([0230], [0236]).

With R = max(|minimum|, |maximum|) and F an odd, increasing function of [−1, 1] onto itself:

| function | F(x), x ≥ 0 | its inverse, y ≥ 0 |
|---|---|---|
| µ-law | ln(1 + µ·x) / ln(1 + µ) | ((1 + µ)^y − 1) / µ |
| power | x^p | y^(1/p) |

y(t) = F(minimum/R) + (F(maximum/R) − F(minimum/R))·t/L, for t in 0..L, L = 2^b − 1. Level l has the
value R·F⁻¹(y(l)), level 0 the minimum and level L the maximum; the threshold below level l is
R·F⁻¹(y(l − 1/2)). Each is the real number, rounded to 120 significant decimal digits and then to
float32, both to nearest, ties to even: so the tables are the same wherever they are computed.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from typing import Literal

import numpy as np

from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.quantizers.quantizer import Quantizer
from fmq_embedded.quantizers.rounding import nearest_float32

Function = Literal["mu_law", "power"]

LARGEST_BIT_DEPTH = 10
PARAMETER_RANGES = {"mu_law": (2.0**-8, 2.0**16), "power": (2.0**-4, 2.0**4)}

_WORKING_DIGITS = 150
_DIGITS = 120
_WORKING = Context(prec=_WORKING_DIGITS, rounding=ROUND_HALF_EVEN)
_ROUNDED = Context(prec=_DIGITS, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True)
class Compander:
    """A companded quantizer, told by its function and range.

    Args:
        function: "mu_law" or "power".
        bit_depth: 1..10.
        parameter: µ, 2^−8..2^16, or the exponent p, 1/16..16; below 1 it is finer near 0.
        minimum, maximum: the range, minimum < maximum; like `parameter` rounded once to float32.

    Raises:
        InputError: for values outside these.
    """

    function: Function
    bit_depth: int
    parameter: float
    minimum: float
    maximum: float

    def __post_init__(self) -> None:
        if self.function not in PARAMETER_RANGES:
            raise unknown_name("companding function", str(self.function), PARAMETER_RANGES)
        if not 1 <= self.bit_depth <= LARGEST_BIT_DEPTH:
            raise InputError(
                f"bit_depth of a companded quantizer is 1..{LARGEST_BIT_DEPTH}; "
                f"got {self.bit_depth}"
            )
        for name in ("parameter", "minimum", "maximum"):
            with np.errstate(over="ignore"):
                object.__setattr__(self, name, float(np.float32(getattr(self, name))))
        lowest, highest = PARAMETER_RANGES[self.function]
        if not lowest <= self.parameter <= highest:
            raise InputError(
                f"the parameter of {self.function} is {lowest}..{highest}; got {self.parameter}"
            )
        if not (math.isfinite(self.minimum) and math.isfinite(self.maximum)):
            raise InputError("minimum and maximum must be finite as float32")
        if not self.minimum < self.maximum:
            raise InputError(f"minimum is below maximum; got {self.minimum} and {self.maximum}")

    @property
    def quantizer(self) -> Quantizer:
        """The explicit quantizer of these tables."""
        return _quantizer(self)


@functools.lru_cache(maxsize=64)
def _quantizer(compander: Compander) -> Quantizer:
    top = (1 << compander.bit_depth) - 1
    with localcontext(_WORKING):
        reach = max(abs(Decimal(compander.minimum)), abs(Decimal(compander.maximum)))
        low = _forward(compander, Decimal(compander.minimum) / reach)
        high = _forward(compander, Decimal(compander.maximum) / reach)
        halves = [low + (high - low) * half / (2 * top) for half in range(2 * top + 1)]
        points = [_as_float32(reach * _inverse(compander, y)) for y in halves]
    values = (compander.minimum, *points[2:-1:2], compander.maximum)
    return Quantizer.explicit(points[1::2], values)


def _forward(compander: Compander, x: Decimal) -> Decimal:
    size, parameter = abs(x), Decimal(compander.parameter)
    if size == 0:
        return size
    if compander.function == "mu_law":
        y = (1 + parameter * size).ln() / (1 + parameter).ln()
    else:
        y = size**parameter
    return y.copy_sign(x)


def _inverse(compander: Compander, y: Decimal) -> Decimal:
    size, parameter = abs(y), Decimal(compander.parameter)
    if size == 0:
        return size
    if compander.function == "mu_law":
        x = ((1 + parameter) ** size - 1) / parameter
    else:
        x = size ** (1 / parameter)
    return x.copy_sign(y)


def _as_float32(value: Decimal) -> float:
    return nearest_float32(Fraction(_ROUNDED.plus(value)))
