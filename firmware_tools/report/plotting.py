"""One chart of the report as a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.drawing import drawing_of, partitions_png
from firmware_tools.report import charts
from firmware_tools.report.board_costs import board_costs
from firmware_tools.report.contents import boards_named
from firmware_tools.report.drawn import Draw, png, svg
from firmware_tools.report.rate_curves import RateCurves, rate_curves
from firmware_tools.report.tensor_facts import TensorFacts, tensor_facts
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import load
from fmq_embedded.errors import InputError, unknown_name


@dataclass(frozen=True)
class _Wish:
    """What is to be drawn."""

    deployment: Deployment
    folder: Path
    facts: list[TensorFacts]
    tensor: str
    boards: str
    peers: bool

    @property
    def chosen(self) -> TensorFacts:
        names = [one.plan.name for one in self.facts]
        name = self.tensor or names[0]
        if name not in names:
            raise unknown_name("tensor of the deployment", name, names)
        return self.facts[names.index(name)]

    @property
    def curves(self) -> RateCurves:
        maps = {one.plan.name: one.samples for one in self.facts}
        size = len(self.deployment.encode(maps))
        return rate_curves(self.facts, self.folder, size, peers=self.peers)


def plotted(
    kind: str,
    folder: Path,
    suffix: str,
    *,
    tensor: str = "",
    boards: str = "",
    peers: bool = False,
) -> bytes:
    """The bytes of a chart.

    Args:
        kind: of `KINDS`, or "classes".
        folder: the deployment's.
        suffix: ".svg" or ".png".
        tensor: for charts of one tensor; "" for the first.
        boards: for costs: see `boards_named`.
        peers: for rates: see `rate_curves`.

    Raises:
        InputError: an unknown kind, tensor, board or suffix; a tensor without classes.
        MissingToolError: matplotlib or Pillow is not installed.
    """
    if kind not in (*KINDS, CLASSES):
        raise unknown_name("kind of plot", kind, [*KINDS, CLASSES])
    formats = (".png",) if kind == CLASSES else (".svg", ".png")
    if suffix not in formats:
        raise InputError(f"--out of {kind} ends in {' or '.join(formats)}; got {suffix!r}")
    deployment = load(folder)
    wish = _Wish(deployment, folder, tensor_facts(deployment, folder), tensor, boards, peers)
    if kind == CLASSES:
        return _classes(wish.chosen)
    draw = KINDS[kind](wish)
    return svg(draw).encode() if suffix == ".svg" else png(draw)


def _costs(wish: _Wish) -> Draw:
    maps = {one.plan.name: one.samples for one in wish.facts}
    names = boards_named(wish.boards)
    found, reasons = board_costs(wish.deployment, maps, names, lambda name: None)
    if not found:
        why = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise InputError(f"no board to draw: {why or 'name emulated ones with --boards'}")
    return charts.cost_chart(found)


def _classes(facts: TensorFacts) -> bytes:
    if facts.partition is None:
        raise InputError(
            f"tensor {facts.plan.name!r} has no classes: calibrate with --partition, or name "
            "another with --tensor"
        )
    return partitions_png([drawing_of(facts.plan.name, facts.values, facts.partition)])


CLASSES = "classes"
KINDS: dict[str, Callable[[_Wish], Draw]] = {
    "histogram": lambda wish: charts.histogram_chart(wish.chosen),
    "rate": lambda wish: charts.rate_chart(
        wish.curves.tensors[wish.chosen.plan.name], charts.TENSOR_QUALITY
    ),
    "result": lambda wish: charts.rate_chart(wish.curves.result, charts.RESULT_QUALITY),
    "costs": _costs,
}
