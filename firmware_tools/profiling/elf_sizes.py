"""How many bytes of flash, RAM and stack a program takes, and which part takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_tools.boards import Memory
from firmware_tools.profiling.elf_image import open_elf

STACK_SECTION = ".stack"
# Symbols that none of the objects defines come from the compiler's own library.
COMPILER = "(compiler)"
# String literals, literal pools, padding: bytes that belong to no symbol.
UNNAMED = "(unnamed)"
SHF_ALLOC = 2


@dataclass(frozen=True)
class Symbol:
    """A function or a variable of the program, and the source file it was written in."""

    address: int
    size: int
    name: str
    source: str
    in_ram: bool


@dataclass(frozen=True)
class ElfSizes:
    """Bytes of a program.

    Attributes:
        flash_bytes: code, constants, and the first values of variables.
        ram_bytes: variables, without the stack.
        stack_bytes: what is kept for the stack.
        sections: bytes of each section that is loaded or reserved.
        flash_by_source: bytes of code and constants by source file; what no symbol covers
            stands under "(unnamed)".
        ram_by_source: the same of variables.
    """

    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    sections: dict[str, int]
    flash_by_source: dict[str, int]
    ram_by_source: dict[str, int]
    symbols: tuple[Symbol, ...]


def measure_sizes(elf: Path, memory: Memory, objects: Sequence[Path] = ()) -> ElfSizes:
    """Measure a linked program.

    Args:
        elf: the program.
        memory: tells flash from RAM.
        objects: the objects it was linked from; they say which file a global symbol is from.
    """
    owners = {name: source for path in objects for name, source in _globals_of(path)}
    with elf.open("rb") as stream:
        file = open_elf(stream, elf)
        sections = [s for s in file.iter_sections() if s["sh_flags"] & SHF_ALLOC and s["sh_size"]]
        symbols = tuple(sorted(_symbols(file, memory, owners), key=lambda s: (s.address, s.name)))
        sizes = {section.name: section["sh_size"] for section in sections}
        flash = sum(s["sh_size"] for s in sections if s["sh_type"] != "SHT_NOBITS")
        in_ram = [s for s in sections if _in_ram(s["sh_addr"], memory)]
        stack = sizes.get(STACK_SECTION, 0)
        ram = sum(s["sh_size"] for s in in_ram) - stack
        initial = sum(s["sh_size"] for s in in_ram if s["sh_type"] != "SHT_NOBITS")
    return ElfSizes(
        flash_bytes=flash,
        ram_bytes=ram,
        stack_bytes=stack,
        sections=sizes,
        flash_by_source=_by_source([s for s in symbols if not s.in_ram], flash - initial),
        ram_by_source=_by_source([s for s in symbols if s.in_ram], ram),
        symbols=symbols,
    )


def size_table(sizes: ElfSizes) -> str:
    """The map of a program as text: totals, sections, source files, then every symbol."""
    lines = [
        f"flash {sizes.flash_bytes}",
        f"ram {sizes.ram_bytes}",
        f"stack {sizes.stack_bytes}",
        "",
    ]
    lines += [f"section {name} {size}" for name, size in sizes.sections.items()]
    lines += [f"flash {size} {source}" for source, size in sizes.flash_by_source.items()]
    lines += [f"ram {size} {source}" for source, size in sizes.ram_by_source.items()]
    lines.append("")
    lines += [f"{s.address:#010x} {s.size:8} {s.name} {s.source}" for s in sizes.symbols]
    return "\n".join(lines) + "\n"


def _by_source(symbols: Sequence[Symbol], total: int) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for symbol in symbols:
        sizes[symbol.source] = sizes.get(symbol.source, 0) + symbol.size
    rest = total - sum(sizes.values())
    if rest > 0:
        sizes[UNNAMED] = rest
    return dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))


def _symbols(file: Any, memory: Memory, owners: dict[str, str]) -> Iterator[Symbol]:
    """Functions and variables; two names of one address are counted once."""
    written = set(owners.values())
    seen: set[int] = set()
    for source, symbol in _with_source(file):
        kind, address = symbol["st_info"]["type"], symbol["st_value"]
        if kind not in ("STT_FUNC", "STT_OBJECT") or symbol["st_size"] == 0:
            continue
        address &= ~1 if kind == "STT_FUNC" else ~0
        if address in seen:
            continue
        seen.add(address)
        is_local = symbol["st_info"]["bind"] == "STB_LOCAL"
        owner = source if is_local else owners.get(symbol.name, COMPILER)
        if owner not in written:
            owner = COMPILER
        yield Symbol(address, symbol["st_size"], symbol.name, owner, _in_ram(address, memory))


def _globals_of(path: Path) -> Iterator[tuple[str, str]]:
    with path.open("rb") as stream:
        for source, symbol in _with_source(open_elf(stream, path)):
            if symbol["st_info"]["bind"] != "STB_LOCAL" and symbol["st_shndx"] != "SHN_UNDEF":
                yield symbol.name, source


def _with_source(file: Any) -> Iterator[tuple[str, Any]]:
    """Each symbol with the file symbol that stands before it."""
    table = file.get_section_by_name(".symtab")
    source = COMPILER
    for symbol in table.iter_symbols() if table else ():
        if symbol["st_info"]["type"] == "STT_FILE":
            source = symbol.name or COMPILER
        else:
            yield source, symbol


def _in_ram(address: int, memory: Memory) -> bool:
    """Whether RAM is the nearest region that begins at or below the address.

    So a program that is larger than its memory is measured too.
    """
    origins = {memory.flash_origin: False, memory.ram_origin: True}
    below = [origin for origin in origins if origin <= address]
    return bool(below) and origins[max(below)]
