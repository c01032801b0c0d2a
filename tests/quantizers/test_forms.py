"""The forms for devices: found, proved and chosen."""

import dataclasses

import numpy as np
import pytest

from fmq_embedded import InputError
from fmq_embedded.errors import MismatchError
from fmq_embedded.quantizers import Quantizer, SampleType, reference
from fmq_embedded.quantizers.forms import (
    choose_form,
    multiply_shift,
    possible_forms,
    prove,
)

INT16 = SampleType("int16", 2e-4, 77)


def test_multiply_shift_is_exact_for_every_int16_code():
    codes = np.arange(-32768, 32768).astype(np.int16)
    for bit_depth in (1, 4, 8, 12, 16):
        for step, offset in ((1.0, 0.5), (1.3, 0.0), (0.7, 0.25)):
            quantizer = Quantizer.uniform(-5, 6, bit_depth, step, offset)
            form = multiply_shift(quantizer, INT16)
            expected = reference.quantize(
                quantizer, codes, scale=INT16.scale, zero_point=INT16.zero_point
            )
            np.testing.assert_array_equal(form.levels(codes), expected)


def test_a_dead_zone_has_no_multiply_shift():
    quantizer = Quantizer.laplace(3.0, rounding="centre", rounding_offset=0.2)
    assert multiply_shift(quantizer, INT16) is None


@pytest.mark.parametrize(
    "quantizer, samples, budget, name",
    [
        (Quantizer.uniform(-1, 1), SampleType("int8", 0.01), 2048, "table"),
        (Quantizer.uniform(-1, 1), SampleType("int8", 0.01), 100, "multiply_shift"),
        (Quantizer.uniform(-1, 1), INT16, 2048, "multiply_shift"),
        (Quantizer.uniform(-1, 1), INT16, 1 << 16, "table"),
        (Quantizer.laplace(1, rounding="centre", rounding_offset=0.1), INT16, 2048, "search"),
        (Quantizer.uniform(-1, 1), SampleType(), 2048, "estimate"),
        (Quantizer.explicit([0.0], [-1, 1]), SampleType(), 2048, "search"),
        (Quantizer.uniform(-1, 1, 16), SampleType(), 1 << 18, "estimate"),
        (Quantizer.uniform(-1, 1, 16), SampleType(), 2048, "search"),
    ],
)
def test_the_quickest_form_that_fits_is_chosen(quantizer, samples, budget, name):
    assert choose_form(quantizer, samples, budget).name == name


def test_a_wrong_form_fails_its_proof():
    quantizer = Quantizer.uniform(-1, 1)
    for samples in (INT16, SampleType()):
        for form in possible_forms(quantizer, samples):
            for field, change in (("table", 0), ("multiplier", 1 << 20), ("base", 1 << 22)):
                if not hasattr(form, field):
                    continue
                value = getattr(form, field)
                if field == "table":
                    value = value.copy()
                    value[100] += 1
                wrong = dataclasses.replace(form, **{field: value + change})
                with pytest.raises(MismatchError):
                    prove(quantizer, wrong, samples)


def test_float64_is_not_for_devices():
    with pytest.raises(InputError, match="float32"):
        choose_form(Quantizer.uniform(0, 1), SampleType("float64"))


@pytest.mark.parametrize(
    "quantizer",
    [
        Quantizer.uniform(1e6, 1e6 + 1, 16),
        Quantizer.uniform(0, 1e-42),
        Quantizer.laplace(1, rounding="centre", rounding_offset=float(np.float32(1 - 2**-24))),
    ],
)
def test_without_an_estimate_the_search_is_exact(quantizer):
    assert [form.name for form in possible_forms(quantizer, SampleType())] == ["search"]
    samples = np.float32([1e6 - 0.0625, 1e6, 1e6 + 0.5, 0, 3e-43, -1, 0.01, -0.01, 1e-45])
    np.testing.assert_array_equal(
        quantizer.quantize(samples), reference.quantize(quantizer, samples)
    )
