"""Models of parts of Nordic's nRF51 (nRF51 Series Reference Manual): UART, timer, clock, pins."""

from __future__ import annotations

from collections.abc import Callable

from firmware_tools.emulators.idle import PolledLine
from firmware_tools.emulators.serial_bridge import SerialBridge


class NrfUart:
    """The UART: bytes go out at once, and a program that polls for one waits in the read."""

    size = 0x1000
    RECEIVED, SENT, RECEIVE_DATA, SEND_DATA = 0x108, 0x11C, 0x518, 0x51C

    def __init__(self, bridge: SerialBridge) -> None:
        self._line = PolledLine(bridge)
        self._registers: dict[int, int] = {}

    def read(self, offset: int) -> int:
        """The register at `offset`; reading RECEIVE_DATA takes the byte."""
        if offset == self.RECEIVED:
            return int(self._line.readable())
        if offset == self.RECEIVE_DATA:
            return self._line.read()
        return self._registers.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Set the register at `offset`; writing SEND_DATA sends the byte."""
        self._registers[offset] = value
        if offset == self.SEND_DATA:
            self._line.write(value)
            self._registers[self.SENT] = 1


class NrfTimer:
    """The timer with 32 bits and no prescaler, counting up with the instructions."""

    size = 0x1000
    CLEAR, CAPTURE, CAPTURED = 0xC, 0x40, 0x540

    def __init__(self, ticks: Callable[[], int]) -> None:
        """`ticks` gives the ticks since the core started."""
        self._ticks = ticks
        self._since = 0
        self._registers: dict[int, int] = {}

    def read(self, offset: int) -> int:
        """The register at `offset`."""
        return self._registers.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Set the register at `offset`; CAPTURE takes the count into CAPTURED."""
        self._registers[offset] = value
        if offset == self.CLEAR:
            self._since = self._ticks()
        elif offset == self.CAPTURE:
            self._registers[self.CAPTURED] = (self._ticks() - self._since) % 2**32


class NrfClock:
    """The crystal's control: started as soon as it is asked for."""

    size = 0x1000
    STARTED = 0x100

    def read(self, offset: int) -> int:
        """The register at `offset`."""
        return int(offset == self.STARTED)

    def write(self, offset: int, value: int) -> None:
        """Any write is taken."""


class Plain:
    """Registers that keep what is written and do nothing, such as those of pins."""

    size = 0x1000

    def __init__(self) -> None:
        self._registers: dict[int, int] = {}

    def read(self, offset: int) -> int:
        """The register at `offset`."""
        return self._registers.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Set the register at `offset`."""
        self._registers[offset] = value
