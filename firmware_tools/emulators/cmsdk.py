"""Models of two blocks of Arm's Cortex-M System Design Kit (DDI 0479): UART and timer."""

from __future__ import annotations

from collections.abc import Callable

from firmware_tools.emulators.idle import PolledLine
from firmware_tools.emulators.serial_bridge import SerialBridge


class CmsdkUart:
    """The UART: bytes go out at once, and a program that polls for one waits in the read."""

    size = 0x1000
    DATA, STATE = 0x0, 0x4
    RECEIVE_FULL = 0x2

    def __init__(self, bridge: SerialBridge) -> None:
        self._line = PolledLine(bridge)
        self._registers: dict[int, int] = {}

    def read(self, offset: int) -> int:
        """The register at `offset`; reading DATA takes the byte."""
        if offset == self.STATE:
            return self.RECEIVE_FULL if self._line.readable() else 0
        if offset == self.DATA:
            return self._line.read()
        return self._registers.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Set the register at `offset`; writing DATA sends the byte."""
        if offset == self.DATA:
            self._line.write(value)
        else:
            self._registers[offset] = value


class CmsdkTimer:
    """The timer: 32 bits, counting down with the instructions; its interrupt is not modelled."""

    size = 0x1000
    CONTROL, VALUE, RELOAD = 0x0, 0x4, 0x8
    ENABLE = 0x1

    def __init__(self, ticks: Callable[[], int]) -> None:
        """`ticks` gives the ticks since the core started."""
        self._ticks = ticks
        self._control = 0
        self._reload = 0
        self._value = 0
        self._since = 0

    def read(self, offset: int) -> int:
        """The register at `offset`."""
        if offset == self.VALUE:
            return self._current()
        return {self.CONTROL: self._control, self.RELOAD: self._reload}.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Set the register at `offset`."""
        self._value, self._since = self._current(), self._ticks()
        if offset == self.CONTROL:
            self._control = value
        elif offset == self.VALUE:
            self._value = value
        elif offset == self.RELOAD:
            self._reload = value

    def _current(self) -> int:
        if not self._control & self.ENABLE:
            return self._value
        left = self._value - (self._ticks() - self._since)
        return left if left >= 0 else self._reload - (-left - 1) % (self._reload + 1)
