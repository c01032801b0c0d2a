"""One way to build firmware, whichever compiler does it."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.boards import SUPPORT, Board, Memory
from firmware_tools.profiling.elf_image import load_image
from firmware_tools.profiling.elf_sizes import ElfSizes, measure_sizes, size_table
from firmware_tools.profiling.size_bars import check_fit
from firmware_tools.toolchains.compile import DETERMINISTIC, WARNINGS, Compiler, compile_objects
from firmware_tools.toolchains.cores import Core, core
from firmware_tools.toolchains.image_formats import intel_hex, uf2
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
        hex: the same bytes as `binary` in Intel's format, at their addresses.
        uf2: the same as UF2 blocks, for a board whose boot loader takes them.
        flags: of the compiler.
    """

    board: Board
    elf: Path
    binary: Path
    map: Path
    sizes: ElfSizes
    toolchain: str
    toolchain_version: str
    hex: Path
    uf2: Path | None
    flags: tuple[str, ...]

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
    def supports(self, core: Core) -> bool:
        """Whether the tool compiles for a core."""

    @abstractmethod
    def compiler(self, core: Core) -> Compiler:
        """The compiler for a core."""

    def keeping_in(self, compiler: Compiler, folder: Path) -> Compiler:
        """The compiler with what it keeps of a source in this folder; most keep nothing."""
        del folder
        return compiler

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
        library: Sequence[Path] = (),
        library_dirs: Sequence[Path] = (),
        private: bool = False,
    ) -> Build:
        """Build firmware for a board; the same inputs give the same bytes in any folder.

        Args:
            board: its own C files, its linker script and its memory take part.
            sources: the C files besides the board's; every warning is an error.
            include_dirs: folders searched for headers.
            defines: macros, name → value; the board's own are added.
            out_dir: gets firmware.elf, .bin, .hex, .map and, for boards that take it, .uf2; made if
                need be.
            optimise: "-O2" or "-Os".
            library, library_dirs: further C files that need none of the macros and only these
                folders of headers: a compiler that keeps objects need not compile them anew.
            private: let no compiler keep objects elsewhere than in out_dir.

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
            chosen = core(board.core)
            base = self.compiler(chosen)
            if private:
                base = self.keeping_in(base, folder)
            warnings = (*WARNINGS, *chosen.warnings)
            flags = (*base.flags, optimise, *FREESTANDING, *warnings, *DETERMINISTIC)
            compiler = dataclasses.replace(base, flags=flags)
            all_sources = [*board.c_sources, *sources]
            include_dirs = [*include_dirs, SUPPORT]
            macros = {**board.defines, **defines}
            objects = compile_objects(compiler, all_sources, include_dirs, macros, folder)
            if library:
                apart = folder / "library"
                apart.mkdir()
                objects += compile_objects(compiler, library, library_dirs, {}, apart)
            overflow = self._link(compiler, board, objects, folder)
            sizes = measure_sizes(folder / "firmware.elf", board.memory, objects)
            check_fit(board, sizes)
            if overflow is not None:
                raise overflow
            memory = board.memory
            image = load_image(folder / "firmware.elf").flash_bytes(memory.flash_origin)
            (folder / "firmware.bin").write_bytes(image)
            (folder / "firmware.hex").write_text(intel_hex(image, memory.flash_origin), "ascii")
            (folder / "firmware.map").write_text(size_table(sizes), encoding="utf-8")
            ends = ["elf", "bin", "map", "hex"]
            if board.flash is not None and board.flash.uf2 is not None:
                blocks = uf2(image, memory.flash_origin, board.flash.uf2.family_id)
                (folder / "firmware.uf2").write_bytes(blocks)
                ends.append("uf2")
            files = {end: _keep(folder / f"firmware.{end}", out_dir) for end in ends}
        return Build(
            board,
            files["elf"],
            files["bin"],
            files["map"],
            sizes,
            self.name,
            self.version(),
            files["hex"],
            files.get("uf2"),
            compiler.flags,
        )

    def _link(
        self, compiler: Compiler, board: Board, objects: Sequence[Path], folder: Path
    ) -> InputError | None:
        """Link; a program that is too large is linked all the same, to be measured.

        Returns:
            None, or the linker's own error about the program's size.
        """
        shutil.copyfile(board.linker_script, folder / "link.ld")
        names = [str(path.relative_to(folder)) for path in objects]
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
    """The MEMORY command of a linker script, with the regions FLASH and RAM, and STACK_SIZE."""
    return (
        f"STACK_SIZE = {memory.stack_size:#x};\n"
        "MEMORY\n{\n"
        f"  FLASH (rx) : ORIGIN = {memory.flash_origin:#x}, LENGTH = {memory.flash_size:#x}\n"
        f"  RAM (rwx) : ORIGIN = {memory.ram_origin:#x}, LENGTH = {memory.ram_size:#x}\n"
        "}\n"
    )


def _keep(path: Path, folder: Path) -> Path:
    return path.replace(folder / path.name)
