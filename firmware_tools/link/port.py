"""A serial port, or what a pyserial URL stands for, as a pipe of bytes."""

from __future__ import annotations

import io
import select
import time
from contextlib import suppress
from typing import Any

import serial
from serial.tools import list_ports

from fmq_embedded.errors import LinkError

_POLL_SECONDS = 0.001
_READ_SIZE = 4096


def available_ports() -> list[str]:
    """The serial ports of this machine, each with its description."""
    ports = sorted(list_ports.comports())
    return [
        f"{port.device} ({port.description})"
        if port.description not in (None, "n/a")
        else port.device
        for port in ports
    ]


class Port:
    """An open port that is read without blocking and written with a time-out.

    Args:
        url: a port's name or any pyserial URL (socket://host:port, rfc2217://host:port, …).
        baud: bits per second; ignored where the URL is a socket.
        write_timeout: seconds that a write may wait for the other end to take bytes.

    Raises:
        LinkError: it cannot be opened; the text lists the ports that are there.
    """

    def __init__(self, url: str, baud: int, write_timeout: float) -> None:
        self.url = url
        self.baud = baud
        # pyserial's own read time-outs differ between its back ends (sockets wait for the full
        # count, RFC 2217 renegotiates when one is set): it is never asked to wait.
        # RFC 2217 refuses a write time-out: its socket has one of its own, of 5 s.
        limit = None if url.lower().startswith("rfc2217://") else write_timeout
        try:
            self._serial: Any = serial.serial_for_url(
                url, baudrate=baud, timeout=0, write_timeout=limit
            )
        except (serial.SerialException, ValueError, OSError) as error:
            raise LinkError(_cannot_open(url, error)) from error
        self._descriptor = _descriptor(self._serial)

    def write(self, data: bytes) -> None:
        """Hands all of `data` to the port. Raises LinkError if it does not take them."""
        try:
            self._serial.write(data)
        except (serial.SerialException, OSError) as error:
            raise self._broken(error) from error

    def read(self, wait: float) -> bytes:
        """The bytes that are there; waits up to `wait` seconds for the first. b"" if none."""
        deadline = time.monotonic() + wait
        try:
            data = bytes(self._serial.read(_READ_SIZE))
            while not data:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._pause(left)
                data = bytes(self._serial.read(_READ_SIZE))
        except (serial.SerialException, OSError) as error:
            raise self._broken(error) from error
        return data

    def close(self) -> None:
        """Closes the port; a port whose other end is gone closes as well."""
        with suppress(serial.SerialException, OSError):
            self._serial.close()

    def _pause(self, left: float) -> None:
        if self._descriptor is None:
            time.sleep(min(left, _POLL_SECONDS))
        else:
            select.select([self._descriptor], [], [], left)

    def _broken(self, error: Exception) -> LinkError:
        return LinkError(
            f"{self.url}: the connection broke: {error}; expected an open line to the board; "
            "check that the board or the emulator still runs, then open the port again"
        )


def _descriptor(port: Any) -> int | None:
    """What `select` can wait on; None for ports that have none (Windows, RFC 2217, loop://)."""
    try:
        return int(port.fileno())
    except (AttributeError, io.UnsupportedOperation, TypeError):
        return None


def _cannot_open(url: str, error: Exception) -> str:
    ports = available_ports()
    there = f"the ports here are {', '.join(ports)}" if ports else "this machine has no serial port"
    return (
        f"cannot open port {url!r}: {error}; expected a serial port or a pyserial URL such as "
        f"socket://127.0.0.1:5000; {there}"
    )
