"""A measured figure, what it is measured beside, and what it may be at most."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One figure of a benchmark.

    Attributes:
        name: what was measured.
        value: in `unit`.
        unit: such as "ns/sample".
        peer: beside what; empty if there is none.
        peer_value: the peer's, in the same unit.
        ratio: ours over the peer's; of times, the median of the rounds' own ratios.
        limit: what the ratio, or without a peer the value, may be at most; None where the figure
            is for information.
    """

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    ratio: float | None = None
    limit: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the figure is within its limit."""
        measured = self.value if self.ratio is None else self.ratio
        return self.limit is None or measured <= self.limit

    def line(self, width: int = 0) -> str:
        """The figure as text, its name padded to `width`."""
        text = f"{self.name:<{width}}  {number(self.value):>9} {self.unit}"
        if self.ratio is not None and self.peer_value is not None:
            text += f", {self.peer} {number(self.peer_value)}: {self.ratio:.2f}×"
        if self.limit is not None:
            text += f" (at most {number(self.limit)}: {'holds' if self.holds else 'DOES NOT HOLD'})"
        return text

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module."""
        return {**asdict(self), "holds": self.holds}


def number(value: float) -> str:
    """Three significant digits, or all digits of a whole number."""
    if value == round(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".")
