"""Mistakes that an implementation could have, each one a change of a line: the kit must catch all.

A line that is here must be in its file exactly once; whoever changes it changes it here too.
"""

from __future__ import annotations

from firmware_tools.conformance.dense_mutants import DENSE_CODING, DENSE_PYTHON
from firmware_tools.conformance.mutant import Mutant, in_python

QUANTIZING = (
    Mutant(
        "threshold off by one",
        "quantize_levels.h",
        "if (key >= thresholds[level + step - 1u]) {",
        "if (key > thresholds[level + step - 1u]) {",
        is_quick=True,
    ),
    Mutant(
        "search skips the first threshold",
        "quantize_levels.h",
        "thresholds[level + step - 1u]",
        "thresholds[level + step - (step > 1u)]",
    ),
    Mutant(
        "estimate not settled",
        "quantize_levels.h",
        "return key < lower_bounds[level] ? level - 1u : level;",
        "return key < lower_bounds[level] ? level : level;",
        is_quick=True,
    ),
    Mutant(
        "estimate settled at equality",
        "quantize_levels.h",
        "return key < lower_bounds[level]",
        "return key <= lower_bounds[level]",
    ),
    Mutant(
        "negative samples a little too low",
        "quantize_levels.h",
        "quantizer->base - (int32_t)y - 1 :",
        "quantizer->base - (int32_t)y - 16 :",
    ),
    Mutant(
        "dead zone dropped",
        "quantize_levels.h",
        "return t < quantizer->pivot ? t + quantizer->dead_zone : t;",
        "return t < quantizer->pivot ? t : t;",
    ),
    Mutant(
        "upper clip of the estimate dropped",
        "quantize_levels.h",
        "    if (level > maximum) {\n        level = maximum;",
        "    if (level > maximum + 0xFFFFu) {\n        level = maximum;",
    ),
    Mutant(
        "upper clip of multiply-shift dropped",
        "quantize_levels.h",
        "return level > maximum ? maximum : (uint32_t)level;",
        "return (uint32_t)level;",
    ),
    Mutant(
        "lower clip of multiply-shift dropped",
        "quantize_levels.h",
        "    if (scaled < 0) {\n        return 0;",
        "    if (scaled < 0) {\n        return 1;",
    ),
    Mutant(
        "shift one too small",
        "quantize_levels.h",
        "(uint64_t)scaled >> quantizer->shift",
        "(uint64_t)scaled >> (quantizer->shift - 1u)",
    ),
    Mutant(
        "negative keys not negated",
        "quantize_levels.h",
        "return (bits & SIGN_BIT) != 0u ? -magnitude : magnitude;",
        "return (bits & SIGN_BIT) != 0u ? magnitude : magnitude;",
    ),
    Mutant(
        "infinity taken for a number",
        "quantize_levels.h",
        "return (bits & ~SIGN_BIT) < INFINITY_BITS;",
        "return (bits & ~SIGN_BIT) <= INFINITY_BITS;",
        is_quick=True,
    ),
    Mutant(
        "samples beyond the estimate not held",
        "quantize_levels.h",
        "return magnitude >= beyond ? beyond - 1u : magnitude;",
        "return magnitude;",
    ),
    Mutant(
        "dequantizer takes a level too high",
        "dequantize.c",
        "if (level > maximum) {",
        "if (level > maximum + 1u) {",
    ),
)

