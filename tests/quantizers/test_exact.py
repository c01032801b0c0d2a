"""Thresholds and values equal brute force over the rationals, on every representable sample."""

from fractions import Fraction
from math import floor

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fmq_embedded import InputError
from fmq_embedded.quantizers import Quantizer, SampleType, exact
from fmq_embedded.quantizers.rounding import nearest_float32, round_half_even
from fmq_embedded.quantizers.samples import order_keys, values_of_keys


def level_by_hand(quantizer: Quantizer, sample: Fraction) -> int:
    """The table in NUMERICS terms, written out once more for the tests alone."""
    top, centre = 2**quantizer.bit_depth - 1, 2 ** (quantizer.bit_depth - 1) - 1
    step, offset = Fraction(quantizer.step_size), Fraction(quantizer.rounding_offset)
    if quantizer.distribution == "uniform":
        low, high = (Fraction(value) for value in quantizer.parameters)
        normalised = (sample - low) / (high - low) * top
    else:
        mean = quantizer.parameters[0] if quantizer.distribution == "gaussian" else 0.0
        normalised = (sample - Fraction(mean)) / Fraction(quantizer.parameters[-1]) * centre
        normalised += centre
    if quantizer.rounding == "floor":
        return min(max(floor((normalised + offset) / step), 0), top)
    distance = normalised - centre
    sign = (distance > 0) - (distance < 0)
    return min(max(centre + sign * floor(abs(distance) / step + offset), 0), top)


OFFSETS = st.sampled_from([0.0, 0.25, 0.5, 0.75, 0.99])
STEPS = st.sampled_from([0.3, 0.5, 1.0, 1.5, 2.0, 7.0])
NUMBERS = st.floats(-1000, 1000, width=32).filter(lambda value: value == 0 or abs(value) > 1e-3)
WIDTHS = st.floats(0.125, 1000, width=32)


@st.composite
def quantizers(draw) -> Quantizer:
    kind = draw(st.sampled_from(["uniform", "gaussian", "laplace"]))
    bit_depth = draw(st.integers(2, 7))
    more = {"step_size": draw(STEPS), "rounding_offset": draw(OFFSETS)}
    if kind == "uniform":
        low, width = draw(NUMBERS), draw(WIDTHS)
        return Quantizer.uniform(low, low + width, bit_depth, **more)
    more["rounding"] = draw(st.sampled_from(["floor", "centre"]))
    if kind == "gaussian":
        return Quantizer.gaussian(draw(NUMBERS), draw(WIDTHS), bit_depth, **more)
    return Quantizer.laplace(draw(WIDTHS), bit_depth, **more)


@settings(max_examples=60, deadline=None)
@given(quantizers())
def test_each_threshold_is_the_first_float32_of_its_level(quantizer):
    thresholds = exact.decision_thresholds(quantizer)
    assert thresholds.dtype == np.int32 and thresholds.size == quantizer.maximum_level
    for level, key in enumerate(thresholds.tolist(), start=1):
        first, before = values_of_keys(np.array([key, key - 1], np.int32)).tolist()
        if abs(key) < 0x7F800000:
            assert level_by_hand(quantizer, Fraction(first)) >= level
            assert level_by_hand(quantizer, Fraction(before)) < level


@settings(max_examples=40, deadline=None)
@given(quantizers(), st.integers(-128, 127), st.floats(2.0**-10, 10, width=32))
def test_each_int8_code_has_its_level(quantizer, zero_point, scale):
    samples = SampleType("int8", scale, zero_point)
    thresholds = exact.decision_thresholds(quantizer, samples)
    for code in range(-128, 128):
        real = (code - zero_point) * Fraction(samples.scale)
        assert np.count_nonzero(thresholds <= code) == level_by_hand(quantizer, real)


@settings(max_examples=40, deadline=None)
@given(quantizers())
def test_float64_thresholds_are_first_too(quantizer):
    keys = exact.decision_thresholds(quantizer, SampleType("float64"))
    for level, key in enumerate(keys.tolist(), start=1):
        pair = np.abs(np.array([key, key - 1])).view(np.float64) * np.sign([key, key - 1])
        assert level_by_hand(quantizer, Fraction(pair[0])) >= level
        assert level_by_hand(quantizer, Fraction(pair[1])) < level


def test_every_float16_of_a_small_quantizer():
    quantizer = Quantizer.uniform(-2, 3, bit_depth=3, rounding_offset=0.25)
    samples = np.arange(1 << 16).astype(np.uint16).view(np.float16)
    samples = samples[np.isfinite(samples)]
    levels = quantizer.quantize(samples)
    expected = [level_by_hand(quantizer, Fraction(value)) for value in samples.tolist()]
    assert levels.tolist() == expected


def test_every_bfloat16_of_a_small_quantizer():
    quantizer = Quantizer.laplace(2.5, bit_depth=4, rounding_offset=0.0, rounding="centre")
    samples = np.arange(1 << 16).astype(np.uint16).view(ml_dtypes.bfloat16)
    samples = samples[(samples.view(np.uint16) & 0x7F80) != 0x7F80]
    levels = quantizer.quantize(samples)
    expected = [level_by_hand(quantizer, Fraction(float(value))) for value in samples]
    assert levels.tolist() == expected


