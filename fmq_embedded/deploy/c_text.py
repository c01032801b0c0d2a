"""Pieces of C source: arrays, numbers, and text that cannot break out of its place."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LOWEST_INT32 = -(2**31)


def array(
    kind: str, name: str, values: Iterable[int], pattern: str = "{}", per_line: int = 10
) -> str:
    """A constant array.

    Args:
        kind: the type of an element.
        name: of the array.
        values: one or more.
        pattern: how each is written.
        per_line: values in a line.
    """
    numbers = [pattern.format(_plain(kind, value)) for value in values]
    lines = [
        "    " + ", ".join(numbers[start : start + per_line])
        for start in range(0, len(numbers), per_line)
    ]
    body = ",\n".join(lines)
    return f"static const {kind} {name}[{len(numbers)}] = {{\n{body}\n}};\n"


def int32(value: int) -> str:
    """A number that an int32_t holds."""
    return str(_plain("int32_t", value))


def identifier(name: str) -> str:
    """A name of letters, digits and underscores; never empty."""
    return re.sub(r"[^0-9A-Za-z]", "_", name) or "_"


def comment(text: str) -> str:
    """Text that cannot end a comment or leave its line."""
    plain = text.encode("ascii", "backslashreplace").decode()
    return re.sub(r"[\r\n]+", " ", plain).replace("*/", "* /").replace("/*", "/ *").rstrip("\\")


def string(text: str) -> str:
    """Text for between quotation marks."""
    return re.sub(r"[^ 0-9A-Za-z_.-]", "_", text)


def _plain(kind: str, value: int) -> str | int:
    # −2^31 has no literal in C: the minus would be applied to a number that does not fit.
    return "INT32_MIN" if kind == "int32_t" and value == _LOWEST_INT32 else value
