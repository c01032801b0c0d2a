"""The verifier passes what is right and finds what is wrong."""

from fractions import Fraction

import numpy as np
import pytest

from fmq_embedded.quantizers import Quantizer, SampleType, reference, verification
from fmq_embedded.quantizers.exact import decision_thresholds
from fmq_embedded.quantizers.samples import values_of_keys
from fmq_embedded.quantizers.verification import (
    decisive_samples,
    verify,
    verify_dequantizer,
    verify_nonfinite,
)

QUANTIZERS = {
    "uniform": Quantizer.uniform(-0.37, 5.21),
    "uniform zero offset": Quantizer.uniform(0, 6, rounding_offset=0.0),
    "uniform 1": Quantizer.uniform(-1, 1, 1, rounding_offset=1.0),
    "uniform 16": Quantizer.uniform(-0.37, 5.21, 16, rounding_offset=0.25),
    "gaussian literal": Quantizer.gaussian(0.2, 1.7, 7, step_size=2.5),
    "gaussian centre": Quantizer.gaussian(0.2, 1.7, 9, span=4.0, rounding="centre"),
    "gaussian centre 0": Quantizer.gaussian(
        -3.0, 1.7, 8, span=4.0, rounding="centre", rounding_offset=0.0
    ),
    "laplace": Quantizer.laplace(2.2, 10, step_size=0.3, rounding_offset=0.25),
    "laplace centre": Quantizer.laplace(2.2, 4, rounding="centre", rounding_offset=0.9),
    "tiny": Quantizer.uniform(-1e-44, 1e-43),
    "huge": Quantizer.gaussian(1e38, 2e38, 8),
    "constant": Quantizer.gaussian(3, 0),
    "explicit": Quantizer.explicit(
        np.sort(np.random.default_rng(1).normal(size=255)),
        np.sort(np.random.default_rng(2).normal(size=256)),
    ),
}
TYPES = [
    SampleType(),
    SampleType("float64"),
    SampleType("int8", 0.05, -7),
    SampleType("uint8", 0.03, 200),
    SampleType("int16", 3e-4, 1000),
]


@pytest.mark.parametrize("samples", TYPES, ids=lambda samples: samples.dtype)
@pytest.mark.parametrize("name", QUANTIZERS)
def test_the_integer_path_equals_the_reference(name, samples):
    found = verify(QUANTIZERS[name], samples)
    assert found.mismatches == 0, found.first_difference
    assert found.target == "numba"
    if samples.is_integer:
        assert found.inputs_checked == samples.highest_code - samples.lowest_code + 1
    if samples.dtype != "float64":
        assert verify_dequantizer(QUANTIZERS[name], samples).mismatches == 0


@pytest.mark.parametrize("name", QUANTIZERS)
def test_random_bit_patterns_and_samples_within_the_range(name):
    quantizer = QUANTIZERS[name]
    generator = np.random.default_rng(9)
    bits = generator.integers(0, 1 << 32, 50_000, dtype=np.uint32)
    patterns = bits.view(np.float32)
    width = max(map(abs, quantizer.parameters or (3.0,)))
    within = (generator.normal(size=100_000) * width).clip(-3e38, 3e38).astype(np.float32)
    samples = np.concatenate((patterns[np.isfinite(patterns)], within))
    np.testing.assert_array_equal(
        quantizer.quantize(samples), reference.quantize(quantizer, samples)
    )


def test_a_wrong_implementation_is_found():
    quantizer = QUANTIZERS["uniform"]
    low, high = (np.float32(value) for value in quantizer.parameters)

    def in_float32(samples):
        normalised = (samples - low) / (high - low) * np.float32(255) + np.float32(0.5)
        return np.floor(normalised).clip(0, 255).astype(np.uint8)

    with np.errstate(over="ignore"):
        found = verify(quantizer, implementation=in_float32, target="float32")
    assert found.target == "float32" and found.mismatches > 0
    assert "the reference" in found.first_difference

    def off_by_one(levels):
        return quantizer.dequantize(levels[::-1])[::-1] * np.float32(1.0000001)

    assert verify_dequantizer(quantizer, implementation=off_by_one).mismatches > 0


