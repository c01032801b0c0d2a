"""Rate against quality: of each tensor alone, and of all together against the tail's result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.profiling.rate_codec import real_values
from firmware_tools.profiling.rate_curve import RatePoint, frontier, signal_to_noise
from firmware_tools.report.coders import Coded, available_coders, peer_coders
from firmware_tools.report.tensor_facts import TensorFacts, worst_ratio
from fmq_embedded.deploy.deployment_files import TAIL
from fmq_embedded.runtimes import open_model


@dataclass(frozen=True)
class Curves:
    """The rates of several coders at the same qualities.

    Attributes:
        series: the points of each coder by its name, the coarsest first.
        chosen: what the deployment has.
    """

    series: Mapping[str, tuple[RatePoint, ...]]
    chosen: RatePoint


@dataclass(frozen=True)
class RateCurves:
    """Of each tensor by its name against its own quality, and of all against the tail's."""

    tensors: Mapping[str, Curves]
    result: Curves


def rate_curves(
    facts: Sequence[TensorFacts], folder: Path, stream_bytes: int, *, peers: bool = False
) -> RateCurves:
    """Code the worked case by every coder at each of its qualities, and run the tail on it.

    Args:
        facts: of every tensor of the deployment.
        folder: the deployment's, for its tail.
        stream_bytes: of the whole bitstream that the deployment makes of the case.
        peers: also let those codecs of pictures and of networks code it that are installed.
    """
    tail = open_model(folder / TAIL)
    exact = tail.run({one.plan.name: one.samples for one in facts})
    elements = sum(one.samples.size for one in facts)
    tensors: dict[str, dict[str, tuple[RatePoint, ...]]] = {one.plan.name: {} for one in facts}
    whole: dict[str, tuple[RatePoint, ...]] = {}
    series = available_coders() | (peer_coders() if peers else {})
    for name, coders in series.items():
        coded = [[coder(one) for one in facts] for coder in coders]
        for place, one in enumerate(facts):
            tensors[one.plan.name][name] = _best(_point(one, row[place]) for row in coded)
        results = [
            tail.run({one.plan.name: each.samples for one, each in zip(facts, row, strict=True)})
            for row in coded
        ]
        whole[name] = _best(
            RatePoint(8 * sum(each.size for each in row) / elements, worst_ratio(exact, result))
            for row, result in zip(coded, results, strict=True)
        )
    chosen = worst_ratio(exact, tail.run({one.plan.name: one.decoded for one in facts}))
    return RateCurves(
        {
            one.plan.name: Curves(tensors[one.plan.name], RatePoint(one.bits_per_element, one.sqnr))
            for one in facts
        },
        Curves(whole, RatePoint(8 * stream_bytes / elements, chosen)),
    )


def _best(points: Iterable[RatePoint]) -> tuple[RatePoint, ...]:
    """Those that no other beats in both, the coarsest first."""
    return tuple(reversed(frontier(points)))


def _point(one: TensorFacts, coded: Coded) -> RatePoint:
    back = real_values(one.plan.item(coded.samples))
    return RatePoint(8 * coded.size / one.samples.size, signal_to_noise(one.values, back))
