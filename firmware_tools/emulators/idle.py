"""The wait of an emulated serial port that a program polls."""

from __future__ import annotations

from firmware_tools.emulators.serial_bridge import SerialBridge

# A read of the state that follows so many others, each without a byte there, waits a while: a
# program that polls then costs the host nothing. The emulated time stands still meanwhile.
IDLE_READS = 16
IDLE_WAIT_S = 0.05


class PolledLine:
    """A serial line as the models of UARTs see it: `readable` waits when it is asked idly."""

    def __init__(self, bridge: SerialBridge) -> None:
        self._bridge = bridge
        self._idle_reads = 0

    def readable(self) -> bool:
        """Whether a byte has come."""
        self._idle_reads += 1
        if self._idle_reads > IDLE_READS:
            return self._bridge.wait(IDLE_WAIT_S)
        return self._bridge.readable()

    def read(self) -> int:
        """The next byte; 0 if there is none."""
        self._idle_reads = 0
        return self._bridge.read()

    def write(self, byte: int) -> None:
        """Send a byte."""
        self._idle_reads = 0
        self._bridge.write(byte & 0xFF)
