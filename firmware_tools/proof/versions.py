"""What the proof ran on: the code, the machine, packages and tools."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = ("fmq-embedded", "numpy", "numba", "llvmlite", "ziglang", "unicorn", "ai-edge-litert")
TOOLS = (
    "gcc",
    "clang",
    "arm-none-eabi-gcc",
    "riscv64-unknown-elf-gcc",
    "avr-gcc",
    "powerpc-linux-gnu-gcc",
    "qemu-system-arm",
    "qemu-ppc",
    "cppcheck",
    "clang-tidy",
)


def versions() -> dict[str, str]:
    """What it ran on, by name."""
    found = {
        "commit": _commit(),
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, {platform.system()}",
        "Python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    for tool in TOOLS:
        if shutil.which(tool):
            found[tool] = _first_line([tool, "--version"]) or "version unknown"
    return found


def _commit() -> str:
    """The checkout's commit, and whether files differ from it."""
    git = ["git", "-C", str(CHECKOUT)]
    commit = _first_line([*git, "rev-parse", "HEAD"]) if shutil.which("git") else ""
    if not commit:
        return "no checkout of Git"
    return commit + (", with changes" if _first_line([*git, "status", "--porcelain"]) else "")


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return lines[0] if lines and not done.returncode else ""
