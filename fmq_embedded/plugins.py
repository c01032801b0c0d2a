"""What other packages add: entry points, found when they are needed.

| group | an entry point gives |
|---|---|
| `fmq_embedded.boards` | the path of a folder of boards, as `boards/` is one |
| `fmq_embedded.flashers` | a flasher: a `firmware_tools.flashers.flasher.Flasher`, or its class |
| `fmq_embedded.runtimes` | a module with an `Interpreter` as tflite-runtime has it |
| `fmq_embedded.codecs` | what codes levels beside this package in reports: it has `encode(array)` |
"""

from __future__ import annotations

import warnings
from importlib.metadata import entry_points
from typing import Any, Literal

Group = Literal["boards", "flashers", "runtimes", "codecs"]


def plugins(group: Group) -> dict[str, Any]:
    """What the installed packages add to a group, by name.

    Names come in order, so that what is found does not depend on the order of installation. What
    cannot be loaded is left out with a warning: one broken package does not break the others.
    """
    found: dict[str, Any] = {}
    for entry in sorted(entry_points(group=f"fmq_embedded.{group}"), key=lambda one: one.name):
        try:
            found.setdefault(entry.name, entry.load())
        except Exception as error:  # a stranger's code: it may raise anything
            package = entry.dist.name if entry.dist else "unknown"
            warnings.warn(
                f"the {group} called {entry.name!r} of the package {package} cannot be loaded: "
                f"{error}; update the package or uninstall it",
                stacklevel=2,
            )
    return found


def made(plugin: Any) -> Any:
    """An object of a plugin that may be its class."""
    return plugin() if isinstance(plugin, type) else plugin
