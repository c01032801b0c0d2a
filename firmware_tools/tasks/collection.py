"""All tasks in one collection."""

from __future__ import annotations

from invoke.collection import Collection

from firmware_tools.tasks import (
    conforming,
    deploying,
    developing,
    files,
    flashing,
    gateway,
    hardware,
    proving,
    reporting,
    showing,
)

namespace = Collection()
for module in (
    showing,
    files,
    deploying,
    proving,
    conforming,
    reporting,
    hardware,
    flashing,
    gateway,
    developing,
):
    for item in module.TASKS:
        namespace.add_task(item)
