"""All tasks in one collection."""

from __future__ import annotations

from invoke.collection import Collection

from firmware_tools.tasks import (
    deploying,
    developing,
    files,
    flashing,
    hardware,
    proving,
    showing,
)

namespace = Collection()
for module in (showing, files, deploying, proving, hardware, flashing, developing):
    for item in module.TASKS:
        namespace.add_task(item)
