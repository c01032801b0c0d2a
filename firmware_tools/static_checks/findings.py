"""The result of a static check."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class StaticResult:
    """What a check of the C sources found.

    Args:
        check: its name, with its tool and version.
        looked_at: how many files, functions or symbols.
        findings: in words; none where it holds.
        notes: what else a reviewer wants to read, such as bounds.
        absent: why it could not be run; empty where it ran.
    """

    check: str
    looked_at: int = 0
    findings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    absent: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module."""
        return asdict(self)

    def line(self) -> str:
        """The result as text."""
        if self.absent:
            return f"{self.check}: not run: {self.absent}"
        return f"{self.check}: {self.looked_at:,} looked at, {len(self.findings)} findings"
