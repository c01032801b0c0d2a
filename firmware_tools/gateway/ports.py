"""Devices on serial ports and pyserial URLs; each has a thread, and may come and go."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from firmware_tools.gateway.gateway import Gateway
from firmware_tools.gateway.inboxes import Message
from firmware_tools.gateway.stream_frames import StreamAssembler
from firmware_tools.link.device import Device
from firmware_tools.link.frames import DELIMITER, FrameReader
from firmware_tools.link.port import Port
from fmq_embedded.errors import FmqError, NoPortError

_READ_SECONDS: Final = 0.2
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
"""Seconds before a port that is away is tried again."""

Notice = Callable[[str], None]


@dataclass(frozen=True)
class PortListener:
    """Feeds a gateway from one port, until the gateway stops.

    Args:
        gateway: gets the bitstreams.
        url: a port's name or any pyserial URL.
        baud: bits per second.
        poll: seconds between maps that a board with this project's firmware is asked for; 0 to
            wait for what the device sends on its own (`stream_frames`).
        notice: called with what happens to the line, in words.
    """

    gateway: Gateway
    url: str
    baud: int
    poll: float = 0.0
    notice: Notice = lambda text: None

    def start(self) -> threading.Thread:
        """A thread that listens."""
        thread = threading.Thread(target=self.run, name=self.url, daemon=True)
        thread.start()
        return thread

    def run(self) -> None:
        """Listen; a line that breaks, or is not there yet, is opened again and again."""
        pause, stopping, told = FIRST_PAUSE, self.gateway.stopping, ""
        while not stopping.is_set():
            before = self._maps()
            try:
                (self._ask if self.poll else self._listen)()
            except FmqError as error:
                was_there = not isinstance(error, NoPortError)
                self.gateway.ledger.add(self.url, str(error), lost=int(was_there))
                if str(error) != told:
                    told = str(error)
                    self.notice(f"{error}; it is tried again")
                came_through = self._maps() > before
                pause = FIRST_PAUSE if came_through else min(2 * pause, LONGEST_PAUSE)
                stopping.wait(pause)

    def _listen(self) -> None:
        """Take what comes, until the line breaks."""
        port = Port(self.url, self.baud, write_timeout=1.0)
        try:
            port.write(DELIMITER)  # a device that wants to know sees that someone listens
            reader, assembler = FrameReader(), StreamAssembler(self.gateway.longest_stream)
            while not self.gateway.stopping.is_set():
                damaged = reader.dropped + assembler.damaged
                for frame in reader.feed(port.read(_READ_SECONDS)):
                    stream = assembler.feed(frame)
                    if stream is not None:
                        self._put(stream)
                damaged = reader.dropped + assembler.damaged - damaged
                if damaged:
                    self.gateway.ledger.add(self.url, damaged=damaged)
        finally:
            port.close()

    def _ask(self) -> None:
        """Have the board code what is in its buffers, again and again."""
        with Device.open(self.url, baud=self.baud) as device:
            while not self.gateway.stopping.is_set():
                device.quantize()
                self._put(device.read_stream(device.encode()))
                self.gateway.stopping.wait(self.poll)

    def _put(self, stream: bytes) -> None:
        # Waiting, nothing is read, and the line holds the device back: a socket does at once, a
        # UART if it has flow control.
        self.gateway.inboxes.put(Message(self.url, stream), wait=True)

    def _maps(self) -> int:
        return self.gateway.ledger.maps_of(self.url)
