"""Mistakes in the package: quantizers, thresholds, the entropy coder: see `mutants.py`."""

from __future__ import annotations

from firmware_tools.conformance.mutant import in_python

PYTHON = (
    in_python(
        "half up for half even",
        "quantizers/rounding.py",
        "(twice == denominator and quotient & 1)",
        "(twice == denominator)",
        is_quick=True,
    ),
    in_python(
        "thresholds rounded to the nearest",
        "quantizers/exact.py",
        "candidates[low] = np.nextafter(candidates[low], np.float32(np.inf))",
        "candidates[low] = candidates[low]",
        is_quick=True,
    ),
    in_python(
        "excluded bounds included",
        "quantizers/exact.py",
        "return difference > 0 or (difference == 0 and index < bounds.strict_count)",
        "return difference > 0",
    ),
    in_python(
        "codes: bounds included that are excluded",
        "quantizers/exact.py",
        "(remainder > 0 or index < bounds.strict_count)",
        "(remainder > 0)",
    ),
    in_python(
        "wrong centre of a distribution",
        "quantizers/exact.py",
        'shift = 0 if quantizer.distribution == "uniform" else centre\n    return _line',
        'shift = 0 if quantizer.distribution == "uniform" else centre + 1\n    return _line',
    ),
    in_python(
        "dequantized values not clipped",
        "quantizers/exact.py",
        "min(max(numerator, 0), ceiling) - first",
        "numerator - first",
    ),
    in_python(
        "saturation of codes dropped",
        "quantizers/exact.py",
        "codes.append(min(max(round_half_even(shifted, divisor), lowest), highest))",
        "codes.append((round_half_even(shifted, divisor) - lowest) % 256 + lowest)",
    ),
    in_python(
        "search goes one too far",
        "quantizers/kernels.py",
        "        key = np.int64(magnitude)\n        if bits[index] >> np.uint32(31):",
        "        key = np.int64(magnitude) + 1\n        if bits[index] >> np.uint32(31):",
    ),
    in_python(
        "rate of adaptation one off",
        "entropy/contexts.py",
        "[65536 // (n + 2) for n in",
        "[65536 // (n + 3) for n in",
        is_quick=True,
    ),
    in_python(
        "carry lost",
        "entropy/kernels.py",
        "byte = cache + (top >> 8)",
        "byte = cache",
    ),
    in_python(
        "waiting bytes lose their carry",
        "entropy/kernels.py",
        "byte = 0xFF + (top >> 8)",
        "byte = 0xFF",
    ),
    in_python(
        "neighbours weighed wrongly",
        "entropy/kernels.py",
        "(12 * (abs_w + abs_n) + 2 * diagonal + 3 * mean) >> 3",
        "(12 * (abs_w + abs_n) + 2 * diagonal + 2 * mean) >> 3",
    ),
    in_python(
        "sign of the left neighbour forgotten",
        "entropy/kernels.py",
        "SIGN_CONTEXTS + 3 * ((abs_w > 0) + (west >> 7))",
        "SIGN_CONTEXTS + 3 * (abs_w > 0)",
    ),
    in_python(
        "packed bits, the highest first",
        "entropy/levels.py",
        "bits = (source[:, None] >> np.arange(bit_depth, dtype=np.uint16)) & 1",
        "bits = (source[:, None] >> np.arange(bit_depth, dtype=np.uint16)[::-1]) & 1",
    ),
    in_python(
        "packed where entropy coding is as long",
        "payloads.py",
        "if len(coded) < limit:",
        "if len(coded) <= limit:",
    ),
    in_python(
        "variance without its square of the mean",
        "partition/features.py",
        "(second * count - first * first)",
        "(second * count)",
    ),
)
