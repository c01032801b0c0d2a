"""Mistakes of the dense coder; as in `mutants.py`, where its own are among all."""

from __future__ import annotations

from firmware_tools.conformance.mutant import Mutant, in_python

DENSE_CODING = (
    Mutant(
        "magnitude's class one short",
        "dense_levels.c",
        "    return read - 1u;",
        "    return read;",
    ),
    Mutant(
        "sign of a channel before forgotten",
        "dense_levels.c",
        "walk->agreement += (before & 1u) == negative ? 1 : -1;",
        "walk->agreement += 1;",
    ),
    Mutant(
        "sign context of two neighbours exchanged",
        "dense_levels.c",
        "3u * sign_class(site->current[-1]) +",
        "3u * sign_class(site->current[1]) +",
    ),
    Mutant(
        "parent's distance one off",
        "dense_levels.c",
        "(uint8_t)(dense_smaller(read_number(model, bits), window - 1u) + 1u);",
        "(uint8_t)(dense_smaller(read_number(model, bits), window - 1u) + 2u);",
    ),
    Mutant(
        "state of dependent levels wrong",
        "dense_restore.c",
        "{{0u, 1u}, {2u, 3u}, {1u, 0u}, {3u, 2u}};",
        "{{0u, 1u}, {2u, 3u}, {0u, 1u}, {3u, 2u}};",
        is_quick=True,
    ),
    Mutant(
        "parity of a level ignored",
        "dense_restore.c",
        "dense_magnitude(level) & 1u;",
        "0u;",
    ),
    Mutant(
        "restored level not rounded",
        "dense_restore.c",
        "product = (product + (1u << (NO_SHIFT - 1u - octave))) >> (NO_SHIFT - octave);",
        "product = product >> (NO_SHIFT - octave);",
        is_quick=True,
    ),
    Mutant(
        "point of level 1 taken for all",
        "dense_restore.c",
        "format->points[transformed][size > 1u];",
        "format->points[transformed][0];",
    ),
    Mutant(
        "filled levels not told apart",
        "dense_restore.c",
        "return filled_level(format, format->fills[level == 0]);",
        "return filled_level(format, format->fills[0]);",
    ),
    Mutant(
        "filled level not rounded",
        "dense_restore.c",
        "? (product + (1u << (NO_SHIFT - octave))) >> (NO_SHIFT + 1u - octave)",
        "? product >> (NO_SHIFT + 1u - octave)",
    ),
    Mutant(
        "parent's share not rounded",
        "dense_restore.c",
        "(1 << (DENSE_FACTOR_SHIFT - 1u)),",
        "0,",
    ),
    Mutant(
        "one-sided map not clipped",
        "dense_restore.c",
        "        if (map_number(format, map, at) < 0) {",
        "        if (map_number(format, map, at) < -32767) {",
    ),
    Mutant(
        "channel matrix transposed",
        "dense_channels.c",
        "forward + (size_t)index * channels;\n",
        "forward + index;\n",
    ),
    Mutant(
        "region without its margin",
        "dense_weighting.c",
        "is_near(weighting->region, format, marks, row, column);",
        "marks[row * format->columns + column] != 0u;",
    ),
    Mutant(
        "background at places with a level",
        "dense_weighting.c",
        "return channel == format->channels;",
        "return channel != 0u;",
    ),
    Mutant(
        "weighed number not rounded",
        "dense_weighting.c",
        "value * (int32_t)factor + ((int32_t)1 << (shift - 1u))",
        "value * (int32_t)factor",
    ),
    Mutant(
        "fixed-point sample not rounded",
        "quantize_fixed_point.c",
        "        size = (value + ((uint32_t)1 << (shift - 1))) >> shift;",
        "        size = value >> shift;",
        is_quick=True,
    ),
    Mutant(
        "transform's sum not rounded",
        "transform.c",
        "fmq_shift_down(fmq_as_signed(sum + ROUND(shift)), shift);",
        "fmq_shift_down(fmq_as_signed(sum), shift);",
    ),
)

DENSE_PYTHON = (
    in_python(
        "filled level not rounded",
        "dense/restore_kernels.py",
        "return (product + (1 << (NO_SHIFT - octave))) >> (NO_SHIFT + 1 - octave)",
        "return product >> (NO_SHIFT + 1 - octave)",
    ),
    in_python(
        "channels' sum not rounded",
        "dense/channel_transform.py",
        "return (sums + ((1 << shift) >> 1)) >> shift",
        "return sums >> shift",
        is_quick=True,
    ),
)
