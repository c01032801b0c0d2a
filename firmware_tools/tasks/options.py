"""What options mean that several tasks share, and how their defaults are told."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

SHARED_HELP: Final = {
    "baud": "bits per second of the port; also FMQ_BAUD",
    "board": "a board's id, see `fmq boards`; also FMQ_BOARD",
    "dry-run": "print exactly what would be done, and do nothing",
    "json": "print JSON instead of text; with a file's name, write it there as well as the text",
    "optimise": "-O2, or -Os for less flash",
    "port": "the board's port, drive or USB serial number; also FMQ_PORT",
    "timeout": "seconds without an answer after which it fails; also FMQ_TIMEOUT",
    "toolchain": "zig, gcc, or a compiler's name such as arm-none-eabi-gcc",
}


def option_help(function: Callable[..., Any], own: Mapping[str, str]) -> dict[str, str]:
    """The help of a task's options: its own, else what is said of all such; with the default.

    Args:
        function: the task's; its parameters are the options.
        own: by the option's name, with hyphens.
    """
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        option = name.replace("_", "-")
        text = own.get(option, SHARED_HELP.get(option))
        if text is not None:
            found[option] = text + _default(parameter.default, text)
    return found


def _default(value: Any, text: str) -> str:
    """The words for a default; those that mean "none" are left to the option's own words."""
    is_told = "default" in text
    is_value = isinstance(value, str | int | float) and not isinstance(value, bool)
    if is_told or not is_value or value in ("", 0, -1):
        return ""
    return f" (default: {value:g})" if isinstance(value, float) else f" (default: {value})"
