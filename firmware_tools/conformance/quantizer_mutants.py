"""Mistakes in quantizers and partitions, in C: see `mutants.py`."""

from __future__ import annotations

from firmware_tools.conformance.mutant import Mutant

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
