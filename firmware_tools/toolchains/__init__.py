"""Compilers: firmware for boards, and shared libraries for this machine."""

from __future__ import annotations

from firmware_tools.boards import Board
from firmware_tools.toolchains.cores import ARM_GCC, AVR_GCC, RISCV_GCC, core
from firmware_tools.toolchains.gcc import Gcc
from firmware_tools.toolchains.host import host_library, sanitizer_environment
from firmware_tools.toolchains.toolchain import Build, Toolchain
from firmware_tools.toolchains.zig import Zig
from fmq_embedded.errors import InputError, unknown_name

TOOLCHAINS: dict[str, Toolchain] = {
    tool.name: tool
    for tool in (
        Zig(),
        Gcc(ARM_GCC, "gcc-arm-none-eabi"),
        Gcc(RISCV_GCC, "gcc-riscv64-unknown-elf"),
        Gcc(AVR_GCC, "gcc-avr"),
    )
}
DEFAULT_TOOLCHAIN = Zig.name
GCC = "gcc"


def toolchain(name: str = DEFAULT_TOOLCHAIN) -> Toolchain:
    """The toolchain called `name`; it may be known and yet not installed."""
    if name not in TOOLCHAINS:
        raise unknown_name("toolchain", name, TOOLCHAINS)
    return TOOLCHAINS[name]


def toolchain_for(board: Board, name: str = DEFAULT_TOOLCHAIN) -> Toolchain:
    """The toolchain that is asked for: by its name, or "gcc" for the one of the board's core.

    Where zig, the default, cannot build for the core, GCC is taken.

    Raises:
        InputError: an unknown name, or one that cannot build for the board's core.
    """
    chosen = core(board.core)
    if name == GCC or (name == Zig.name and chosen.zig_target is None):
        name = chosen.gcc
    found = toolchain(name)
    if not found.supports(chosen):
        raise InputError(
            f"{name} does not build for the {board.core} of {board.id}; "
            f"expected {' or '.join(t.name for t in TOOLCHAINS.values() if t.supports(chosen))}"
        )
    return found


__all__ = [
    "DEFAULT_TOOLCHAIN",
    "TOOLCHAINS",
    "Build",
    "Toolchain",
    "host_library",
    "sanitizer_environment",
    "toolchain",
    "toolchain_for",
]
