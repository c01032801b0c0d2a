"""What became of the bitstreams of each device."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import Any, Final

MOST_DEVICES: Final = 1024
OTHERS: Final = "(others)"


@dataclass
class Counters:
    """Of one device.

    Attributes:
        maps: bitstreams that went through decoder and tail.
        bytes: of these.
        refused: bitstreams that came whole and are none of this deployment.
        damaged: bitstreams that came with a piece missing, and what was no frame at all.
        dropped: bitstreams that came faster than they could be worked on and held back.
        lost: times that the device or the line to it went away.
        problem: the last thing that went wrong, in words.
    """

    maps: int = 0
    bytes: int = 0
    refused: int = 0
    damaged: int = 0
    dropped: int = 0
    lost: int = 0
    problem: str = ""


class Ledger:
    """The counters of all devices; many threads write into it. It holds 1024 devices."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._devices: dict[str, Counters] = {}

    def add(self, device: str, problem: str = "", **counts: int) -> int:
        """Add to a device's counters, by their names; gives its bitstreams worked on before."""
        with self._lock:
            name = device
            if device not in self._devices and len(self._devices) >= MOST_DEVICES:
                name = OTHERS
            counters = self._devices.setdefault(name, Counters())
            before = counters.maps + counters.refused
            for key, count in counts.items():
                setattr(counters, key, getattr(counters, key) + count)
            counters.problem = problem or counters.problem
            return before

    def maps_of(self, device: str) -> int:
        """Bitstreams of a device that went through decoder and tail."""
        with self._lock:
            return self._devices.get(device, Counters()).maps

    def total(self) -> Counters:
        """Of all devices together."""
        with self._lock:
            known = list(self._devices.values())
        names = [key for key, value in asdict(Counters()).items() if isinstance(value, int)]
        return Counters(**{name: sum(getattr(one, name) for one in known) for name in names})

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module, by device."""
        with self._lock:
            return {name: asdict(one) for name, one in sorted(self._devices.items())}

    def __str__(self) -> str:
        total, devices = self.total(), len(self._devices)
        return (
            f"{total.maps:,} maps of {devices} device{'s' * (devices != 1)}; {total.refused} "
            f"refused, {total.damaged} damaged, {total.dropped} dropped, {total.lost} times lost"
        )
