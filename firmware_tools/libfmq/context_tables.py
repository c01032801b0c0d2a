"""Writes src/context_tables.h, the numbers of the context model, from the one place they live.

Run as `python -m firmware_tools.libfmq.context_tables`; a test compares the file with `render`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fmq_embedded.entropy import contexts

PATH = Path(__file__).resolve().parent / "src" / "context_tables.h"

_HEADER = """\
/* Written by firmware_tools/libfmq/context_tables.py from fmq_embedded/entropy/contexts.py:
 * do not edit. */
#ifndef FMQ_CONTEXT_TABLES_H
#define FMQ_CONTEXT_TABLES_H

#include <stdint.h>

"""


def render() -> str:
    """The text of the header."""
    lines = [
        f"#define {name} {value}u"
        for name, value in (
            ("COUNT_LIMIT", contexts.COUNT_LIMIT),
            ("PROBABILITY_START", contexts.PROBABILITY_START),
            ("MAGNITUDE_LIMIT", contexts.MAGNITUDE_LIMIT),
            ("LAST_EDGE", contexts.ESTIMATE_EDGES[-1]),
            ("CLASS_FLAGS", contexts.CLASS_FLAGS),
            ("MANTISSA_CLASSES", contexts.MANTISSA_CLASSES),
            ("ZERO_CONTEXTS", contexts.ZERO_CONTEXTS),
            ("SIGN_CONTEXTS", contexts.SIGN_CONTEXTS),
            ("CLASS_CONTEXTS", contexts.CLASS_CONTEXTS),
            ("MANTISSA_CONTEXTS", contexts.MANTISSA_CONTEXTS),
            ("SILENT_CONTEXT", contexts.SILENT_CONTEXT),
            ("CONTEXT_COUNT", contexts.CONTEXT_COUNT),
        )
    ]
    tables = (
        table("uint16_t", "adaptation_rates", contexts.adaptation_rates().tolist()),
        table("uint8_t", "estimate_bins", contexts.estimate_bins().tolist()),
        table("uint8_t", "mantissa_groups", contexts.mantissa_groups().tolist()),
    )
    return _HEADER + "\n".join(lines) + "\n\n" + "\n".join(tables) + "\n#endif\n"


def table(kind: str, name: str, values: Iterable[int]) -> str:
    """A table of constants as C."""
    numbers = [f"{value}," for value in values]
    rows = [" ".join(numbers[i : i + 12]) for i in range(0, len(numbers), 12)]
    body = "\n".join(f"    {row}" for row in rows)
    return f"static const {kind} {name}[{len(numbers)}] = {{\n{body}\n}};\n"


def main() -> None:
    """Write the header."""
    temporary = PATH.with_suffix(".tmp")
    temporary.write_text(render(), encoding="ascii")
    temporary.replace(PATH)


if __name__ == "__main__":
    main()
