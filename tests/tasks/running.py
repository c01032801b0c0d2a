"""Runs a task as a user does: in a process of its own, in a folder of the user's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ("-m", "firmware_tools.tasks.program")


@dataclass(frozen=True)
class Outcome:
    """What a task left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The data on stdout, where there is nothing else."""
        return json.loads(self.out)

    def assert_refused(self, status: int, *parts: str) -> None:
        """One line that says what is wrong, the status, nothing on stdout, no traceback."""
        assert (self.status, self.out) == (status, ""), self.err
        assert "Traceback" not in self.err
        errors = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, self.err
        for part in parts:
            assert part in errors[0]


def fmq(folder: Path, *arguments: object, **environment: str) -> Outcome:
    """Run `fmq` with arguments in a folder."""
    command = [sys.executable, *PROGRAM, *map(str, arguments)]
    run = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    return Outcome(run.returncode, run.stdout, run.stderr)
