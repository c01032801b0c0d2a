"""What a deployment costs on a board: each stage, flash, RAM, stack, bytes sent, energy."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from firmware_tools.boards import Board, Counter
from firmware_tools.link.descriptions import Counters
from firmware_tools.profiling.partition_sizes import PartitionSize
from firmware_tools.toolchains.toolchain import Build

MISSING = "–"
EMULATED, HARDWARE = "instructions", "cycles"


@dataclass(frozen=True)
class Stage:
    """One stage's cost over all its calls; `instructions` is without the timing's own.

    Attributes:
        instructions: the median of `runs`; on hardware, cycles of the core.
        elements: that went through the stage in a run.
        runs: each run's.
        is_counted: false where the board's counter does not count: then there is no figure.
    """

    name: str
    instructions: int
    elements: int
    runs: tuple[int, ...] = ()
    is_counted: bool = True

    @property
    def per_element(self) -> float:
        """Instructions per element; 0 if the stage saw none."""
        return self.instructions / self.elements if self.elements else 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain data; null where the counter does not count."""
        runs = self.runs or (self.instructions,)
        found: dict[str, Any] = {"name": self.name, "elements": self.elements}
        figures: dict[str, Any] = {
            "instructions": self.instructions,
            "per_element": self.per_element,
            "minimum": min(runs),
            "median": self.instructions,
            "maximum": max(runs),
        }
        return found | (figures if self.is_counted else dict.fromkeys(figures))

    def cells(self) -> tuple[str, ...]:
        """The row of the table: name, minimum, median, maximum, elements, per element."""
        if not self.is_counted:
            return (self.name, MISSING, MISSING, MISSING, f"{self.elements:,}", MISSING)
        runs = self.runs or (self.instructions,)
        counts = [f"{count:,}" for count in (min(runs), self.instructions, max(runs))]
        return (self.name, *counts, f"{self.elements:,}", f"{self.per_element:.2f}")


@dataclass(frozen=True)
class Provenance:
    """Where a profile's figures come from: with the same of these they come again.

    Attributes:
        version: of this package.
        compiler_flags: as they were given, without folders.
        firmware_sha256: of the image in flash.
        tables_crc32: of the deployment's tables.
        input_crc32: of the maps' samples, in the order of the tensors.
        output_crc32: of the bitstream that the board sent.
        measured_with: the emulator, or the port of a real board.
    """

    version: str
    compiler_flags: str
    firmware_sha256: str
    tables_crc32: str
    input_crc32: str
    output_crc32: str
    measured_with: str


