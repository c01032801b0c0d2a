"""What this project uses, what of it is installed, and how to get the rest."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    ("numpy", "arrays", ""),
    ("numba", "the integer path on this machine", ""),
    ("ai-edge-litert", "models: reading, editing, running", ""),
    ("tflite-runtime", "running models on Python 3.11", ""),
    ("pyserial", "the link to boards", ""),
    ("ziglang", "building firmware: the default compiler", "[device]"),
    ("unicorn", "running firmware: the default emulator", "[device]"),
    ("pyelftools", "sizes of firmware", "[device]"),
    ("pyocd", "flashing by a debug probe", "[flash]"),
    ("esptool", "flashing Espressif's chips", "[flash]"),
    ("stm32loader", "flashing ST's chips by their ROM loader", "[flash]"),
    ("scikit-image", "photos for the demo and calibration", "[demo]"),
    ("pillow", "the demo's picture", "[demo]"),
    ("matplotlib", "charts of the report", "[report]"),
    ("jinja2", "the report's page", "[report]"),
    ("zstandard", "a compressor beside this package's in the report", "[report]"),
    ("numcodecs", "feature maps in Zarr", "[zarr]"),
    ("zarr", "feature maps in Zarr", "[zarr]"),
    ("scipy", "sounds as calibration data", "[data]"),
    ("distributed", "calibration and bench on several processes or machines", "[dask]"),
    ("paho-mqtt", "the gateway on MQTT", "[gateway]"),
    ("pytest", "tests", "[test]"),
    ("selenium", "the tests of the report's page, in chromium", "[test]"),
    ("ruff", "lint", "[test]"),
    ("mypy", "types", "[test]"),
)
NO_LONGER_NEEDED = {"tflite-runtime": (3, 12)}
"""From which Python on a package is not used, and there is none."""

EXTRAS = {
    "[device]": "profile, size and verify on emulated boards",
    "[demo]": "demo, bench and calibrate --data photos",
    "[flash]": "flash and erase",
    "[report]": "report and plot",
    "[zarr]": "feature maps in Zarr",
    "[data]": "calibrate on pictures, WAV files and Zarr",
    "[dask]": "calibrate and bench with --workers or --scheduler",
    "[gateway]": "gateway --mqtt",
    "[test]": "test and lint",
}
COMMANDS = (
    ("qemu-system-arm", "Arm boards that Unicorn cannot run", "apt install qemu-system-arm"),
    ("qemu-system-riscv32", "RISC-V boards", "apt install qemu-system-misc"),
    ("qemu-system-avr", "AVR boards", "apt install qemu-system-misc"),
    ("arm-none-eabi-gcc", "a second compiler", "apt install gcc-arm-none-eabi"),
    ("riscv64-unknown-elf-gcc", "a second compiler", "apt install gcc-riscv64-unknown-elf"),
    ("avr-gcc", "the compiler for AVR boards", "apt install gcc-avr"),
    ("gcc", "the C library on this machine; zig serves too", "apt install gcc"),
    ("clang", "C warnings of a second compiler", "apt install clang"),
    ("cppcheck", "static checks of the C code", "apt install cppcheck"),
    ("openocd", "flashing by a debug probe", "apt install openocd"),
    ("avrdude", "flashing AVRs", "apt install avrdude"),
    ("chromium", "the tests of the report's page", "apt install chromium chromium-driver"),
    ("mosquitto", "the tests of the gateway on MQTT", "apt install mosquitto"),
    ("npm", "models that ship in npm packages", "install Node.js"),
)
VERSION_OPTIONS = {"avrdude": "-v", "mosquitto": "-h"}


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
    pip = _pip()
    found = [Tool("Python", platform.python_version(), f"at {sys.executable}", "")]
    for name, used_for, extra in PACKAGES:
        if sys.version_info < NO_LONGER_NEEDED.get(name, (4,)):
            get = f"{pip} install 'fmq-embedded{extra}'"
            found.append(Tool(name, _package_version(name), used_for, get))
    return found + [Tool(name, _command_version(name), use, get) for name, use, get in COMMANDS]


def advice() -> list[str]:
    """What cannot be used yet, and the one command that changes it: a line for each extra."""
    lines, pip = [], _pip()
    for extra, tasks in EXTRAS.items():
        missing = [n for n, _, needs in PACKAGES if needs == extra and not _package_version(n)]
        if missing:
            lines.append(
                f"for {tasks}: {pip} install 'fmq-embedded{extra}' (missing: {', '.join(missing)})"
            )
    return lines


def _pip() -> str:
    """What installs into the environment that runs: pip, where the shell finds this one's."""
    found = shutil.which("pip")
    here = Path(sys.executable).parent
    return "pip" if found and Path(found).parent == here else f"{sys.executable} -m pip"


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
            [path, VERSION_OPTIONS.get(name, "--version")],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "does not run"
    lines = (run.stdout + run.stderr).splitlines()
    return next((line.strip() for line in lines if re.search(r"\d", line)), "found")
