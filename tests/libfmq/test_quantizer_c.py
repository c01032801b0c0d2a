"""libfmq's quantizers give the reference's levels, on this machine and on a Cortex-M4."""

import ctypes
import os
import shutil
import subprocess

import numpy as np
import pytest

from fmq_embedded.quantizers import Quantizer, SampleType, reference
from fmq_embedded.quantizers.exact import reconstruction_values
from fmq_embedded.quantizers.forms import possible_forms
from fmq_embedded.quantizers.verification import decisive_samples
from tests.libfmq import quantizer_build as build

pytestmark = pytest.mark.skipif(
    not os.environ.get("CI") and shutil.which("gcc") is None, reason="needs gcc"
)

NORMAL = np.random.default_rng(3).normal(size=4096).astype(np.float32)
QUANTIZERS = {
    "uniform": Quantizer.uniform(-1.5, 3.25),
    "far from zero": Quantizer.uniform(100, 101, 8, rounding_offset=0.25),
    "one bit": Quantizer.uniform(-1, 2, 1),
    "uniform 16": Quantizer.uniform(-1.5, 3.25, 16),
    "gaussian": Quantizer.gaussian(0.3, 2.0, 8, step_size=1.7, rounding_offset=0.0),
    "gaussian centre": Quantizer.gaussian(0.3, 1.0, 6, span=4.0, rounding="centre"),
    "laplace centre": Quantizer.laplace(2.5, 8, rounding_offset=0.2, rounding="centre"),
    "laplace wide offset": Quantizer.laplace(2.5, 12, rounding_offset=0.8, rounding="centre"),
    "subnormal": Quantizer.uniform(0, 1e-41),
    "largest": Quantizer.uniform(-3.4e38, 3.4e38),
    "constant": Quantizer.uniform(2, 2),
    "explicit": Quantizer.explicit(np.sort(NORMAL[:63]), np.sort(NORMAL[100:164])),
}
INPUTS = [
    SampleType("float32"),
    SampleType("int8", 0.03, 5),
    SampleType("uint8", 0.02, 130),
    SampleType("int16", 1e-4, -300),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return build.host_library(tmp_path_factory.mktemp("host"))


@pytest.mark.parametrize("samples", INPUTS, ids=lambda samples: samples.dtype)
@pytest.mark.parametrize("name", QUANTIZERS)
def test_every_form_equals_the_reference(library, name, samples):
    quantizer = QUANTIZERS[name]
    inputs = decisive_samples(quantizer, samples)
    if samples.dtype == "float32":
        inputs = np.concatenate((inputs, NORMAL, NORMAL * np.float32(1e-3)))
    expected = reference.quantize(
        quantizer, inputs, scale=samples.scale, zero_point=samples.zero_point
    )
    for form in possible_forms(quantizer, samples):
        status, levels = build.quantize(library, form, inputs)
        assert status == 0
        np.testing.assert_array_equal(levels, expected, err_msg=form.name)


@pytest.mark.parametrize("bits", [0x7F800000, 0xFF800000, 0x7FC00000, 0xFFFFFFFF, 0x7F800001])
def test_nonfinite_stops_before_it(library, bits):
    samples = np.array([0.0, 1.0, 0.0, 2.0], np.float32)
    samples.view(np.uint32)[2] = bits
    for form in possible_forms(QUANTIZERS["uniform"], INPUTS[0]):
        status, levels = build.quantize(library, form, samples)
        assert status == -2
        assert levels[2:].tolist() == [0xAA, 0xAA]
        assert (levels[:2] == reference.quantize(QUANTIZERS["uniform"], samples[:2])).all()


def test_bad_arguments_are_refused(library):
    form = possible_forms(QUANTIZERS["uniform"], INPUTS[1])[0]
    described = build.filled(build.Quantizer, form, form.table.ctypes.data)
    data = np.zeros(4, np.uint8)
    call = library.fmq_quantize
    assert call(None, data.ctypes.data, 1, data.ctypes.data) == -1
    assert call(ctypes.byref(described), None, 1, data.ctypes.data) == -1
    assert call(ctypes.byref(described), data.ctypes.data, 1, None) == -1
    assert call(ctypes.byref(described), None, 0, None) == 0
    for field, value in (("form", 9), ("input", 9), ("bit_depth", 0), ("bit_depth", 17)):
        changed = build.Quantizer.from_buffer_copy(described)
        setattr(changed, field, value)
        assert call(ctypes.byref(changed), data.ctypes.data, 1, data.ctypes.data) == -1, field


@pytest.mark.parametrize("bit_depth", [3, 8, 13, 16])
@pytest.mark.parametrize("code, dtype", list(enumerate(["int8", "uint8", "int16", "float32"])))
def test_dequantize_equals_the_reference(library, bit_depth, code, dtype):
    quantizer = Quantizer.gaussian(0.7, 1.0, bit_depth, span=3.0)
    output = SampleType(dtype, *((0.05, 7) if dtype != "float32" else ()))
    values = reconstruction_values(quantizer, output)
    levels = np.arange(2**bit_depth).astype(quantizer.level_dtype)
    samples = np.empty(levels.shape, dtype)
    described = build.Dequantizer(code, bit_depth, values.ctypes.data)
    status = library.fmq_dequantize(
        ctypes.byref(described), levels.ctypes.data, levels.size, samples.ctypes.data
    )
    assert status == 0
    expected = reference.dequantize(
        quantizer, levels, dtype, scale=output.scale, zero_point=output.zero_point
    )
    assert samples.tobytes() == expected.tobytes()


def test_dequantize_refuses_a_level_that_is_too_high(library):
    values = np.arange(8, dtype=np.float32)
    described = build.Dequantizer(3, 3, values.ctypes.data)
    levels = np.array([7, 8, 1], np.uint8)
    samples = np.full(3, -1, np.float32)
    status = library.fmq_dequantize(
        ctypes.byref(described), levels.ctypes.data, 3, samples.ctypes.data
    )
    assert status == -8
    assert samples.tolist() == [7, -1, -1]


DRIVER = r"""
#include <stdio.h>
#include <stdlib.h>
#include "fmq/quantizer.h"
int main(void)
{
    fmq_quantizer_t quantizer;
    uint32_t sizes[4]; /* table bytes, sample bytes, level bytes, count */
    if (fread(&quantizer, sizeof quantizer, 1, stdin) != 1) { return 10; }
    if (fread(sizes, sizeof sizes, 1, stdin) != 1) { return 11; }
    void *table = malloc(sizes[0]), *samples = malloc(sizes[1]), *levels = malloc(sizes[2]);
    if (fread(table, 1, sizes[0], stdin) != sizes[0]) { return 12; }
    if (fread(samples, 1, sizes[1], stdin) != sizes[1]) { return 13; }
    quantizer.table = table;
    if (fmq_quantize(&quantizer, samples, sizes[3], levels) != FMQ_OK) { return 14; }
    fwrite(levels, 1, sizes[2], stdout);
    free(table); free(samples); free(levels);
    return 0;
}
"""


def test_no_form_reads_or_writes_outside_its_buffers(tmp_path):
    (tmp_path / "driver.c").write_text(DRIVER)
    flags = ["-std=c99", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    flags += [f"-I{build.LIBRARY / 'include'}", str(tmp_path / "driver.c")]
    program = str(tmp_path / "driver")
    subprocess.run(["gcc", *flags, *map(str, build.SOURCES), "-o", program], check=True)
    for name, samples in [(name, kind) for name in QUANTIZERS for kind in INPUTS]:
        quantizer = QUANTIZERS[name]
        inputs = decisive_samples(quantizer, samples)
        expected = reference.quantize(
            quantizer, inputs, scale=samples.scale, zero_point=samples.zero_point
        )
        for form in possible_forms(quantizer, samples):
            table = np.ascontiguousarray(getattr(form, "table", np.zeros(1, np.uint8)))
            sizes = np.array([table.nbytes, inputs.nbytes, expected.nbytes, inputs.size], np.uint32)
            described = bytes(build.filled(build.Quantizer, form, 0))
            data = described + sizes.tobytes() + table.tobytes() + inputs.tobytes()
            done = subprocess.run([program], input=data, capture_output=True, check=False)
            assert done.returncode == 0, done.stderr.decode()
            assert done.stdout == expected.tobytes(), (name, samples.dtype, form.name)


def device_forms():
    chosen = [
        ("table", QUANTIZERS["uniform"], INPUTS[1], 5),
        ("multiply_shift", QUANTIZERS["uniform"], INPUTS[3], 30),
        ("estimate", QUANTIZERS["uniform"], INPUTS[0], 45),
        ("estimate", QUANTIZERS["laplace centre"], INPUTS[0], 45),
        ("search", QUANTIZERS["explicit"], INPUTS[0], 90),
    ]
    return [pytest.param(*case, id=f"{case[0]} {case[2].dtype}") for case in chosen]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return build.device_image(tmp_path_factory.mktemp("device"))


@pytest.mark.emulator
@pytest.mark.parametrize("name, quantizer, samples, limit", device_forms())
def test_instructions_per_element_on_a_cortex_m4(image, name, quantizer, samples, limit):
    inputs = NORMAL
    if samples.is_integer:
        inputs = np.rint(NORMAL * 40).clip(-128, 127).astype(samples.dtype)
    found = possible_forms(quantizer, samples)
    (form,) = [form for form in found if form.name == name]
    status, levels, count = build.device_quantize(*image, form, inputs)
    expected = reference.quantize(
        quantizer, inputs, scale=samples.scale, zero_point=samples.zero_point
    )
    assert status == 0
    np.testing.assert_array_equal(levels, expected)
    _, _, call = build.device_quantize(*image, form, inputs[:0])
    per_element = (count - call) / inputs.size
    print(f"{name} {samples.dtype}: {per_element:.2f} instructions per element")
    assert per_element <= limit
