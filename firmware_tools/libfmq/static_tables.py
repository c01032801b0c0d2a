"""Writes src/static_tables.h and .c, the numbers of the static coder, from the one place they live.

Run as `python -m firmware_tools.libfmq.static_tables`; a test compares the files with `render`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.libfmq.context_tables import table
from fmq_embedded.entropy import static_tables

FOLDER = Path(__file__).resolve().parent / "src"
_WORD = (1 << 32) - 1

_BANNER = """\
/* Written by firmware_tools/libfmq/static_tables.py from fmq_embedded/entropy/static_tables.py:
 * do not edit. */
"""
_HEADER = """\
#ifndef FMQ_STATIC_TABLES_H
#define FMQ_STATIC_TABLES_H

#include "static_division.h"

#include <stdint.h>

"""
_DECLARATIONS = """
/* numerator and denominator of each share */
extern const uint8_t fmq_static_limits[];

/* of each class and sum of neighbours */
extern const uint8_t fmq_static_distributions[];

/* frequency << 16 | start of each distribution and symbol */
extern const uint32_t fmq_static_entries[];

#ifndef FMQ_HAS_DIVISION
/* floor((2^32 - 1) / frequency) */
extern const uint32_t fmq_static_reciprocals[];
#endif

#endif
"""


def render() -> dict[str, str]:
    """The text of the header and of the source, by file name."""
    frequencies = np.array(static_tables.FREQUENCIES, np.int64)
    lines = [
        f"#define {name} {value}u"
        for name, value in (
            ("PRECISION", static_tables.PRECISION),
            ("STATE_BITS", static_tables.STATE_BITS),
            ("ESCAPE", static_tables.ESCAPE),
            ("SUMS", static_tables.SUMS),
            ("SYMBOLS", static_tables.SYMBOLS),
            ("SAMPLING_STRIDE", static_tables.SAMPLING_STRIDE),
            ("SAMPLING_FROM", static_tables.SAMPLING_FROM),
            ("AGREEMENT", static_tables.AGREEMENT),
            ("BLOCK_LEVELS", static_tables.BLOCK_LEVELS),
            ("WIDE_BLOCK_LEVELS", static_tables.WIDE_BLOCK_LEVELS),
            ("BY_NEIGHBOURS", static_tables.BY_NEIGHBOURS),
            ("NARROW", static_tables.NARROW),
            ("WIDE", static_tables.WIDE),
            ("LARGEST_SHIFT", static_tables.LARGEST_SHIFT),
            ("NARROW_NUMERATOR", static_tables.NARROW_LIMIT[0]),
            ("NARROW_DENOMINATOR", static_tables.NARROW_LIMIT[1]),
            ("WIDE_NUMERATOR", static_tables.WIDE_LIMIT[0]),
            ("WIDE_DENOMINATOR", static_tables.WIDE_LIMIT[1]),
            ("PLAIN", static_tables.PLAIN),
            ("CLASSES", static_tables.CLASSES),
            ("CLASS_LIMITS", len(static_tables.CLASS_LIMITS)),
        )
    ]
    tables = [
        _constant("uint8_t", "limits", np.array(static_tables.CLASS_LIMITS)),
        _constant("uint8_t", "distributions", static_tables.distributions()),
        _constant("uint32_t", "entries", (frequencies << 16) | static_tables.starts()),
        "#ifndef FMQ_HAS_DIVISION\n"
        + _constant("uint32_t", "reciprocals", _WORD // frequencies)
        + "#endif\n",
    ]
    return {
        "static_tables.h": _BANNER + _HEADER + "\n".join(lines) + "\n" + _DECLARATIONS,
        "static_tables.c": _BANNER + '#include "static_tables.h"\n\n' + "\n".join(tables),
    }


def _constant(kind: str, name: str, values: npt.NDArray[np.integer[Any]]) -> str:
    text = table(kind, f"fmq_static_{name}", values.reshape(-1).tolist())
    return text.removeprefix("static ")


def main() -> None:
    """Write both files."""
    for name, text in render().items():
        temporary = FOLDER / f"{name}.tmp"
        temporary.write_text(text, encoding="ascii")
        temporary.replace(FOLDER / name)


if __name__ == "__main__":
    main()
