"""What a part of the proof found, as data: a section of its page, and the rows in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from firmware_tools.conformance.case_files import KeptCase
from firmware_tools.conformance.cases import kit_cases
from firmware_tools.conformance.kit import read_kit, write_kit

Step = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """One thing that was checked.

    Args:
        subject: what.
        inputs: how many inputs, cases, mistakes or functions were looked at.
        mismatches: how many of them do not hold.
        detail: the first of these in words, or what else a reviewer wants to know.
        absent: why it was not checked; empty where it was.
        notes: what is listed below the section's table, such as a bound for each function.
    """

    subject: str
    inputs: int = 0
    mismatches: int = 0
    detail: str = ""
    absent: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A part of the proof as it was run.

    Args:
        title, claim, unit, in_ci: as in `Part`.
        rows: what was found.
        seconds: that it took.
    """

    title: str
    claim: str
    unit: str
    in_ci: str
    rows: tuple[Row, ...]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module."""
        return asdict(self)

    @property
    def inputs(self) -> int:
        """How many things were checked."""
        return sum(row.inputs for row in self.rows)

    @property
    def mismatches(self) -> int:
        """How many of them do not hold."""
        return sum(row.mismatches for row in self.rows)


class Kits:
    """The conformance kits that parts share, each written when it is first wanted.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def whole_folder(self) -> Path:
        """The whole kit."""
        write_kit(kit_cases(), self._folder / "whole")
        return self._folder / "whole"

    @cached_property
    def whole(self) -> list[KeptCase]:
        """Its cases."""
        return read_kit(self.whole_folder)

    @cached_property
    def compact_folder(self) -> Path:
        """The compact kit."""
        write_kit(kit_cases(compact=True), self._folder / "compact")
        return self._folder / "compact"

    @cached_property
    def compact(self) -> list[KeptCase]:
        """Its cases."""
        return read_kit(self.compact_folder)


@dataclass(frozen=True)
class Part:
    """A part as data.

    Args:
        title, claim: of its section; the claim is a sentence.
        unit: what is counted.
        rows: makes its rows, one after the other.
        in_ci: what of it `.ci/run` does at every change, as a sentence.
    """

    title: str
    claim: str
    unit: str
    rows: Callable[[Kits, Step], Iterator[Row]]
    in_ci: str
