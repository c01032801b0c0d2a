"""What a line does to the bytes that some lines take for their own: CR, LF, XON, XOFF."""

from __future__ import annotations

from firmware_tools.link.connection import Connection
from firmware_tools.link.protocol import PROBE

_TRIES = 6
_FLOW_CONTROL = b"\x11\x13"
_NAMES = {0x0A: "LF", 0x0D: "CR", 0x11: "XON", 0x13: "XOFF"}
_TRANSLATIONS = {
    "CR becomes LF": {b"\r": b"\n"},
    "LF becomes CR": {b"\n": b"\r"},
    "LF becomes CR LF": {b"\n": b"\r\n"},
    "CR becomes CR LF": {b"\r": b"\r\n"},
    "CR LF becomes LF": {b"\r\n": b"\n"},
    "CR LF becomes CR": {b"\r\n": b"\r"},
    "CR is taken out": {b"\r": b""},
    "LF is taken out": {b"\n": b""},
}


def line_changes(connection: Connection) -> list[str]:
    """Each change that the line makes, with its direction; none on a line that is transparent.

    Noise is told from a translation by its not coming again: two probes must agree.
    """
    seen = connection.probe()
    for _ in range(_TRIES):
        again = connection.probe()
        if again == seen:
            return [
                f"to the {where}: {change}"
                for where, arrived in zip(("board", "host"), seen, strict=True)
                for change in name_changes(arrived)
            ]
        seen = again
    return []


def name_changes(arrived: bytes) -> list[str]:
    """What happened to PROBE on its way, in words."""
    changes = []
    if not set(_FLOW_CONTROL) <= set(arrived):
        changes.append("XON and XOFF are taken out (software flow control)")
    sent, got = (data.translate(None, _FLOW_CONTROL) for data in (PROBE, arrived))
    if got != sent:
        known = [name for name, change in _TRANSLATIONS.items() if _translate(change) == got]
        changes.append(known[0] if known else f"{_spell(sent)} becomes {_spell(got)}")
    return changes


def _translate(change: dict[bytes, bytes]) -> bytes:
    """PROBE behind one translation, without its flow control."""
    ((old, new),) = change.items()
    return PROBE.replace(old, new).translate(None, _FLOW_CONTROL)


def _spell(data: bytes) -> str:
    return " ".join(_NAMES[byte] for byte in data) or "nothing"
