"""How full a board's memory is: a bar for each kind, and the error when it overflows."""

from __future__ import annotations

from firmware_tools.boards import Board
from firmware_tools.profiling.elf_sizes import ElfSizes
from fmq_embedded.errors import InputError

BAR_WIDTH = 30
LARGEST_SYMBOLS = 3


class DoesNotFitError(InputError):
    """The firmware needs more memory than the board has."""


def size_bars(board: Board, sizes: ElfSizes) -> str:
    """Two lines: flash, and RAM with the stack that is kept; bytes, per cent and a bar."""
    return "\n".join(_bar(*row) for row in _rows(board, sizes))


def sizes_by_source(sizes: ElfSizes) -> list[str]:
    """A line for each source file: bytes of flash and of RAM, the largest in flash first."""
    ram = sizes.ram_by_source
    names = dict.fromkeys([*sizes.flash_by_source, *ram])
    rows = [(name, sizes.flash_by_source.get(name, 0), ram.get(name, 0)) for name in names]
    width = max(len(name) for name in names)
    lines = [f"{'source':<{width}}  {'flash':>9}  {'RAM':>9}"]
    return lines + [f"{name:<{width}}  {flash:>9,}  {used:>9,}" for name, flash, used in rows]


def check_fit(board: Board, sizes: ElfSizes) -> None:
    """Raise DoesNotFitError, with the bars and the largest symbols, if a program is too large."""
    for what, got, limit in _rows(board, sizes):
        if got > limit:
            in_ram = what != "flash"
            symbols = [symbol for symbol in sizes.symbols if symbol.in_ram == in_ram]
            largest = sorted(symbols, key=lambda symbol: -symbol.size)[:LARGEST_SYMBOLS]
            names = ", ".join(f"{symbol.name} {symbol.size}" for symbol in largest)
            raise DoesNotFitError(
                f"the firmware needs {got} bytes of {what} and {board.id} has {limit}; "
                f"the largest symbols are {names}\n{size_bars(board, sizes)}"
            )


def _rows(board: Board, sizes: ElfSizes) -> tuple[tuple[str, int, int], ...]:
    return (
        ("flash", sizes.flash_bytes, board.memory.flash_size),
        ("RAM (variables and stack)", sizes.ram_bytes + sizes.stack_bytes, board.memory.ram_size),
    )


def _bar(what: str, used: int, limit: int) -> str:
    filled = min(BAR_WIDTH, -(-BAR_WIDTH * used // limit))
    bar = "█" * filled + "░" * (BAR_WIDTH - filled)
    return f"{what:<25}  {bar}  {used:>9,} of {limit:>9,} bytes  {used / limit:>6.1%}"
