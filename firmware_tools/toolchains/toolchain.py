"""One way to build firmware, whichever compiler does it."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.boards import Board, Memory
from firmware_tools.profiling.elf_image import load_image
from firmware_tools.profiling.elf_sizes import ElfSizes, measure_sizes, size_table
from firmware_tools.toolchains.compile import DETERMINISTIC, WARNINGS, Compiler, compile_objects
from firmware_tools.toolchains.cores import Core, core
from fmq_embedded.errors import InputError, MissingToolError

OPTIMISATIONS = ("-O2", "-Os")

FREESTANDING = (
    "-ffreestanding",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-common",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fno-stack-protector",
)

# Bytes of memory that any program fits in, so that one that is too large can be measured.
ROOMY = 1 << 28

LINKING = ("-Wl,--gc-sections", "-Wl,--build-id=none")


@dataclass(frozen=True)
class Build:
    """Firmware that was built: its files, its sizes, and what built it.

    Attributes:
        elf: the program with its symbols.
        binary: the bytes of the flash from `Memory.flash_origin` on.
        map: text; every symbol by address, with its size and its source file.
        sizes: bytes per section, per source file and per symbol.
    """

    board: Board
    elf: Path
    binary: Path
    map: Path
    sizes: ElfSizes
    toolchain: str
    toolchain_version: str

    @property
    def flash_bytes(self) -> int:
        """Code, constants and the first values of variables."""
        return self.sizes.flash_bytes

    @property
    def ram_bytes(self) -> int:
        """Variables, without the stack."""
        return self.sizes.ram_bytes

    @property
    def stack_bytes(self) -> int:
        """What the linker script keeps for the stack."""
        return self.sizes.stack_bytes


class Toolchain(ABC):
    """A cross compiler with its linker."""

    name: str
    how_to_get: str

    @abstractmethod
    def installed(self) -> bool:
        """Whether the tool is there."""

    @abstractmethod
    def version(self) -> str:
        """The tool's version, as it says it."""

    @abstractmethod
    def compiler(self, core: Core) -> Compiler:
        """The compiler for a core."""

    @abstractmethod
    def link(self, compiler: Compiler, arguments: Sequence[str], folder: Path) -> None:
        """Link in `folder`, with the compiler's own integer helpers and no C library."""

    def build(
        self,
        board: Board,
        sources: Sequence[Path],
        include_dirs: Sequence[Path],
        defines: Mapping[str, str],
        out_dir: Path,
        *,
        optimise: str = "-O2",
    ) -> Build:
        """Build firmware for a board; the same inputs give the same bytes in any folder.

        Args:
            board: its own C files, its linker script and its memory take part.
            sources: the C files besides the board's; every warning is an error.
            include_dirs: folders searched for headers.
            defines: macros, name → value; FMQ_BOARD_ID, the board's id as a string, is added.
            out_dir: gets firmware.elf, firmware.bin and firmware.map; made if need be.
            optimise: "-O2" or "-Os".

        Raises:
            MissingToolError: the toolchain is not installed.
            InputError: a source does not compile, or the program does not fit the board.
        """
        if not self.installed():
            raise MissingToolError(f"{self.name} is not installed; get it: {self.how_to_get}")
        if optimise not in OPTIMISATIONS:
            raise InputError(f"optimise is {optimise!r}; expected one of {OPTIMISATIONS}")
        out_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out_dir) as name:
            folder = Path(name)
            base = self.compiler(core(board.core))
            flags = (*base.flags, optimise, *FREESTANDING, *WARNINGS, *DETERMINISTIC)
            compiler = Compiler(base.command, flags, base.environment)
            all_sources = [*board.c_sources, *sources]
            macros = {"FMQ_BOARD_ID": f'"{board.id}"', **defines}
            objects = compile_objects(compiler, all_sources, include_dirs, macros, folder)
            overflow = self._link(compiler, board, objects, folder)
            sizes = measure_sizes(folder / "firmware.elf", board.memory, objects)
            _check_fit(board, sizes)
            if overflow is not None:
                raise overflow
            image = load_image(folder / "firmware.elf").flash_bytes(board.memory.flash_origin)
            (folder / "firmware.bin").write_bytes(image)
            (folder / "firmware.map").write_text(size_table(sizes), encoding="utf-8")
            files = [_keep(folder / f"firmware.{end}", out_dir) for end in ("elf", "bin", "map")]
        return Build(board, files[0], files[1], files[2], sizes, self.name, self.version())

    def _link(
        self, compiler: Compiler, board: Board, objects: Sequence[Path], folder: Path
    ) -> InputError | None:
        """Link; a program that is too large is linked all the same, to be measured.

        Returns:
            None, or the linker's own error about the program's size.
        """
        shutil.copyfile(board.linker_script, folder / "link.ld")
        names = [path.name for path in objects]
        arguments = [*LINKING, "-Wl,-T,link.ld", *names, "-o", "firmware.elf"]
        # The board's script says INCLUDE memory.ld: the sizes stand in board.toml alone.
        script = folder / "memory.ld"
        script.write_text(memory_script(board.memory), encoding="ascii")
        try:
            self.link(compiler, arguments, folder)
        except InputError as error:
            if "overflowed" not in str(error):
                raise
            roomy = dataclasses.replace(board.memory, flash_size=ROOMY, ram_size=ROOMY)
            script.write_text(memory_script(roomy), encoding="ascii")
            self.link(compiler, arguments, folder)
            return error
        return None


def memory_script(memory: Memory) -> str:
    """The MEMORY command of a linker script for a board's memory: regions FLASH and RAM."""
    return (
        "MEMORY\n{\n"
        f"  FLASH (rx) : ORIGIN = {memory.flash_origin:#x}, LENGTH = {memory.flash_size:#x}\n"
        f"  RAM (rwx) : ORIGIN = {memory.ram_origin:#x}, LENGTH = {memory.ram_size:#x}\n"
        "}\n"
    )


def _check_fit(board: Board, sizes: ElfSizes) -> None:
    memory = board.memory
    for what, got, limit in (
        ("flash", sizes.flash_bytes, memory.flash_size),
        ("RAM (variables and stack)", sizes.ram_bytes + sizes.stack_bytes, memory.ram_size),
    ):
        if got > limit:
            largest = sorted(sizes.symbols, key=lambda symbol: -symbol.size)[:3]
            names = ", ".join(f"{symbol.name} {symbol.size}" for symbol in largest)
            raise InputError(
                f"the firmware needs {got} bytes of {what} and {board.id} has {limit}; "
                f"the largest symbols are {names}"
            )


def _keep(path: Path, folder: Path) -> Path:
    return path.replace(folder / path.name)
