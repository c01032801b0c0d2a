"""The charts: each draws what it is given into a matplotlib figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from firmware_tools.report.board_costs import BoardCost
from firmware_tools.report.coders import OURS
from firmware_tools.report.drawn import INK, SERIES, Draw
from firmware_tools.report.rate_curves import Curves
from firmware_tools.report.tensor_facts import Floats, TensorFacts
from fmq_embedded.quantizers.densities import Density, Gaussian, Laplace, OneSidedLaplace

BINS = 96
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))
TENSOR_QUALITY = "SQNR of the tensor"
RESULT_QUALITY = "SQNR of the tail's worst output"
SMALLEST_SHARE = 1e-6
"""Of the samples: where the histogram's logarithmic axis ends at the latest."""


def histogram_chart(facts: TensorFacts) -> Draw:
    """The share of the samples in each bin, what fitted distributions give, the thresholds."""
    values = facts.values.ravel()
    edges = _bin_edges(values)
    shares = np.histogram(values, edges)[0] / values.size

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        axes.stairs(shares, edges, fill=True, color=SERIES[0], alpha=0.35, label="samples")
        middles = (edges[1:] + edges[:-1]) / 2
        for index, (name, density) in enumerate(_fitted(facts)):
            style = {"color": SERIES[index + 1], "linestyle": DASHES[index + 1]}
            axes.plot(middles, _mass(density, edges), label=name, **style)
        lowest = max(SMALLEST_SHARE, 0.5 / values.size)
        axes.set_yscale("log")
        axes.set_ylim(lowest, 1.5)
        inside = facts.thresholds[(facts.thresholds > edges[0]) & (facts.thresholds < edges[-1])]
        if inside.size:
            axes.vlines(
                inside, 0, 0.06, INK, linewidth=0.8, transform=axes.get_xaxis_transform(),
                label=f"{facts.thresholds.size} decision thresholds",
            )  # fmt: skip
        axes.set_xlabel("sample")
        axes.set_ylabel("share of the samples")
        axes.legend()

    return draw


def rate_chart(curves: Curves, quality: str) -> Draw:
    """Bits per element against the quality of each coder, and the deployment's own point.

    Args:
        quality: what the decibels are of.
    """

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        for index, (name, points) in enumerate(curves.series.items()):
            shown = [point for point in points if math.isfinite(point.ratio)]
            axes.plot(
                [point.bits for point in shown],
                [point.ratio for point in shown],
                color=SERIES[index % len(SERIES)],
                linestyle=DASHES[(index + index // len(SERIES)) % len(DASHES)],
                marker=MARKERS[(index + index // len(SERIES)) % len(MARKERS)],
                markersize=3,
                linewidth=2.2 if name.startswith(OURS) else 1.1,
                label=name,
            )
        if math.isfinite(curves.chosen.ratio):
            axes.plot(
                [curves.chosen.bits], [curves.chosen.ratio], color=INK, marker="*",
                markersize=13, linestyle="none", label="this deployment",
            )  # fmt: skip
        axes.set_xlabel("bits per element")
        axes.set_ylabel(f"{quality}, dB")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))

    return draw


def cost_chart(costs: Sequence[BoardCost]) -> Draw:
    """Instructions per element of each stage on each board, as bars."""
    names = list(dict.fromkeys(stage.name for cost in costs for stage in cost.profile.stages))

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        left = np.zeros(len(costs))
        for index, name in enumerate(names):
            widths = np.array([_per_element(cost, name) for cost in costs])
            axes.barh(
                [cost.profile.board for cost in costs], widths, left=left, color=SERIES[index],
                label=name,
            )  # fmt: skip
            left += widths
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("instructions per element")
        axes.legend(ncols=len(names), loc="lower center", bbox_to_anchor=(0.5, 1))

    return draw


def _bin_edges(values: Floats) -> Floats:
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, BINS + 1)


def _fitted(facts: TensorFacts) -> list[tuple[str, Density]]:
    """Distributions with the samples' own parameters; none for a constant map."""
    known = facts.statistics.moments
    if not known.deviation:
        return []
    found: list[tuple[str, Density]] = [
        ("Gaussian", Gaussian(known.mean, known.deviation**2)),
        ("Laplace", Laplace(known.root_mean_square / math.sqrt(2))),
    ]
    if known.minimum >= 0 and known.zeros:
        spike = known.zeros / known.count
        scale = known.mean / (1 - spike)
        found.append(("zeros and one-sided Laplace", OneSidedLaplace(scale, spike)))
    return found


def _mass(density: Density, edges: Floats) -> Floats:
    """The density's mass in each bin, its spike at 0 included."""
    mass = np.diff(density.below(edges)[0])
    place = int(np.searchsorted(edges, 0.0, "right")) - 1
    if density.spike and 0 <= place < mass.size:
        mass[place] += density.spike
    return np.maximum(mass, 0.0)


def _per_element(cost: BoardCost, name: str) -> float:
    return sum(s.per_element for s in cost.profile.stages if s.name == name and s.is_counted)
