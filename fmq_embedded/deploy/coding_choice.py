"""Which dense coding a deployment takes: the fewest bits at the same result, tried by the tail.

A smaller error of the map is not a better result: rate-distortion optimised levels or a transform
can lead at equal error and lose at equal result. So each coding is brought to the coarsest steps
with which the criterion holds, and then the bits are compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from fmq_embedded.dense.encoder import PLAIN
from fmq_embedded.dense.search import Search
from fmq_embedded.deploy.calibrate_dense import DEVICE_SEARCHES
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.judging import Evidence, Judge
from fmq_embedded.errors import MismatchError

OWN_LEVELS: Final[Mapping[str, Search]] = {
    **DEVICE_SEARCHES,
    "dead zone": replace(PLAIN, rounding=108),
}
"""Ways of choosing modes and levels where the dense coder makes its own."""


@dataclass(frozen=True)
class CodingReport:
    """The codings that were tried.

    Args:
        chosen: the one with the fewest bits.
        tried: each one's evidence, at the coarsest steps with which the criterion holds.
        failed: those with which it does not hold at any, and why.
        details: the chosen one's own report.
    """

    chosen: str
    tried: Mapping[str, Evidence]
    failed: Mapping[str, str]
    details: object

    def __str__(self) -> str:
        lines = [f"coding: {self.chosen}"]
        lines += [f"  {name}: {evidence}" for name, evidence in self.tried.items()]
        lines += [f"  {name}: {why}" for name, why in self.failed.items()]
        return "\n".join([*lines, str(self.details)])

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module."""
        tried = {
            name: {
                key: value if value is None or math.isfinite(value) else None
                for key, value in asdict(evidence).items()
            }
            for name, evidence in self.tried.items()
        }
        return {"chosen": self.chosen, "tried": tried, "failed": dict(self.failed)}


def chosen_coding(
    made: Mapping[str, Callable[[], tuple[Deployment, object]]], judge: Judge
) -> tuple[Deployment, CodingReport]:
    """The deployment with the coding that takes the fewest bits; the first made of equals.

    Args:
        made: gives the deployment, and a report, for each coding's name.
        judge: by whose inputs they are compared.

    Raises:
        MismatchError: the criterion holds with none of them.
    """
    found: dict[str, tuple[Deployment, object]] = {}
    failed = {}
    for name, make in made.items():
        try:
            found[name] = make()
        except MismatchError as error:
            failed[name] = str(error)
    if not found:
        raise MismatchError("; ".join(f"{name}: {why}" for name, why in failed.items()))
    tried = {name: judge.evidence(deployment) for name, (deployment, _) in found.items()}
    best = min(tried, key=lambda name: tried[name].bits)
    deployment, details = found[best]
    return deployment, CodingReport(best, tried, failed, details)
