"""A serial port, or what a pyserial URL stands for, as a pipe of bytes."""

from __future__ import annotations

import io
import os
import select
import time
from contextlib import suppress
from typing import Any

import serial
from serial.tools import list_ports

from fmq_embedded.errors import LinkError, NoPortError

_POLL_SECONDS = 0.001
_READ_SIZE = 4096
_LOOK_AGAIN_SECONDS = 0.05

UsbIdentity = tuple[int, int, str]
"""Vendor, product and serial number: what stays when a port comes back under another name."""


class PortLostError(LinkError):
    """An open port broke: unplugged, or the other end closed it."""


def available_ports() -> list[str]:
    """The serial ports of this machine, each with its description."""
    ports = sorted(list_ports.comports())
    return [
        f"{port.device} ({port.description})"
        if port.description not in (None, "n/a")
        else port.device
        for port in ports
    ]


def port_names() -> list[str]:
    """The names of the serial ports of this machine."""
    return sorted(port.device for port in list_ports.comports())


class Port:
    """An open port that is read without blocking and written with a time-out.

    Args:
        url: a port's name or any pyserial URL (socket://host:port, rfc2217://host:port, …).
        baud: bits per second; ignored where the URL is a socket.
        write_timeout: seconds that a write may wait for the other end to take bytes.

    Raises:
        NoPortError: it cannot be opened; the text lists the ports that are there.
    """

    def __init__(self, url: str, baud: int, write_timeout: float) -> None:
        self.url = url
        self.baud = baud
        self._write_timeout = write_timeout
        self._open()
        self._usb = _usb_identity(url)

    def _open(self) -> None:
        # pyserial's own read time-outs differ between its back ends (sockets wait for the full
        # count, RFC 2217 renegotiates when one is set): it is never asked to wait.
        # RFC 2217 refuses a write time-out: its socket has one of its own, of 5 s.
        limit = None if self.url.lower().startswith("rfc2217://") else self._write_timeout
        # A second program that reads the port would take the answers away.
        options = {} if "://" in self.url or os.name == "nt" else {"exclusive": True}
        try:
            self._serial: Any = serial.serial_for_url(
                self.url, baudrate=self.baud, timeout=0, write_timeout=limit, **options
            )
        except (serial.SerialException, ValueError, OSError) as error:
            raise NoPortError(_cannot_open(self.url, error)) from error
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

    def reopen(self, error: PortLostError, until: float) -> None:
        """Waits for the same USB device to come back, under whatever name, and opens it.

        Args:
            error: raised again if it does not.
            until: when to give up, of `time.monotonic`.
        """
        self.close()
        while self._usb is not None and time.monotonic() < until:
            for port in list_ports.comports():
                if _identity(port) == self._usb:
                    self.url = port.device
                    with suppress(NoPortError):  # its rights may take a moment
                        self._open()
                        return
            time.sleep(_LOOK_AGAIN_SECONDS)
        raise error

    def close(self) -> None:
        """Closes the port; a port whose other end is gone closes as well."""
        with suppress(serial.SerialException, OSError):
            self._serial.close()

    def _pause(self, left: float) -> None:
        if self._descriptor is None:
            time.sleep(min(left, _POLL_SECONDS))
        else:
            select.select([self._descriptor], [], [], left)

    def _broken(self, error: Exception) -> PortLostError:
        return PortLostError(
            f"{self.url}: the connection broke: {error}; expected an open line to the board; "
            "check that the board or the emulator still runs, then open the port again"
        )


def _descriptor(port: Any) -> int | None:
    """What `select` can wait on; None for ports that have none (Windows, RFC 2217, loop://)."""
    try:
        return int(port.fileno())
    except (AttributeError, io.UnsupportedOperation, TypeError):
        return None


def _usb_identity(name: str) -> UsbIdentity | None:
    """What tells the USB device behind a port from others; None for all other ports."""
    return next((_identity(port) for port in list_ports.comports() if port.device == name), None)


def _identity(port: Any) -> UsbIdentity | None:
    vendor, serial_number = getattr(port, "vid", None), getattr(port, "serial_number", None)
    return None if vendor is None else (vendor, port.pid, serial_number or "")


def _cannot_open(url: str, error: Exception) -> str:
    if "lock" in str(error):
        return (
            f"cannot open port {url!r}: another program has it open; expected to be the only one; "
            "close the other (a serial monitor, a second terminal)"
        )
    ports = available_ports()
    there = f"the ports here are {', '.join(ports)}" if ports else "this machine has no serial port"
    return (
        f"cannot open port {url!r}: {error}; expected a serial port or a pyserial URL such as "
        f"socket://127.0.0.1:5000; {there}"
    )
