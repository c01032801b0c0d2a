"""Reads an ELF file: the bytes to load and the names of addresses."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmq_embedded.errors import InputError, MissingToolError


@dataclass(frozen=True)
class Segment:
    """Bytes and the address at which they lie when the program is loaded."""

    address: int
    data: bytes


@dataclass(frozen=True)
class Function:
    """A function's first address (without the Thumb bit), its size in bytes, and its name."""

    address: int
    size: int
    name: str


@dataclass(frozen=True)
class ElfImage:
    """What an emulator or a flasher needs of a program; functions are in order of address."""

    segments: tuple[Segment, ...]
    functions: tuple[Function, ...]

    def flash_bytes(self, origin: int) -> bytes:
        """The bytes from `origin` to the end of the last segment, gaps filled with 0xFF."""
        last = max((s.address + len(s.data) for s in self.segments), default=origin)
        image = bytearray(b"\xff" * (last - origin))
        for segment in self.segments:
            start = segment.address - origin
            image[start : start + len(segment.data)] = segment.data
        return bytes(image)

    def place(self, address: int) -> str:
        """An address with its function, such as "0x1a2 (main+0x12)"."""
        index = bisect.bisect_right([f.address for f in self.functions], address) - 1
        if index >= 0:
            function = self.functions[index]
            offset = address - function.address
            if offset < function.size:
                return f"{address:#x} ({function.name}+{offset:#x})"
        return f"{address:#x}"


def load_image(elf: Path) -> ElfImage:
    """Read the loadable segments and the functions of an ELF file.

    Raises:
        InputError: the file is not there or is not ELF.
    """
    with elf.open("rb") as stream:
        file = open_elf(stream, elf)
        segments = tuple(
            Segment(segment["p_paddr"], segment.data())
            for segment in file.iter_segments("PT_LOAD")
            if segment["p_filesz"]
        )
        symbols = file.get_section_by_name(".symtab")
        functions = [
            Function(symbol["st_value"] & ~1, symbol["st_size"], symbol.name)
            for symbol in (symbols.iter_symbols() if symbols else ())
            if symbol["st_info"]["type"] == "STT_FUNC"
        ]
    return ElfImage(segments, tuple(sorted(functions, key=lambda f: (f.address, f.name))))


def open_elf(stream: Any, path: Path) -> Any:
    """A pyelftools ELFFile over an open stream."""
    try:
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile
    except ImportError as error:
        raise MissingToolError(
            'reading ELF files needs pyelftools: `pip install "fmq-embedded[device]"`'
        ) from error
    try:
        return ELFFile(stream)
    except ELFError as error:
        raise InputError(f"{path} is not an ELF file: {error}") from error
