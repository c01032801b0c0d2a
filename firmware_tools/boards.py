"""Boards as data: a folder with board.toml, a linker script and the C code that is the board's.

A new board is a new folder and no other change. Folders are looked for in each folder of
FMQ_BOARDS (separated as PATH is), then in the checkout's `boards/`.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from fmq_embedded.errors import InputError, unknown_name

Table = TypeVar("Table")

BOARD_FILE = "board.toml"
CHECKOUT_BOARDS = Path(__file__).resolve().parents[1] / "boards"
NANOSECONDS = 10**9


@dataclass(frozen=True)
class Memory:
    """Where code and variables lie; bytes."""

    flash_origin: int
    flash_size: int
    ram_origin: int
    ram_size: int


@dataclass(frozen=True)
class Uart:
    """The serial port of the command loop: `model` names its registers, `address` their base."""

    baud: int
    model: str
    address: int


@dataclass(frozen=True)
class Counter:
    """What board_ticks() counts.

    Attributes:
        kind: "timer": a peripheral that counts at `hz` whatever the core does.
        model, address: its registers.
        hz: ticks a second.
        qemu_icount_shift: an emulated instruction lasts 2^shift ns, under QEMU by its option
            `-icount shift=` and under Unicorn by the same arithmetic.
    """

    kind: str
    model: str
    address: int
    hz: int
    qemu_icount_shift: int

    def ticks(self, instructions: int) -> int:
        """Ticks that pass during `instructions` emulated instructions, rounded down."""
        return (instructions * self.hz << self.qemu_icount_shift) // NANOSECONDS

    def instructions(self, ticks: int) -> int:
        """Emulated instructions that last `ticks`, rounded to the nearest.

        Exact for one measurement as long as an instruction lasts more than two ticks; a sum of
        n measurements is exact as long as it lasts more than 2n ticks.
        """
        per_tick = self.hz << self.qemu_icount_shift
        return (2 * ticks * NANOSECONDS + per_tick) // (2 * per_tick)


@dataclass(frozen=True)
class Emulation:
    """The board's names in the emulators; one that is left out cannot run it."""

    qemu_machine: str | None = None
    unicorn_cpu: str | None = None


@dataclass(frozen=True)
class Board:
    """A board, as board.toml and the files beside it say.

    Attributes:
        core: a key of the toolchains' table of cores, such as "cortex-m4".
        fpu: whether the core has a floating-point unit (the firmware never uses it).
        sources: for each number, where it was read: key → address of a page.
    """

    folder: Path
    id: str
    name: str
    core: str
    fpu: bool
    clock_hz: int
    memory: Memory
    uart: Uart
    counter: Counter
    emulator: Emulation
    sources: dict[str, str]

    @property
    def linker_script(self) -> Path:
        """The script of the final link; it includes memory.ld, which is made from `memory`."""
        return self.folder / "link.ld"

    @property
    def c_sources(self) -> tuple[Path, ...]:
        """The board's own C files, by name."""
        return tuple(sorted(self.folder.glob("*.c")))


def board_folders() -> dict[str, Path]:
    """Every board's folder by the board's id, the earlier search folder first."""
    roots = [Path(part) for part in os.environ.get("FMQ_BOARDS", "").split(os.pathsep) if part]
    found: dict[str, Path] = {}
    for root in (*roots, CHECKOUT_BOARDS):
        for path in sorted(root.glob(f"*/{BOARD_FILE}")):
            found.setdefault(path.parent.name, path.parent)
    return found


def load_board(board_id: str) -> Board:
    """The board called `board_id`.

    Raises:
        InputError: no such board (the nearest names are in the text), or its file is wrong.
    """
    folders = board_folders()
    if board_id not in folders:
        raise unknown_name("board", board_id, folders)
    return read_board(folders[board_id])


def read_board(folder: Path) -> Board:
    """The board in `folder`; its id is the folder's name.

    Raises:
        InputError: the file is not TOML, lacks a key, or has one that is unknown or of
            another type.
    """
    path = folder / BOARD_FILE
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    board = _table(Board, values, str(path), folder=folder)
    if board.id != folder.name:
        raise InputError(f"{path} has the id {board.id!r}; expected its folder's {folder.name!r}")
    return board


def _table(kind: type[Table], values: Mapping[str, Any], where: str, **given: Any) -> Table:
    """A dataclass from a TOML table, each key checked against the fields."""
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name not in given}
    for key in values:
        if key not in hints:
            raise InputError(f"{where}: {unknown_name('key', key, hints)}")
    required = {
        field.name
        for field in dataclasses.fields(kind)  # type: ignore[arg-type]
        if field.default is dataclasses.MISSING and field.name in hints
    }
    missing = sorted(required - set(values))
    if missing:
        raise InputError(f"{where} lacks {', '.join(missing)}")
    checked = {key: _value(hints[key], value, f"{where}: {key}") for key, value in values.items()}
    return kind(**given, **checked)


def _value(hint: Any, value: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        return _table(hint, value, where)
    plain = get_origin(hint) or hint
    allowed = get_args(hint) if plain in (Union, types.UnionType) else (plain,)
    # A bool is an int to isinstance, and "flash_size = true" is a mistake.
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        names = " or ".join(kind.__name__ for kind in allowed if kind is not type(None))
        raise InputError(f"{where} is {value!r}; expected {names}")
    if isinstance(value, int) and value < 0:
        raise InputError(f"{where} is {value}; expected a number that is not negative")
    return value
