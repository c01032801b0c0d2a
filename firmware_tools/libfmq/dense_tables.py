"""Writes src/dense_tables.h and src/transform_tables.h, the numbers of the dense coder.

They come from the one place they live, `fmq_embedded.dense` and `fmq_embedded.transform`. Run as
`python -m firmware_tools.libfmq.dense_tables`; a test compares the files with `render`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from firmware_tools.libfmq.context_tables import table
from fmq_embedded.bitstream import syntax
from fmq_embedded.dense import (
    coder_kernels,
    contexts,
    level_kernels,
    parent_kernels,
    probabilities,
    steps,
)
from fmq_embedded.dense.prior import default_prior
from fmq_embedded.transform import LARGEST_SIZE
from fmq_embedded.transform.kernels import SMALL_TILE
from fmq_embedded.transform.matrices import FRACTION_BITS, LARGEST_SINE

SOURCES = Path(__file__).resolve().parent / "src"
NEAR_POSITIONS = 8
LARGEST_ANGLE = max(LARGEST_SIZE, 2 * LARGEST_SINE + 1)
STRETCH_EDGE = 256
"""Below this entry, and as far from the end, every entry of the stretch table has its own value."""

_HEADER = """\
/* Written by firmware_tools/libfmq/dense_tables.py from fmq_embedded/{package}: do not edit. */
#ifndef FMQ_{guard}_H
#define FMQ_{guard}_H

#include <stdint.h>