def test_ties_go_up_with_offset_one_half_and_exactly_on_the_boundary_with_zero():
    half = Quantizer.uniform(0, 255)
    assert half.quantize(np.float32([0.5, 1.5, 2.5, 254.5, -0.5])).tolist() == [1, 2, 3, 255, 0]
    below = np.nextafter(np.float32([0.5, 1.5, 2.5]), np.float32(-1))
    assert half.quantize(below).tolist() == [0, 1, 2]
    zero = Quantizer.uniform(0, 255, rounding_offset=0.0)
    assert zero.quantize(np.float32([1, 2, 254, 255])).tolist() == [1, 2, 254, 255]
    assert zero.quantize(np.float32([0.99999994, 254.99998])).tolist() == [0, 254]
    one = Quantizer.uniform(0, 255, rounding_offset=1.0)
    assert one.quantize(np.float32([-0.25, 0, 0.99, 1])).tolist() == [0, 1, 1, 2]


def test_centre_rounding_is_symmetric_and_excludes_its_negative_bounds():
    quantizer = Quantizer.laplace(7.0, bit_depth=4, rounding_offset=0.25, rounding="centre")
    samples = np.float32([-1.75, -0.75, -0.7499, -0.0, 0.0, 0.7499, 0.75, 1.75])
    assert quantizer.quantize(samples).tolist() == [5, 6, 7, 7, 7, 7, 8, 9]


def test_thresholds_beyond_float32_are_never_reached():
    quantizer = Quantizer.uniform(-3e38, 3e38, step_size=1.0, rounding_offset=-20.0)
    thresholds = exact.decision_thresholds(quantizer)
    assert thresholds[-1] == 0x7F800000
    largest = np.finfo(np.float32).max
    assert quantizer.quantize(np.float32([largest]))[0] == np.count_nonzero(thresholds < 0x7F800000)


@settings(max_examples=300, deadline=None)
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_keys_keep_the_order_and_give_the_sample_back(value):
    sample = np.float32([value])
    key = order_keys(sample)
    assert values_of_keys(key)[0] == sample[0]
    with np.errstate(over="ignore"):
        above = np.nextafter(sample, np.float32(np.inf))
    if np.isfinite(above[0]):
        assert order_keys(above)[0] == key[0] + 1


@settings(max_examples=300, deadline=None)
@given(st.fractions(-(2**127), 2**127), st.integers(-160, 60))
def test_nearest_float32_is_nearest_and_even(value, exponent):
    value = value * Fraction(2) ** exponent
    if abs(value) >= 2**128 - 2**104:
        return
    got = np.float32(nearest_float32(value))
    steps = [np.nextafter(got, np.float32(sign * np.inf)) for sign in (-1, 1)]
    error = abs(Fraction(float(got)) - value)
    for other in steps:
        if not np.isfinite(other):
            continue
        distance = abs(Fraction(float(other)) - value)
        assert error < distance or (error == distance and got.view(np.uint32) % 2 == 0)


def test_round_half_even():
    assert [round_half_even(n, 2) for n in (-5, -3, -1, 1, 3, 5)] == [-2, -2, 0, 0, 2, 2]
    assert round_half_even(-7, 3) == -2


@settings(max_examples=60, deadline=None)
@given(quantizers())
def test_reconstruction_values_are_rounded_once(quantizer):
    values = exact.reconstruction_values(quantizer)
    top, centre = quantizer.maximum_level, quantizer.centre
    step = Fraction(quantizer.step_size)
    for level in range(top + 1):
        scaled = level * step
        if quantizer.rounding == "centre":
            scaled = centre + (level - centre) * step
        scaled = min(max(scaled, Fraction(0)), Fraction(top))
        if quantizer.distribution == "uniform":
            low, high = map(Fraction, quantizer.parameters)
            real = scaled / top * (high - low) + low
        else:
            mean = quantizer.parameters[0] if quantizer.distribution == "gaussian" else 0.0
            real = (scaled / centre - 1) * Fraction(quantizer.parameters[-1]) + Fraction(mean)
        assert values[level] == nearest_float32(real)


def test_integer_values_round_half_to_the_even_code_and_saturate():
    quantizer = Quantizer.uniform(-2, 253)
    output = SampleType("int8", 2.0, 1)
    codes = exact.reconstruction_values(quantizer, output).tolist()
    # value / 2 + 1 for the values −2, −1, 0, 1, 2, 3: 0, .5, 1, 1.5, 2, 2.5
    assert codes[:6] == [0, 0, 1, 2, 2, 2]
    assert codes[-1] == 127
    assert exact.reconstruction_values(quantizer, SampleType("uint8"))[0] == 0


def test_float64_has_no_reconstruction():
    with pytest.raises(InputError, match="float64"):
        exact.reconstruction_values(Quantizer.uniform(0, 1), SampleType("float64"))
