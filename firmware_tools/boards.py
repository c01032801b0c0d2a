"""Boards as data: a folder with board.toml and, where the board needs it, C code of its own.

A new board is a new folder and no other change. Folders are looked for in each folder of
FMQ_BOARDS (separated as PATH is), then in this package's own (`boards/` in a checkout), then in
those that other packages bring (entry points `fmq_embedded.boards`). What boards of one family
share (start-up code, linker scripts, drivers of serial ports and counters) is in
`firmware_tools/board_support/`, and board.toml names it.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import tomllib
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from firmware_tools.flashers.section import FlashSection
from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.plugins import plugins

Table = TypeVar("Table")

BOARD_FILE = "board.toml"
CHECKOUT_BOARDS = Path(__file__).resolve().parents[1] / "boards"
# Where a wheel has the same folder.
INSTALLED_BOARDS = Path(__file__).resolve().parent / "installed_boards"
SUPPORT = Path(__file__).resolve().parent / "board_support"
NANOSECONDS = 10**9
# The model of a serial port or counter whose driver is in the board's folder.
OWN = "own"


@dataclass(frozen=True)
class Memory:
    """Where code and variables lie; bytes. `stack_size` is kept of the RAM for the stack."""

    flash_origin: int
    flash_size: int
    ram_origin: int
    ram_size: int
    stack_size: int = 0x1000


@dataclass(frozen=True)
class Uart:
    """The serial port of the command loop.

    Attributes:
        baud: bits a second.
        model: names its registers: board_support/uart_<model>.c.
        address: of its first register.
        clock_hz: what its divider divides; 0: the core's clock.
        reset: what the lines DTR and RTS do to the board: "none", "dtr" (falling DTR resets it)
            or "esp" (RTS resets it, DTR chooses its boot loader).
    """

    baud: int
    model: str
    address: int
    clock_hz: int = 0
    reset: str = "none"


@dataclass(frozen=True)
class Counter:
    """What board_ticks() counts.

    Attributes:
        kind: "timer": a peripheral that counts at `hz` whatever the core does; "cycles": the
            core's own clock cycles.
        model: names its registers: board_support/counter_<model>.c.
        address: of its first register; 0 where the core knows.
        hz: ticks a second.
        qemu_icount_shift: an emulated instruction lasts 2^shift ns, under QEMU by its option
            `-icount shift=` and under Unicorn by the same arithmetic. None: no emulator counts.
        emulated_hz: ticks a second of emulated time, where the emulator's counter has another
            clock than the board's; 0: as `hz`.
    """

    kind: str
    model: str
    hz: int
    qemu_icount_shift: int | None = None
    address: int = 0
    emulated_hz: int = 0

    def ticks(self, instructions: int) -> int:
        """Ticks that pass during `instructions` emulated instructions, rounded down."""
        return instructions * self._per_instruction // NANOSECONDS

    def instructions(self, ticks: int) -> int:
        """Emulated instructions that last `ticks`, rounded to the nearest.

        Exact for one measurement as long as an instruction lasts more than two ticks; a sum of
        n measurements is exact as long as it lasts more than 2n ticks.
        """
        per_tick = self._per_instruction
        return (2 * ticks * NANOSECONDS + per_tick) // (2 * per_tick)

    @property
    def _per_instruction(self) -> int:
        """Ticks of an emulated instruction, times NANOSECONDS."""
        return (self.emulated_hz or self.hz) << (self.qemu_icount_shift or 0)


@dataclass(frozen=True)
class Emulation:
    """The board's names in the emulators; one that is left out cannot run it.

    Attributes:
        qemu_serial: the number of QEMU's serial port that is the board's `uart`.
        unicorn_parts: what this package's models under Unicorn put beside the UART and the
            counter: a model's name and the address of its registers.
    """

    qemu_machine: str | None = None
    unicorn_cpu: str | None = None
    qemu_serial: int = 0
    unicorn_parts: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Storage:
    """Where tables that come over the link are kept: two slots of `slot_size` bytes.

    `kind` "ram": a simulated flash in RAM, for emulated boards.
    """

    kind: str
    slot_size: int

    def __post_init__(self) -> None:
        """Check the kind. Raises InputError."""
        if self.kind != "ram":
            raise InputError(f"[storage] kind is {self.kind!r}; expected 'ram'")


@dataclass(frozen=True)
class Energy:
    """What the running core takes, for estimates: volts, and microamperes for each MHz."""

    supply_v: float
    active_ua_per_mhz: float

    def joules(self, cycles: float) -> float:
        """The energy of `cycles` cycles of the core: charge per cycle times voltage."""
        return cycles * self.active_ua_per_mhz * 1e-12 * self.supply_v


@dataclass(frozen=True)
class Board:
    """A board, as board.toml and the files beside it say.

    Attributes:
        core: a key of the toolchains' table of cores, such as "cortex-m4".
        fpu: whether the core has a floating-point unit (the firmware never uses it).
        unaligned_access: whether a word may be read at any address.
        sources: for each number, where it was read: key → address of a page.
        flash: how firmware gets onto it; None for a board that is only emulated.
        energy: for estimates; None: none is made.
        storage: where tables that come over the link are kept; None: it takes none.
    """

    folder: Path
    id: str
    name: str
    core: str
    fpu: bool
    unaligned_access: bool
    clock_hz: int
    memory: Memory
    uart: Uart
    counter: Counter
    emulator: Emulation
    sources: dict[str, str]
    flash: FlashSection | None = None
    energy: Energy | None = None
    storage: Storage | None = None

    @property
    def linker_script(self) -> Path:
        """The script of the final link; it includes memory.ld, which is made from `memory`.

        It is the board's own link.ld if there is one, else its family's.
        """
        own = self.folder / "link.ld"
        return own if own.is_file() else SUPPORT / f"{self.family}.ld"

    @property
    def family(self) -> str:
        """The architecture, which says how the core starts: the letters that begin `core`."""
        return "".join(itertools.takewhile(str.isalpha, self.core))

    @property
    def has_constants_in_ram(self) -> bool:
        """Whether the core cannot read constants where the code lies."""
        return self.family == "avr"

    @property
    def own_sources(self) -> tuple[Path, ...]:
        """The C files in the board's folder, by name."""
        return tuple(sorted(self.folder.glob("*.c")))

    @property
    def c_sources(self) -> tuple[Path, ...]:
        """All C files that make board.h: the board's own and its family's, by name."""
        shared = [f"start_{self.family}", "board_init"]
        for kind, model in (("uart", self.uart.model), ("counter", self.counter.model)):
            shared += [f"{kind}_{model}"] if model != OWN else []
        return (*self.own_sources, *(SUPPORT / f"{name}.c" for name in shared))

    @property
    def defines(self) -> dict[str, str]:
        """The macros by which the drivers know the board's numbers."""
        numbers = {
            "FMQ_CLOCK_HZ": self.clock_hz,
            "FMQ_UART_ADDRESS": self.uart.address,
            "FMQ_UART_CLOCK_HZ": self.uart.clock_hz or self.clock_hz,
            "FMQ_UART_BAUD": self.uart.baud,
            "FMQ_COUNTER_ADDRESS": self.counter.address,
            "FMQ_SLOT_BYTES": self.storage.slot_size if self.storage else 0,
        }
        texts = {"FMQ_BOARD_ID": f'"{self.id}"'}
        return texts | {name: f"{value}ul" for name, value in numbers.items()}


