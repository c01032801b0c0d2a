"""What a deployment costs on a board: instructions per stage, flash, RAM and stack."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from firmware_tools.boards import Counter
from firmware_tools.link.descriptions import Counters
from firmware_tools.toolchains.toolchain import Build


@dataclass(frozen=True)
class Stage:
    """One stage's cost over all its calls; `instructions` is without the timing's own."""

    name: str
    instructions: int
    elements: int

    @property
    def per_element(self) -> float:
        """Instructions per element; 0 if the stage saw none."""
        return self.instructions / self.elements if self.elements else 0.0


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
    """

    board: str
    core: str
    toolchain: str
    stages: tuple[Stage, ...]
    flash_bytes: int
    ram_bytes: int
    stack_bytes: int

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module."""
        values = dataclasses.asdict(self)
        values["stages"] = [
            {
                "name": stage.name,
                "instructions": stage.instructions,
                "elements": stage.elements,
                "per_element": stage.per_element,
            }
            for stage in self.stages
        ]
        return values

    def table(self) -> str:
        """The profile as text, a line per stage, columns aligned."""
        lines = [f"{self.board} ({self.core}), {self.toolchain}", ""]
        header = ("stage", "instructions", "elements", "per element")
        rows = [
            (s.name, f"{s.instructions:,}", f"{s.elements:,}", f"{s.per_element:.2f}")
            for s in self.stages
        ]
        widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
        for name, *numbers in (header, *rows):
            cells = [text.rjust(width) for text, width in zip(numbers, widths[1:], strict=True)]
            lines.append("  ".join([name.ljust(widths[0]), *cells]))
        sizes = (("flash", self.flash_bytes), ("RAM", self.ram_bytes), ("stack", self.stack_bytes))
        lines += ["", *(f"{what:<5} {size:>9,} bytes" for what, size in sizes)]
        return "\n".join(lines)


def stages_from_counters(counters: Counters, counter: Counter) -> tuple[Stage, ...]:
    """The stages that ran, in instructions.

    Args:
        counters: as the board reports them, in ticks.
        counter: the board's; it converts.
    """
    return tuple(
        Stage(
            stage.name,
            counter.instructions(max(0, stage.ticks - counters.overhead * stage.calls)),
            stage.elements,
        )
        for stage in counters.stages
        if stage.calls
    )


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
    )
