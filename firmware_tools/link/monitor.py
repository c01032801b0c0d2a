"""Shows what comes from a port, whatever it is."""

from __future__ import annotations

import time
from typing import BinaryIO

from firmware_tools.link.port import Port, PortLostError

_WAIT_SECONDS = 0.2
_COME_BACK_SECONDS = 3600.0


def watch(
    url: str, baud: int, out: BinaryIO, *, hexadecimal: bool = False, seconds: float = 0.0
) -> None:
    """Write the bytes that come to `out`, until Ctrl-C; a USB port may go and come back.

    Args:
        url: a port's name or any pyserial URL.
        baud: bits per second.
        out: gets the bytes as they come.
        hexadecimal: as two digits each instead.
        seconds: end after so long; 0: never.

    Raises:
        NoPortError: it cannot be opened.
        LinkError: it broke and is no USB port that could come back.
    """
    until = time.monotonic() + seconds if seconds else float("inf")
    port = Port(url, baud, write_timeout=1.0)
    try:
        while time.monotonic() < until:
            try:
                data = port.read(min(_WAIT_SECONDS, max(until - time.monotonic(), 0.0)))
            except PortLostError as error:
                port.reopen(error, min(until, time.monotonic() + _COME_BACK_SECONDS))
                continue
            if data:
                out.write(data.hex(" ").encode() + b"\n" if hexadecimal else data)
                out.flush()
    except KeyboardInterrupt:
        pass
    finally:
        port.close()
