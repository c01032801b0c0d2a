"""Programs of hostile input under the sanitizers, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from firmware_tools.toolchains import sanitizer_environment


def run_sanitized(module: str, *arguments: str) -> int:
    """Run a module of this folder with libfmq under the sanitizers; the number that it prints."""
    environment = {
        **os.environ,
        **sanitizer_environment(),
        "FMQ_TEST_SANITIZE": "address",
        "PYTHONMALLOC": "malloc",
    }
    done = subprocess.run(
        [sys.executable, "-m", f"tests.libfmq.{module}", *arguments],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return int(done.stdout.split()[0])