def board_folders() -> dict[str, Path]:
    """Every board's folder by the board's id, the earlier search folder first."""
    roots = [Path(part) for part in os.environ.get("FMQ_BOARDS", "").split(os.pathsep) if part]
    found: dict[str, Path] = {}
    own = INSTALLED_BOARDS if INSTALLED_BOARDS.is_dir() else CHECKOUT_BOARDS
    for root in (*roots, own, *map(Path, plugins("boards").values())):
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
    _check_drivers(board, path)
    return board


def _check_drivers(board: Board, path: Path) -> None:
    """Refuse a driver that is not there."""
    for kind, model in (("uart", board.uart.model), ("counter", board.counter.model)):
        known = [found.stem.removeprefix(f"{kind}_") for found in SUPPORT.glob(f"{kind}_*.c")]
        if model not in (*known, OWN):
            raise InputError(f"{path}: {kind}: {unknown_name('model', model, [*known, OWN])}")


def _table(kind: type[Table], values: Mapping[str, Any], where: str, **given: Any) -> Table:
    """A dataclass from a TOML table, each key checked against the fields."""
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name not in given}
    for key in values:
        if key not in hints:
            raise InputError(f"{where}: {unknown_name('key', key, hints)}")
    required = {
        field.name
        for field in dataclasses.fields(kind)  # type: ignore[arg-type]
        if field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
        and field.name in hints
    }
    missing = sorted(required - set(values))
    if missing:
        raise InputError(f"{where} lacks {', '.join(missing)}")
    checked = {key: _value(hints[key], value, f"{where}: {key}") for key, value in values.items()}
    return kind(**given, **checked)


def _value(hint: Any, value: Any, where: str) -> Any:
    if isinstance(value, dict):
        for kind in (hint, *get_args(hint)):
            if dataclasses.is_dataclass(kind) and isinstance(kind, type):
                return _table(kind, value, where)
    plain = get_origin(hint) or hint
    options = get_args(hint) if plain in (Union, types.UnionType) else (plain,)
    allowed = tuple(get_origin(option) or option for option in options)
    # A bool is an int to isinstance, and "flash_size = true" is a mistake.
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        names = " or ".join(kind.__name__ for kind in allowed if kind is not type(None))
        raise InputError(f"{where} is {value!r}; expected {names}")
    if isinstance(value, int) and value < 0:
        raise InputError(f"{where} is {value}; expected a number that is not negative")
    return value