"""


def render() -> Mapping[Path, str]:
    """The text of each header."""
    return {
        SOURCES / "dense_tables.h": _dense(),
        SOURCES / "transform_tables.h": _transform(),
    }


def rotations() -> npt.NDArray[np.int64]:
    """For each n = 1…65: cos(π / 2n) and sin(π / 2n) times 2^31, and 2^13 / √n times 2^18.

    Entries of all matrices are √2 or 2 times the last, times a cosine of a multiple of π / 2n:
    those of the DCT-II of size n, those of the DST-VII of half the size, less a half.
    """
    sizes = np.arange(1, LARGEST_ANGLE + 1)
    angles = np.pi / (2 * sizes)
    exact = (
        np.cos(angles) * 2**31,
        np.sin(angles) * 2**31,
        2**FRACTION_BITS / np.sqrt(sizes) * 2**18,
    )
    table: npt.NDArray[np.int64] = np.rint(np.stack(exact, 1)).astype(np.int64)
    return np.abs(table)


def _transform() -> str:
    rows = ",\n".join(
        "    {" + ", ".join(f"{x}u" for x in row) + "}" for row in rotations().tolist()
    )
    parts = (
        _constants(
            {
                "LARGEST_SIZE": LARGEST_SIZE,
                "LARGEST_SINE": LARGEST_SINE,
                "FRACTION_BITS": FRACTION_BITS,
                "SMALL_TILE": SMALL_TILE,
            },
            "TRANSFORM_",
        ),
        "/* cos(pi / 2n) and sin(pi / 2n) * 2^31, 2^13 / sqrt(n) * 2^18; n = 1 first */",
        f"static const uint32_t rotations[{LARGEST_ANGLE}][3] = {{\n{rows}\n}};\n",
    )
    return _file("transform", "TRANSFORM_TABLES", parts)


def _dense() -> str:
    prior = default_prior()
    parts = (
        _constants(_numbers(), "DENSE_"),
        "/* bins by size, up to the last edge */",
        table("uint8_t", "coarse_bins", _to_last_edge(contexts.COARSE_EDGES)),
        table("uint8_t", "fine_bins", _to_last_edge(contexts.FINE_EDGES)),
        "/* where the classes of expected magnitudes begin */",
        table("uint16_t", "tail_edges", contexts.TAIL_EDGES),
        "/* of a coefficient, by its row and column in the tile */",
        table("uint8_t", "near_positions", near_positions().reshape(-1).tolist()),
        "/* of those with a row or a column of NEAR_POSITIONS and more: by the sum of both */",
        table("uint8_t", "far_positions", far_positions().tolist()),
        table("uint16_t", "dense_rates", probabilities.adaptation_rates().tolist()),
        table("uint16_t", "mean_rates", probabilities.mean_rates().tolist()),
        "/* of probabilities below a half, without the sign: every entry, then every 16th */",
        table("uint16_t", "stretch_table", short_stretch().tolist()),
        table("uint16_t", "squash_knots", probabilities.squash_knots().tolist()),
        table("uint16_t", "cost_table", probabilities.costs().tolist()),
        "/* where contexts, as probability in 1/4096 << 4 | decisions seen, and weights begin */",
        table("uint16_t", "start_states", in_order(start_words(prior.states)).tolist()),
        "/* contexts of the first flag for one quantizer, by domain and model; and for how many */",
        f"static const uint16_t zero_sizes[2][{contexts.ZERO_MODELS}] = "
        f"{_nested(zero_sizes().tolist())};\n",
        f"static const uint8_t zero_slots[2][{contexts.ZERO_MODELS}] = "
        f"{_nested(contexts.ZERO_SLOTS)};\n",
        table("int16_t", "start_weights", prior.weights.reshape(-1).tolist()),
        table("uint8_t", "step_mantissas", steps.MANTISSAS),
        table("uint16_t", "step_reciprocals", steps.RECIPROCALS),
    )
    return _file("dense", "DENSE_TABLES", parts)


def _numbers() -> Mapping[str, int]:
    named = {
        f"MORE_{domain}_{index}": int(contexts.MORE[d, index] - contexts.ZERO_COUNT)
        for d, domain in enumerate(("SPATIAL", "TRANSFORM"))
        for index in range(contexts.MORE_MODELS)
    }
    behind = ("TAIL", "MANTISSA", "SIGNS", "MODES", "PARENTS")
    own = (
        "ZERO_MODELS", "MORE_MODELS", "MIXED_FLAGS", "COARSE", "TEXTURES", "POSITIONS",
        "TILE_CLASSES", "LOW_CLASSES", "EXPECTED_CLASSES", "TAIL_CLASSES", "MANTISSA_CLASSES",
        "SIGN_SPATIAL", "SIGN_TRANSFORM", "MODE_COUNT", "MOST_PARENTS", "PARENT_WINDOW",
        "CONTEXT_COUNT", "WEIGHT_SETS",
    )  # fmt: skip
    return {
        **{name: int(getattr(contexts, name)) for name in own},
        **{name: int(getattr(contexts, name)) - contexts.ZERO_COUNT for name in behind},
        "OTHER_COUNT": contexts.CONTEXT_COUNT - contexts.ZERO_COUNT,
        "ZERO_SHARED": contexts.ZERO_COUNT - contexts.DEPENDENT_COUNT,
        **named,
        "CODED": syntax.DENSE_CODED,
        "CODING_BITS": syntax.CODING_BITS,
        "DEPENDENT": syntax.DEPENDENT,
        "ONE_SIDED": syntax.ONE_SIDED,
        "POINTS_ARE_SENT": syntax.POINTS_ARE_SENT,
        "LOSSLESS": syntax.LOSSLESS,
        "SINE": syntax.SINE,
        "FACTOR_BITS": parent_kernels.FACTOR_BITS,
        "FACTOR_BIAS": parent_kernels.FACTOR_BIAS,
        "FACTOR_SHIFT": parent_kernels.FACTOR_SHIFT,
        "EXPONENT_BIAS": syntax.EXPONENT_BIAS,
        "COARSE_LAST_EDGE": contexts.COARSE_EDGES[-1],
        "FINE_LAST_EDGE": contexts.FINE_EDGES[-1],
        "COUNT_LIMIT": probabilities.COUNT_LIMIT,
        "LOWEST": probabilities.LOWEST,
        "HIGHEST": probabilities.HIGHEST,
        "PLAIN_LOWEST": probabilities.PLAIN_LOWEST,
        "PLAIN_HIGHEST": probabilities.PLAIN_HIGHEST,
        "LARGEST_LOGIT": probabilities.LARGEST_LOGIT,
        "SQUASH_STEP": probabilities.SQUASH_STEP,
        "STRETCH_EDGE": STRETCH_EDGE,
        "NEAR_POSITIONS": NEAR_POSITIONS,
        "LEARNING_RATE": coder_kernels.LEARNING_RATE,
        "LEARNING_SHIFT": coder_kernels.LEARNING_SHIFT,
        "LARGEST_WEIGHT": coder_kernels.LARGEST_WEIGHT,
        "WEIGHT_BITS": coder_kernels.WEIGHT_BITS,
        "LARGEST_CLASS": level_kernels.LARGEST_CLASS,
        "LARGEST_LEVEL": level_kernels.LARGEST_LEVEL,
        "PLANE_LIMIT": level_kernels.PLANE_LIMIT,
        "MEAN_LIMIT": level_kernels.MEAN_LIMIT,
    }


def near_positions() -> npt.NDArray[np.int32]:
    """The classes of coefficients whose row and column are below `NEAR_POSITIONS`."""
    return contexts.positions()[:NEAR_POSITIONS, :NEAR_POSITIONS]


def far_positions() -> npt.NDArray[np.int32]:
    """The classes of the others, which the sum of row and column tells."""
    classes = contexts.positions()
    by_sum: npt.NDArray[np.int32] = np.concatenate([classes[0], classes[-1, 1:]])
    row, column = np.indices(classes.shape)
    is_far = np.maximum(row, column) >= NEAR_POSITIONS
    if not (by_sum[row + column] == classes)[is_far].all():
        raise AssertionError("far positions are not told by the sum of row and column")
    return by_sum


def start_words(states: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The states that contexts begin with: 12 bits of probability, its middle; 4 of count."""
    words = states >> 12 << 4 | states & 15
    if not ((((words >> 4) * 16 + 8) << 8 | words & 15) == states).all():
        raise AssertionError("a context begins with what 16 bits do not tell")
    return words


