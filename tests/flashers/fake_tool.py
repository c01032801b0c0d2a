"""Stands in for every flasher: keeps a flash in a file, writes down how it was called.

FAKE_FOLDER has flash.bin, log.json (one list of arguments a line) and, to go wrong, files named
fail (the number of calls that succeed before one fails), worn (an offset whose byte stays) and
chip (what it says when asked which chip it is).
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

FOLDER = Path(os.environ["FAKE_FOLDER"])
START = int(os.environ["FAKE_START"], 0)
FLASH = FOLDER / "flash.bin"


def main() -> int:
    name = Path(sys.argv[0]).name
    with (FOLDER / "log.json").open("a") as log:
        log.write(json.dumps([name, *sys.argv[1:]]) + "\n")
    fail = FOLDER / "fail"
    if fail.exists():
        left = int(fail.read_text())
        if left == 0:
            print("Error: the probe was pulled out", file=sys.stderr)
            return 1
        fail.write_text(str(left - 1))
    text = " ".join(sys.argv[1:])
    for pattern, action in ACTIONS[name]:
        found = re.search(pattern, text)
        if found:
            action(*found.groups())
            return 0
    print(f"unknown arguments: {text}", file=sys.stderr)
    return 2


def identify(*_: str) -> None:
    print((FOLDER / "chip").read_text())


def read(address: str, size: str, file: str) -> None:
    at = int(address, 0) - START
    Path(file).write_bytes(FLASH.read_bytes()[at : at + int(size, 0)])


def read_all(file: str) -> None:
    Path(file).write_bytes(FLASH.read_bytes().rstrip(b"\xff"))


def write(address: str, file: str) -> None:
    flash = bytearray(FLASH.read_bytes())
    at = int(address, 0) - START
    data = Path(file).read_bytes()
    worn = FOLDER / "worn"
    kept = {int(worn.read_text()): flash[int(worn.read_text())]} if worn.exists() else {}
    flash[at : at + len(data)] = data
    for offset, byte in kept.items():
        flash[offset] = byte
    FLASH.write_bytes(flash)


def erase(*_: str) -> None:
    FLASH.write_bytes(b"\xff" * len(FLASH.read_bytes()))


def done(*_: str) -> None:
    pass


ACTIONS = {
    "pyocd": [
        (r"read32 0x", identify),
        (r"savemem (\S+) (\S+) (\S+)$", read),
        (r"^flash .*--erase sector --base-address (\S+) --format bin (\S+)$", write),
        (r"^erase .*--chip$", erase),
    ],
    "openocd": [
        (r"-c mdw 0x", identify),
        (r"dump_image \{(?P<f>\S+)\} (\S+) (\S+) ", lambda f, a, s: read(a, s, f)),
        (r"flash write_image erase \{(\S+)\} (\S+) bin", lambda f, a: write(a, f)),
        (r"flash erase_address (\S+) (\S+)", erase),
    ],
    "esptool": [
        (r"flash-id$", identify),
        (r"read-flash (\S+) (\S+) (\S+)$", read),
        (r"write-flash (\S+) (\S+)$", write),
        (r"erase-flash$", erase),
    ],
    "stm32loader": [
        (r"--read --address (\S+) --length (\S+) (\S+)$", read),
        (r"--erase --write --address (\S+) --length \S+ (\S+)$", write),
        (r"--go-address", done),
        (r"--erase$", erase),
        (r"--family \S+$", identify),
    ],
    "avrdude": [
        (r"signature:r:-:h$", identify),
        (r"flash:r:(\S+):r$", read_all),
        (r"-D -V -U flash:w:(\S+):r$", lambda f: write(str(START), f)),
        (r" -e$", erase),
    ],
}

if __name__ == "__main__":
    sys.exit(main())
