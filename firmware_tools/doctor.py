"""What this project uses, what of it is installed, and how to get the rest."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = (
    ("numpy", "arrays", ""),
    ("numba", "the integer path on this machine", ""),
    ("ai-edge-litert", "models: reading, editing, running", ""),
    ("tflite-runtime", "running models on Python 3.11", "only for Python 3.11; not needed later"),
    ("pyserial", "the link to boards", ""),
    ("ziglang", "building firmware: the default compiler", "[device]"),
    ("unicorn", "running firmware: the default emulator", "[device]"),
    ("pyelftools", "sizes of firmware", "[device]"),
    ("pyocd", "flashing by a debug probe", "[flash]"),
    ("esptool", "flashing Espressif's chips", "[flash]"),
    ("stm32loader", "flashing ST's chips by their ROM loader", "[flash]"),
    ("scikit-image", "photos for the demo and calibration", "[demo]"),
    ("pillow", "the demo's picture", "[demo]"),
    ("pytest", "tests", "[test]"),
    ("ruff", "lint", "[test]"),
    ("mypy", "types", "[test]"),
)
COMMANDS = (
    ("qemu-system-arm", "a second emulator", "apt install qemu-system-arm"),
    ("arm-none-eabi-gcc", "a second compiler", "apt install gcc-arm-none-eabi"),
    ("riscv64-unknown-elf-gcc", "a second compiler", "apt install gcc-riscv64-unknown-elf"),
    ("avr-gcc", "the compiler for AVR boards", "apt install gcc-avr"),
    ("gcc", "the C library on this machine; zig serves too", "apt install gcc"),
    ("clang", "C warnings of a second compiler", "apt install clang"),
    ("cppcheck", "static checks of the C code", "apt install cppcheck"),
    ("openocd", "flashing by a debug probe", "apt install openocd"),
    ("avrdude", "flashing AVRs", "apt install avrdude"),
    ("npm", "models that ship in npm packages", "install Node.js"),
)


@dataclass(frozen=True)
class Tool:
    """A package or command; `version` is empty where it is missing."""

    name: str
    version: str
    used_for: str
    how_to_get: str

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module."""
        return asdict(self)


def examine() -> list[Tool]:
    """Look for everything that the project uses."""
    found = [Tool("Python", platform.python_version(), f"at {sys.executable}", "")]
    for name, used_for, extra in PACKAGES:
        get = extra if extra.startswith("only") else f"pip install 'fmq-embedded{extra}'"
        found.append(Tool(name, _package_version(name), used_for, get))
    return found + [Tool(name, _command_version(name), use, get) for name, use, get in COMMANDS]


def _package_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _command_version(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        return ""
    try:
        run = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return "does not run"
    lines = (run.stdout or run.stderr).splitlines()
    return lines[0].strip() if lines else "found"
