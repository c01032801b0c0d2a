"""Inputs for the fast paths of the DSP extension, as a C header, and what they must give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.exact import decision_thresholds
from fmq_embedded.quantizers.forms import (
    FORM_CODES,
    INPUT_CODES,
    MultiplyShiftForm,
    multiply_shift,
    possible_forms,
)
from fmq_embedded.quantizers.samples import SampleType

UNTOUCHED, NONFINITE = 0x5A, 0xFE  # a status of -2 as a byte
HEADER = """#include <fmq/partition.h>
#include <fmq/quantizer.h>

typedef struct vector_case {
    fmq_codebook_t codebook;
    const uint16_t *vectors;
    uint32_t count, bit_depth;
} vector_case_t;

typedef struct scalar_case {
    fmq_quantizer_t quantizer;
    const void *samples;
    uint32_t count;
} scalar_case_t;

"""

Array = npt.NDArray[Any]


def dsp_cases() -> tuple[str, bytes]:
    """The header, and the bytes that the program sends."""
    arrays: list[str] = []
    vectors, indices = _vector_cases(arrays)
    scalars, levels, largest = _scalar_cases(arrays)
    text = HEADER + f"#define LARGEST_COUNT {largest}u\n" + "".join(arrays)
    for kind, rows in (("vector", vectors), ("scalar", scalars)):
        joined = ",\n".join(rows)
        text += f"static const {kind}_case_t {kind}_cases[] = {{\n{joined}}};\n"
    return text, indices + levels


def _array(arrays: list[str], kind: str, values: Sequence[int] | Array) -> str:
    name = f"array_{len(arrays)}"
    listed = ",".join(f"{int(v)}" if v != -(2**31) else "INT32_MIN" for v in values)
    # Words, so that what follows the first value lies askew for pairs of halfwords.
    aligned = "__attribute__((aligned(4))) "
    arrays.append(f"static const {kind} {name}[] {aligned}= {{{listed}}};\n")
    return name


def _vector_cases(arrays: list[str]) -> tuple[list[str], bytes]:
    """Codebooks of each dimension, at both alignments; 15 bits and more go the plain way."""
    rng = np.random.default_rng(5)
    rows: list[str] = []
    found = b""
    for dimension in range(2, 9):
        for bit_depth in (1, 8, 14, 15, 16):
            top = 2**bit_depth - 1
            book = rng.integers(0, top + 1, (19, dimension))
            book[3], book[4] = top, 0  # full range
            book[9], book[12] = book[5], (book[6] + book[8]) // 2  # equal ones
            ends = rng.integers(0, 2, (12, dimension)) * top
            between = (book[:-1] + book[1:]) // 2  # ties, or next to them
            whole = np.array([[0] * dimension, [top] * dimension])
            drawn = rng.integers(0, top + 1, (16, dimension))
            vectors = np.concatenate([whole, ends, between, book, drawn])
            distances = ((vectors[:, None, :] - book[None]) ** 2).sum(axis=2)
            found += distances.argmin(axis=1).astype(np.uint8).tobytes()
            askew = len(rows) % 2
            words = np.concatenate([np.zeros(askew, int), book.reshape(-1)])
            codewords = _array(arrays, "uint16_t", words)
            members = _array(arrays, "uint16_t", vectors.reshape(-1))
            rows.append(
                f"{{{{{codewords} + {askew}, {len(book)}u, 0u, {dimension}u}}, {members}, "
                f"{len(vectors)}u, {bit_depth}u}}"
            )
    return rows, found


def _scalar_cases(arrays: list[str]) -> tuple[list[str], bytes, int]:
    rows, found, largest = [], b"", 0
    for form, samples, expected in [*_float32_cases(), *_int16_cases()]:
        table = getattr(form, "table", None)
        fields = {
            "form": FORM_CODES[form.name],
            "input": INPUT_CODES[form.input],
            "bit_depth": form.bit_depth,
            "shift": form.shift,
            "exponent": getattr(form, "exponent", 0),
            "multiplier": f"{form.multiplier}u",
            "addend": f"INT64_C({getattr(form, 'addend', 0)})",
            "base": getattr(form, "base", 0),
            "pivot": getattr(form, "pivot", 0),
            "dead_zone": getattr(form, "dead_zone", 0),
            "table": "0" if table is None else _array(arrays, "int32_t", table),
        }
        listed = ", ".join(f".{name} = {value}" for name, value in fields.items())
        kind = "uint32_t" if samples.dtype == np.float32 else "int16_t"
        bits = samples.view(np.uint32) if samples.dtype == np.float32 else samples
        rows.append(f"{{{{{listed}}}, {_array(arrays, kind, bits)}, {len(samples)}u}}")
        found += expected
        largest = max(largest, len(samples))
    return rows, found, largest


def _float32_cases() -> list[tuple[Any, Array, bytes]]:
    """Estimates: about each threshold, at the ends of float32, and up to one that is infinite."""
    quantizers = [
        Quantizer.uniform(-1.0, 3.0, 8),
        Quantizer.uniform(0.0, 6.0, 8, rounding_offset=0.25),
        Quantizer.laplace(2.0, 8, rounding="centre", rounding_offset=0.3),
        Quantizer.uniform(-1.0, 3.0, 6),
    ]
    rng = np.random.default_rng(6)
    largest, least = np.finfo(np.float32).max, np.float32(1e-45)
    ends = np.array([0.0, -0.0, least, -least, largest, -largest], np.float32)
    kind = SampleType("float32")
    found = []
    for quantizer in quantizers:
        (form,) = [f for f in possible_forms(quantizer, kind) if f.name == "estimate"]
        keys = decision_thresholds(quantizer, kind).astype(np.int64)
        keys = np.concatenate([keys, keys - 1])
        bits = np.where(keys < 0, -keys + 2**31, keys).astype(np.uint32)
        drawn = rng.normal(1.0, 3.0, 100).astype(np.float32)
        samples = np.concatenate([ends, bits.view(np.float32), drawn])
        found.append((form, samples, b"\0" + quantizer.quantize(samples).tobytes()))
        for wrong in (np.inf, -np.inf, np.nan):
            some = drawn[:9].copy()
            some[5] = wrong
            levels = quantizer.quantize(drawn[:5]).tobytes() + bytes([UNTOUCHED] * 4)
            found.append((form, some, bytes([NONFINITE]) + levels))
    return found


def _int16_cases() -> list[tuple[Any, Array, bytes]]:
    """Multiply-shift: about each level's first code and at the ends, by shifts of all sizes."""
    rng = np.random.default_rng(7)
    found = []
    for form in _int16_forms():
        every = np.arange(-(2**15), 2**15).astype(np.int16)
        firsts = np.flatnonzero(np.diff(form.levels(every)))
        drawn = rng.integers(0, len(every), 100)
        samples = every[np.concatenate([[0, len(every) - 1], firsts, firsts + 1, drawn])]
        levels = form.levels(samples).astype(np.uint8).tobytes()
        found.append((form, samples, b"\0" + levels))
    return found


