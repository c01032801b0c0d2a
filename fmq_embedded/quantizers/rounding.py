"""Rational numbers rounded to the nearest integer and to the nearest float32, ties to even."""

from __future__ import annotations

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
    magnitude = abs(value)
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    if magnitude < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** max(exponent - 23, -149)
    scaled = value / unit
    return float(round_half_even(scaled.numerator, scaled.denominator) * unit)