CODING = (
    Mutant(
        "carry lost",
        "range_coder_decisions.h",
        "coder->encoder->carry = 1u;",
        "coder->encoder->carry = 0u;",
        is_quick=True,
    ),
    Mutant(
        "waiting bytes lose their carry",
        "range_coder.c",
        "const uint32_t fill = 0xFFu + encoder->carry;",
        "const uint32_t fill = 0xFFu;",
    ),
    Mutant(
        "long run one byte short",
        "range_coder.c",
        "encoder->run = encoder->held;",
        "encoder->run = encoder->held - 1u;",
        is_quick=True,
    ),
    Mutant(
        "payload ends a byte early",
        "range_coder.c",
        "    low = fmq_range_encoder_shift_low(encoder, low);\n"
        "    low = fmq_range_encoder_shift_low(encoder, low);\n",
        "    low = fmq_range_encoder_shift_low(encoder, low);\n",
    ),
    Mutant(
        "end of the payload rounded down",
        "range_coder.c",
        "(encoder->low + 0xFFFFu) & 0xFFFF0000u",
        "encoder->low & 0xFFFF0000u",
    ),
    Mutant(
        "adaptation rate of the next count",
        "range_coder_decisions.h",
        "adaptation_rates[state & 0xFFu]",
        "adaptation_rates[((state & 0xFFu) + 1u) % 61u]",
        is_quick=True,
    ),
    Mutant(
        "count of decisions never ends at its limit",
        "range_coder_decisions.h",
        "((state & 0xFFu) < COUNT_LIMIT)",
        "((state & 0xFFu) + 1u < COUNT_LIMIT)",
    ),
    Mutant(
        "two rates swapped",
        "context_tables.h",
        "1310, 1285, 1260,",
        "1310, 1260, 1285,",
    ),
    Mutant(
        "bin of the estimate one off",
        "context_tables.h",
        "0, 1, 2, 3, 4, 5, 5, 6, 6, 7, 7, 7,",
        "0, 1, 2, 3, 4, 5, 6, 6, 6, 7, 7, 7,",
    ),
    Mutant(
        "half of the range by rounding",
        "range_coder_decisions.h",
        "(coder->range >> 16) * probability;",
        "((coder->range + 0x8000u) >> 16) * probability;",
    ),
    Mutant(
        "wrong centre",
        "level_model.c",
        "model->centre = tensor->centre;",
        "model->centre = (uint16_t)(tensor->centre + 1u);",
    ),
    Mutant(
        "sign sent where it is known",
        "level_model.c",
        "model->has_both_signs = tensor->centre > 0u &&",
        "model->has_both_signs =",
    ),
    Mutant(
        "mean starts too low",
        "level_model.c",
        "model->means[channel] *= 8u;",
        "model->means[channel] *= 4u;",
    ),
    Mutant(
        "NW kept across rows",
        "level_model.c",
        "model->means[channel] &= FMQ_MEAN_MASK; /* no NW in column 0 */",
        "model->means[channel] += 0u;",
    ),
    Mutant(
        "neighbours weighed wrongly",
        "level_coder.c",
        "12u * (west + north) + 2u * diagonal",
        "12u * (west + north) + 3u * diagonal",
        is_quick=True,
    ),
    Mutant(
        "running mean rounded down",
        "level_coder.c",
        "((running + 6u) >> 3)",
        "((running + 7u) >> 3)",
    ),
    Mutant(
        "magnitude one short in long codes",
        "level_coder.c",
        "const uint32_t last_class = model->bit_depth - 1u;",
        "const uint32_t last_class = model->bit_depth - 2u;",
    ),
    Mutant(
        "negative residuals lose their sign",
        "level_coder.c",
        "level = negative ? centre - m : centre + m;",
        "level = centre + m;",
    ),
    Mutant(
        "packed bits in another order",
        "packing.c",
        "packer->bits |= level << packer->held;",
        "packer->bits = packer->bits << bit_depth | level;",
    ),
    Mutant(
        "unpacked levels lose their top bit",
        "packing.c",
        "level = packer->bits & largest;",
        "level = packer->bits & (largest >> 1);",
    ),
    Mutant(
        "bits behind packed levels not looked at",
        "packing.c",
        "packer->left == 0u && packer->bits != 0u ? FMQ_ERROR_SYNTAX : FMQ_OK;",
        "FMQ_OK;",
    ),
    Mutant(
        "entropy coding chosen at equal size",
        "codec.c",
        "prefix + fmq_packed_size(tensor);",
        "prefix + fmq_packed_size(tensor) + 1u;",
    ),
    Mutant(
        "last level not looked at for a constant",
        "codec.c",
        "for (index = 1u; index < tensor->count; index++) {",
        "for (index = 1u; index + 1u < tensor->count; index++) {",
    ),
    Mutant(
        "CRC-32 without its last step",
        "crc32.c",
        "    return ~crc;",
        "    return crc;",
    ),
    Mutant(
        "CRC-32 table with a wrong entry",
        "crc32.c",
        "0x9B64C2B0u, 0x86D3D2D4u,",
        "0x9B64C2B0u, 0x86D3D2D5u,",
    ),
)

STATIC_CODING = (
    Mutant(
        "start of a symbol forgotten",
        "static_push.c",
        "+ remainder + start;",
        "+ remainder;",
    ),
    Mutant(
        "escape ends with its first group",
        "static_push.c",
        "        more = 1u;",
        "        more = 0u;",
        is_quick=True,
    ),
    Mutant(
        "west of the first column taken from the row before",
        "static_encoder.c",
        "} else if (column == 0u) {",
        "} else if (column == map->columns) {",
    ),
    in_python(
        "west of the first column taken from the row before",
        "entropy/static_kernels.py",
        "west = channels if column > 0 else north\n        index = (position + 1) * channels",
        "west = channels\n        index = (position + 1) * channels",
    ),
)

CLASSES = (
    Mutant(
        "nearest codeword: the last of equals",
        "vector_quantizer.c",
        "if (FMQ_UNLIKELY(sum < least)) {",
        "if (FMQ_UNLIKELY(sum <= least)) {",
    ),
    Mutant(
        "class levels without their lowest",
        "quantize_partition.c",
        "lowest + estimated_level(&local, maximum, beyond, samples[index])",
        "estimated_level(&local, maximum, beyond, samples[index])",
    ),
    Mutant(
        "a run of samples one too long",
        "partition_walk.c",
        "        done += length;",
        "        done += length + (length > 3u ? 1u : 0u);",
    ),
    Mutant(
        "class index one off",
        "class_map.c",
        "*cell = (uint8_t)(own >= previous ? own + 1u : own);",
        "*cell = (uint8_t)(own > previous ? own + 1u : own);",
        is_quick=True,
    ),
    Mutant(
        "mean of a class rounded towards zero",
        "class_features.c",
        "return -logarithm(divide(size + count - 1u, count));",
        "return -logarithm(divide(size, count));",
    ),
    Mutant(
        "complexity without the neighbour above",
        "class_features.c",
        "add_step(sums, own[at], north[at]);",
        "add_step(sums, own[at], own[at]);",
    ),
)

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

MUTANTS: tuple[Mutant, ...] = (
    *QUANTIZING,
    *CODING,
    *STATIC_CODING,
    *CLASSES,
    *DENSE_CODING,
    *PYTHON,
    *DENSE_PYTHON,
)
