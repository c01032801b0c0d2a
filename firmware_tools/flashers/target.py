"""Which of the things that are plugged in is the board."""

from __future__ import annotations

import os
import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

from fmq_embedded.errors import NoPortError

DRIVE_FILE = "INFO_UF2.TXT"
_DRIVE_ROOTS = ("media/*/*", "run/media/*/*", "mnt/*", "Volumes/*")


@dataclass(frozen=True)
class Target:
    """A board that is plugged in.

    Attributes:
        port: its serial port, or its drive; "" if it has neither.
        serial_number: of its USB device; "" if it has none.
    """

    port: str
    serial_number: str = ""

    @property
    def key(self) -> str:
        """What it is known by from one run to the next."""
        return self.serial_number or self.port

    def __str__(self) -> str:
        return " ".join(part for part in (self.port, self.serial_number) if part)


def usb_targets(usb: Sequence[str]) -> list[Target]:
    """The serial ports of USB devices with one of these vendor:product pairs, by name."""
    ports = sorted(list_ports.comports(), key=lambda port: port.device)
    return [
        Target(port.device, port.serial_number or "")
        for port in ports
        if port.vid is not None and f"{port.vid:04x}:{port.pid:04x}" in usb
    ]


def drive_targets(board_id: str) -> list[Target]:
    """The mounted drives of UF2 boot loaders whose board has that id."""
    roots = [f"{letter}:\\" for letter in string.ascii_uppercase] if os.name == "nt" else []
    roots += [
        path for pattern in _DRIVE_ROOTS for path in sorted(map(str, Path("/").glob(pattern)))
    ]
    found = []
    for root in roots:
        info = Path(root) / DRIVE_FILE
        try:
            text = info.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if f"Board-ID: {board_id}" in text.splitlines():
            found.append(Target(root))
    return found


def choose_target(found: Sequence[Target], wanted: str, what: str) -> Target:
    """The one board that is meant.

    Args:
        found: those that are there.
        wanted: a port, a drive or a USB serial number; "" for the only one.
        what: is looked for, for the error.

    Raises:
        NoPortError: there is none, or several alike and nothing says which.
    """
    names = "; ".join(map(str, found))
    if wanted:
        meant = [target for target in found if wanted in (target.port, target.serial_number)]
        if meant:
            return meant[0]
        if "/" in wanted or wanted.upper().startswith("COM") or Path(wanted).exists():
            return Target(wanted)
        raise NoPortError(
            f"no {what} is at {wanted!r}; plugged in: {names or 'none'}; give the port or the "
            "serial number of its USB device"
        )
    if not found:
        raise NoPortError(
            f"no {what} is plugged in; plug it in, or name its port with --port (`inv ports`)"
        )
    if len(found) > 1:
        raise NoPortError(f"{len(found)} of {what} are plugged in: {names}; say which with --port")
    return found[0]
