"""Emulators: a board's firmware behind a TCP port, as pyserial opens it."""

from __future__ import annotations

from firmware_tools.emulators.emulator import Emulator, FirmwareFaultError, RunningEmulator
from firmware_tools.emulators.qemu import Qemu
from firmware_tools.emulators.unicorn import Unicorn
from fmq_embedded.errors import unknown_name

EMULATORS: dict[str, Emulator] = {tool.name: tool for tool in (Unicorn(), Qemu())}
DEFAULT_EMULATOR = Unicorn.name


def emulator(name: str = DEFAULT_EMULATOR) -> Emulator:
    """The emulator called `name`; it may be known and yet not installed."""
    if name not in EMULATORS:
        raise unknown_name("emulator", name, EMULATORS)
    return EMULATORS[name]


__all__ = [
    "DEFAULT_EMULATOR",
    "EMULATORS",
    "Emulator",
    "FirmwareFaultError",
    "RunningEmulator",
    "emulator",
]