def _int16_forms() -> list[MultiplyShiftForm]:
    found = []
    for bit_depth, scale in ((8, 2e-4), (8, 3e-5), (8, 1e-6), (8, 0.05), (6, 2e-4)):
        quantizer = Quantizer.uniform(-4.0, 4.0, bit_depth)
        form = multiply_shift(quantizer, SampleType("int16", scale, 0))
        assert form is not None
        found.append(form)
    least = found[2]
    for shift in (31, 32, 33, 46):  # the same levels by larger shifts
        more = shift - least.shift
        multiplier, addend = least.multiplier << more, least.addend << more
        found.append(MultiplyShiftForm("int16", 8, multiplier, addend, shift))
    # What cannot be raised to a shift of 32, and what just can.
    for shift, multiplier, addend in (
        *((0, 1, 0), (0, 2**31, 2**61), (0, 0, 2**40), (1, 1, 0), (32, 2**32 - 1, -5)),
        *((16, 1, 2**46 - 1), (16, 1, 2**47), (16, 1, -3 * 2**46)),
        *((20, 2**19 - 1, 0), (20, 2**19, 0), (31, 2**30 - 1, 0), (31, 2**31 - 1, 0)),
    ):
        found.append(MultiplyShiftForm("int16", 8, multiplier, addend, shift))
    return found
