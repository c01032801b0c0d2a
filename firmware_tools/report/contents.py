"""Everything that a report of a deployment says, gathered."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firmware_tools.boards import load_board
from firmware_tools.firmware import DEFAULT_BOARD, emulators_of
from firmware_tools.report.board_costs import BoardCost, board_costs
from firmware_tools.report.rate_curves import RateCurves, rate_curves
from firmware_tools.report.tensor_facts import TensorFacts, tensor_facts
from firmware_tools.verifying import check_targets, targets_of
from firmware_tools.verifying_rows import Check
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import load

NO_BOARDS = "none"
ALL_BOARDS = "all"
TARGETS_HERE = ("numba", "c")


@dataclass(frozen=True)
class Contents:
    """One deployment as the report shows it.

    Attributes:
        label: its name, unlike that of the other deployment beside it.
        stream_bytes: of the worked case.
        reasons: of each board that could not run it.
    """

    label: str
    deployment: Deployment
    facts: Sequence[TensorFacts]
    curves: RateCurves
    costs: Sequence[BoardCost]
    reasons: dict[str, str]
    checks: Sequence[Check]
    stream_bytes: int

    @property
    def raw_bytes(self) -> int:
        """Of the case's maps."""
        return sum(one.samples.nbytes for one in self.facts)

    @property
    def elements(self) -> int:
        """Of the case's maps."""
        return sum(one.samples.size for one in self.facts)

    @property
    def holds(self) -> bool:
        """Whether no check found a difference."""
        return not any(check.mismatches for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """The figures as plain data for the `json` module."""
        return {
            "deployment": self.label,
            "raw_bytes": self.raw_bytes,
            "stream_bytes": self.stream_bytes,
            "tail_sqnr": _finite(self.curves.result.chosen.ratio),
            "tensors": [
                {"name": one.plan.name, "bytes": one.coded_bytes, "sqnr": _finite(one.sqnr)}
                for one in self.facts
            ],
            "boards": [cost.profile.to_json() for cost in self.costs],
            "checks": [check.to_json() for check in self.checks],
        }


def boards_named(text: str) -> list[str]:
    """The boards of an option: "", "none", "all", or ids with commas between them.

    Returns:
        Ids; for "" the default board where an emulator for it is installed.

    Raises:
        InputError: no such board.
    """
    if text == NO_BOARDS:
        return []
    if text == ALL_BOARDS:
        return targets_of(["boards"])
    if not text:
        return [DEFAULT_BOARD] if emulators_of(load_board(DEFAULT_BOARD)) else []
    return [load_board(part.strip()).id for part in text.split(",") if part.strip()]


def gather(
    folders: Sequence[Path],
    board_ids: Sequence[str],
    step: Callable[[str], None],
    *,
    peers: bool = False,
) -> list[Contents]:
    """Run the worked case of one or two deployments through everything that the report shows.

    Args:
        folders: of calibrated deployments.
        board_ids: emulated boards to run them on.
        peers: see `rate_curves`.
        step: called with the name of each step: `STEPS_EACH` times for each deployment.

    Raises:
        InputError: a folder holds no calibrated deployment, or no emulator runs a board.
    """
    loaded = [load(folder) for folder in folders]
    names = [deployment.name for deployment in loaded]
    labels = [
        deployment.name
        if names.count(deployment.name) == 1
        else f"{deployment.name} in {folder.name}"
        for deployment, folder in zip(loaded, folders, strict=True)
    ]
    return [
        _contents(label, deployment, folder, board_ids, step, peers)
        for label, deployment, folder in zip(labels, loaded, folders, strict=True)
    ]


STEPS_EACH = 3
"""And one for each board."""


def _contents(
    label: str,
    deployment: Deployment,
    folder: Path,
    board_ids: Sequence[str],
    step: Callable[[str], None],
    peers: bool,
) -> Contents:
    step(f"{label}: coding the worked case")
    facts = tensor_facts(deployment, folder)
    maps = {one.plan.name: one.samples for one in facts}
    stream_bytes = len(deployment.encode(maps))
    step(f"{label}: rate against quality")
    curves = rate_curves(facts, folder, stream_bytes, peers=peers)
    costs, reasons = board_costs(deployment, maps, board_ids, step)
    step(f"{label}: bit-exactness")
    ran = [cost.profile.board for cost in costs]
    checks = check_targets(deployment, [*TARGETS_HERE, *ran])
    return Contents(label, deployment, facts, curves, costs, reasons, checks, stream_bytes)


def _finite(decibels: float) -> float | None:
    """For JSON, which has no infinity: None where nothing differs."""
    return decibels if math.isfinite(decibels) else None
