"""Rational numbers rounded to the nearest integer and to the nearest float32, ties to even."""

from __future__ import annotations

import math
from fractions import Fraction


def round_half_even(numerator: int, denominator: int) -> int:
    """The integer nearest to numerator / denominator (above 0), ties to the even one."""
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        quotient += 1
    return quotient


def nearest_float32(value: Fraction) -> float:
    """The float32 nearest to `value`, ties to even, subnormals included.

    Range: |value| below 2^128 − 2^103, the first that would round to infinity.
    """
    numerator, denominator = value.numerator, value.denominator
    exponent = numerator.bit_length() - denominator.bit_length()
    if abs(numerator) << max(-exponent, 0) < denominator << max(exponent, 0):
        exponent -= 1
    unit = max(exponent - 23, -149)
    significand = round_half_even(numerator << max(-unit, 0), denominator << max(unit, 0))
    return math.ldexp(significand, unit)
