"""Mistakes that an implementation could have, each one a change of a line: the kit must catch all.

A line that is here must be in its file exactly once; whoever changes it changes it here too.
"""

from __future__ import annotations

from firmware_tools.conformance.dense_mutants import DENSE_CODING, DENSE_PYTHON
from firmware_tools.conformance.mutant import Mutant, in_python
from firmware_tools.conformance.python_mutants import PYTHON
from firmware_tools.conformance.quantizer_mutants import CLASSES, QUANTIZING

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

MUTANTS: tuple[Mutant, ...] = (
    *QUANTIZING,
    *CODING,
    *STATIC_CODING,
    *CLASSES,
    *DENSE_CODING,
    *PYTHON,
    *DENSE_PYTHON,
)
