"""Compilers: firmware for boards, and shared libraries for this machine."""

from __future__ import annotations

from firmware_tools.toolchains.arm_gcc import ArmNoneEabiGcc
from firmware_tools.toolchains.host import host_library, sanitizer_environment
from firmware_tools.toolchains.toolchain import Build, Toolchain
from firmware_tools.toolchains.zig import Zig
from fmq_embedded.errors import unknown_name

TOOLCHAINS: dict[str, Toolchain] = {tool.name: tool for tool in (Zig(), ArmNoneEabiGcc())}
DEFAULT_TOOLCHAIN = Zig.name


def toolchain(name: str = DEFAULT_TOOLCHAIN) -> Toolchain:
    """The toolchain called `name`; it may be known and yet not installed."""
    if name not in TOOLCHAINS:
        raise unknown_name("toolchain", name, TOOLCHAINS)
    return TOOLCHAINS[name]


__all__ = [
    "DEFAULT_TOOLCHAIN",
    "TOOLCHAINS",
    "Build",
    "Toolchain",
    "host_library",
    "sanitizer_environment",
    "toolchain",
]