def zero_sizes() -> npt.NDArray[np.int64]:
    """How many contexts each model of the first flag has for one quantizer, (2, models)."""
    edges = np.append(contexts.ZERO.reshape(-1), contexts.ZERO_COUNT)
    all_slots = np.diff(edges).reshape(contexts.ZERO.shape)
    sizes: npt.NDArray[np.int64] = all_slots // np.array(contexts.ZERO_SLOTS)
    return sizes


def in_order(words: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """As libfmq numbers contexts: those of the first flag last, for they may be fewer."""
    return np.roll(words, -contexts.ZERO_COUNT)


def _nested(rows: Iterable[Iterable[int]]) -> str:
    return "{" + ", ".join("{" + ", ".join(f"{x}u" for x in row) + "}" for row in rows) + "}"


def short_stretch() -> npt.NDArray[np.int32]:
    """The 368 entries of the stretch table that tell the others: it is odd about its middle."""
    whole = probabilities.stretch()
    if not (whole == -whole[::-1]).all():
        raise AssertionError("the stretch table is not odd about its middle")
    middle = whole[STRETCH_EDGE:-STRETCH_EDGE:16]
    if not (np.repeat(middle, 16) == whole[STRETCH_EDGE:-STRETCH_EDGE]).all():
        raise AssertionError("between its ends the stretch table changes within 16 entries")
    kept: npt.NDArray[np.int32] = np.concatenate([whole[:STRETCH_EDGE], middle[: middle.size // 2]])
    return -kept


def _to_last_edge(edges: tuple[int, ...]) -> list[int]:
    return list(map(int, contexts.bins(edges)[: edges[-1] + 1]))


def _constants(numbers: Mapping[str, int], prefix: str) -> str:
    return "\n".join(f"#define {prefix}{name} {value}u" for name, value in numbers.items()) + "\n"


def _file(package: str, guard: str, parts: Iterable[str]) -> str:
    return _HEADER.format(package=package, guard=guard) + "\n".join(parts) + "\n#endif\n"


def main() -> None:
    """Write the headers."""
    for path, text in render().items():
        temporary = path.with_suffix(".tmp")
        temporary.write_text(text, encoding="ascii")
        temporary.replace(path)


if __name__ == "__main__":
    main()