@dataclass(frozen=True)
class Profile:
    """The cost of a deployment on a board.

    Attributes:
        core: such as "cortex-m4".
        toolchain: name and version of what built the firmware.
        stages: those that ran.
        flash_bytes: code, constants and the first values of variables.
        ram_bytes: variables, without the stack.
        stack_bytes: the stack's high-water mark if it was measured, else what is kept for it.
        unit: "instructions" where an emulator counted, "cycles" of real hardware.
        sent_bytes: of the bitstream; None where none was made.
        tables_bytes: of the deployment's tables in flash.
        partition_code_bytes: of the library's code for partitions; 0 where no tensor has one.
        partitions: what the tensors of each mode take; empty where no tensor has a partition.
        joules: an estimate, by the board's data, of quantizing and encoding once; under an
            emulator at one cycle an instruction. None where the board's data do not allow it.
    """

    board: str
    core: str
    toolchain: str
    stages: tuple[Stage, ...]
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int
    unit: str = EMULATED
    sent_bytes: int | None = None
    joules: float | None = None
    provenance: Provenance | None = None
    tables_bytes: int | None = None
    partition_code_bytes: int = 0
    partitions: tuple[PartitionSize, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module."""
        values = dataclasses.asdict(self)
        values["stages"] = [stage.to_json() for stage in self.stages]
        values["joules_are"] = "an estimate" if self.joules is not None else None
        return values

    def table(self) -> str:
        """The profile as text, a line per stage, columns aligned."""
        header = ("stage", "minimum", self.unit, "maximum", "elements", "per element")
        rows = [header, *(stage.cells() for stage in self.stages)]
        lines = [f"{self.board} ({self.core}), {self.toolchain}", "", *aligned(rows), ""]
        sizes = (("flash", self.flash_bytes), ("RAM", self.ram_bytes), ("stack", self.stack_bytes))
        lines += [f"{what:<5} {size:>9,} bytes" for what, size in sizes]
        if self.sent_bytes is not None:
            lines.append(f"sent  {self.sent_bytes:>9,} bytes")
        lines += self._table_lines()
        if self.joules is not None:
            lines.append(f"energy of quantizing and encoding, an estimate: {_joules(self.joules)}")
        if self.provenance is not None:
            lines.append("")
            lines += [
                f"{name.replace('_', ' ')}: {value}"
                for name, value in dataclasses.asdict(self.provenance).items()
            ]
        return "\n".join(lines)

    def _table_lines(self) -> list[str]:
        if self.tables_bytes is None:
            return []
        lines = [f"of the flash {self.tables_bytes:,} bytes are tables"]
        if self.partitions:
            lines[0] += f" and {self.partition_code_bytes:,} bytes code for partitions"
            rows = [("partition", "tensors", "flash", "RAM")]
            rows += [
                (each.mode, f"{each.tensors}", f"{each.flash_bytes:,}", f"{each.ram_bytes:,}")
                for each in self.partitions
            ]
            lines += ["", *aligned(rows)]
        return lines


def profiles_table(profiles: Sequence[Profile]) -> str:
    """Several boards in one table: per element of each stage, and the sizes in bytes."""
    names = list(dict.fromkeys(stage.name for p in profiles for stage in p.stages))
    header = ("board", "core", *names, "flash", "RAM", "stack", "sent", "energy (estimate)")
    rows = [header]
    for profile in profiles:
        by_name = {stage.name: stage for stage in profile.stages if stage.is_counted}
        costs = [f"{by_name[n].per_element:.2f}" if n in by_name else MISSING for n in names]
        sizes = [profile.flash_bytes, profile.ram_bytes, profile.stack_bytes, profile.sent_bytes]
        bytes_ = [MISSING if size is None else f"{size:,}" for size in sizes]
        energy = MISSING if profile.joules is None else _joules(profile.joules)
        rows.append((profile.board, profile.core, *costs, *bytes_, energy))
    return "\n".join(aligned(rows, left=2))


def aligned(rows: Sequence[tuple[str, ...]], left: int = 1) -> list[str]:
    """Rows of cells as lines of one width: the first `left` columns to the left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            text.ljust(width) if column < left else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _joules(joules: float) -> str:
    for unit, scale in (("J", 1.0), ("mJ", 1e-3), ("µJ", 1e-6)):
        if joules >= scale:
            return f"{joules / scale:.3g} {unit}"
    return f"{joules / 1e-9:.3g} nJ"


def stages_from_counters(
    counters: Counters, counter: Counter, clock_hz: int | None = None
) -> tuple[Stage, ...]:
    """The stages that ran, in instructions.

    Args:
        counters: as the board reports them, in ticks.
        counter: the board's; it converts.
        clock_hz: of the core of a real board: the stages are then in its cycles.
    """

    counts = clock_hz is not None or counter.qemu_icount_shift is not None

    def cost(ticks: int) -> int:
        if clock_hz is None:
            return counter.instructions(ticks)
        return round(ticks * clock_hz / counter.hz)

    return tuple(
        Stage(
            stage.name,
            cost(max(0, stage.ticks - counters.overhead * stage.calls)),
            stage.elements,
            is_counted=counts and (stage.ticks != 0 or stage.elements == 0),
        )
        for stage in counters.stages
        if stage.calls
    )


def merged(runs: Sequence[tuple[Stage, ...]]) -> tuple[Stage, ...]:
    """The same stages of several runs as one: the median, and each run's."""
    found = []
    for same in zip(*runs, strict=True):
        counts = tuple(stage.instructions for stage in same)
        found.append(
            dataclasses.replace(
                same[0],
                instructions=int(statistics.median(counts)),
                runs=counts,
                is_counted=all(stage.is_counted for stage in same),
            )
        )
    return tuple(found)


def joules_of(board: Board, stages: Sequence[Stage]) -> float | None:
    """An estimate of what quantizing and encoding once takes; None without data or counts."""
    chosen = [stage for stage in stages if stage.name in ("quantize", "encode")]
    if board.energy is None or not chosen or not all(stage.is_counted for stage in chosen):
        return None
    return board.energy.joules(sum(stage.instructions for stage in chosen))


def profile_of(build: Build, stages: tuple[Stage, ...], stack_used: int | None = None) -> Profile:
    """The profile of a build whose stages were measured.

    Args:
        build: the firmware that ran.
        stages: as `stages_from_counters` gives them.
        stack_used: bytes, the high-water mark that the board reports.
    """
    return Profile(
        board=build.board.id,
        core=build.board.core,
        toolchain=f"{build.toolchain} {build.toolchain_version}",
        stages=stages,
        flash_bytes=build.flash_bytes,
        ram_bytes=build.ram_bytes,
        stack_bytes=build.stack_bytes if stack_used is None else stack_used,
        joules=joules_of(build.board, stages),
    )