def test_plain_float64_is_wrong_on_ties_and_the_reference_is_not():
    quantizer = Quantizer.uniform(0.0, 0.3, 8, rounding_offset=0.0)
    codes = np.arange(-128, 128).astype(np.int8)
    scale = float(np.float32(0.3)) / 255 * 3
    meaning = {"scale": scale, "zero_point": -128}
    levels = reference.quantize(quantizer, codes, **meaning)
    for code, level in zip(codes.tolist(), levels.tolist(), strict=True):
        real = (code + 128) * Fraction(float(np.float32(scale)))
        assert level == reference.exact_level(quantizer, real)
    ties = Quantizer.uniform(0.0, 49.0, 8, step_size=0.1, rounding_offset=0.0)
    exact_ties = decisive_samples(ties, SampleType("float64"))
    assert reference.plain_float64_differences(ties, exact_ties) > 0


def test_decisive_samples_hold_every_threshold_and_its_neighbours():
    quantizer = Quantizer.uniform(0, 3, 2, rounding_offset=0.0)
    samples = set(decisive_samples(quantizer).view(np.uint32).tolist())
    for threshold in (1.0, 2.0, 3.0):
        bits = int(np.float32(threshold).view(np.uint32))
        assert {bits - 1, bits, bits + 1} <= samples
    assert {0, 0x80000000, 1, 0x80000001, 0x7F7FFFFF, 0xFF7FFFFF} <= samples


def test_exhaustive_walks_blocks_and_reports_progress(monkeypatch):
    quantizer = QUANTIZERS["uniform"]
    decisive = decisive_samples(quantizer).size

    def few(quantizer):
        yield np.float32([0, 1]), reference.quantize(quantizer, np.float32([0, 1]))
        yield np.float32([-1]), reference.quantize(quantizer, np.float32([-1])) ^ 1

    monkeypatch.setattr(verification, "every_float32", few)
    seen = []
    found = verify(quantizer, exhaustive=True, progress=lambda done, total: seen.append(done))
    assert (found.inputs_checked, found.mismatches) == (decisive + 3, 1)
    assert seen == [decisive, decisive + 2, decisive + 3]


def test_every_float32_is_every_finite_pattern_once(monkeypatch):
    assert 2 * verification.INFINITY_BITS == verification.FINITE_PATTERNS == 2 * 0x7F800000
    end = 5 << 17  # as if infinity came here: a block, and half of one
    monkeypatch.setattr(verification, "INFINITY_BITS", end)
    found = [[], []]
    for block, levels in verification.every_float32(QUANTIZERS["tiny"]):
        bits = block.view(np.uint32)
        assert levels.size == block.size
        np.testing.assert_array_equal(levels, reference.quantize(QUANTIZERS["tiny"], block))
        found[int(bits[0] >> 31)].append(bits & 0x7FFFFFFF)
    for bits in map(np.concatenate, found):
        np.testing.assert_array_equal(bits, np.arange(end))


@pytest.mark.parametrize("name", QUANTIZERS)
def test_levels_between_are_the_references(name):
    quantizer = QUANTIZERS[name]
    thresholds = decision_thresholds(quantizer).astype(np.int64)
    for middle in (-0x7F000000, *thresholds[:: max(thresholds.size // 7, 1)], 0, 0x7F000000):
        first = int(np.clip(middle, -0x7F700000, 0x7F700000)) - 500
        keys = np.arange(first, first + 1000)
        levels = verification.levels_between(thresholds, first, first + 1000)
        samples = values_of_keys(keys.astype(np.int32))
        np.testing.assert_array_equal(levels, reference.quantize(quantizer, samples))
        assert levels.dtype == quantizer.level_dtype


@pytest.mark.parametrize("name", QUANTIZERS)
def test_every_pattern_that_is_no_number_gets_the_level_named_for_it(name):
    found = verify_nonfinite(QUANTIZERS[name])
    assert found.inputs_checked == (1 << 32) - verification.FINITE_PATTERNS
    assert found.mismatches == 0, found.first_difference


def test_a_pattern_that_is_not_refused_is_found():
    found = verify_nonfinite(
        QUANTIZERS["tiny"], refuses=lambda block: block.view(np.uint32) != 0xFFC00000, target="mine"
    )
    assert (found.target, found.mismatches) == ("mine", 1)
    assert "0xffc00000" in found.first_difference


@pytest.mark.slow
@pytest.mark.parametrize("name", QUANTIZERS)
def test_all_float32(name):
    """Two minutes each on one processor: all 4,278,190,080 finite samples."""
    assert verify(QUANTIZERS[name], exhaustive=True).mismatches == 0
