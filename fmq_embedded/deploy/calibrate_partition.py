"""The partitions of a deployment: classes fixed at calibration, so that a device needs tables only.

Each candidate is judged as it will run: all tensors quantized so, the tail run on what comes back,
the maps coded. It is taken if the tail's outputs keep their ratio and the streams are shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fmq_embedded.calibration import TensorStatistics
from fmq_embedded.calibration.importance import (
    Change,
    Importance,
    measure_importance,
    step_exponents,
)
from fmq_embedded.calibration.stepped_partition import SampleRange, stepped_partition
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.entropy import Geometry
from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.partition import Partition
from fmq_embedded.partition.choosing import choose_partition
from fmq_embedded.settings import PARTITIONS, Settings

STEPS_PER_OCTAVE = 8
"""How finely the common step is searched."""
CLASS_COUNTS = (2, 4, 8, None)
"""The most classes tried with steps by importance: each one costs header bytes."""
_FIRST_STEP, _LAST_STEP = -10 * STEPS_PER_OCTAVE, 2 * STEPS_PER_OCTAVE

Array = npt.NDArray[Any]
Maps = Mapping[str, Array]
TailChange = Callable[[Deployment], float]
Kind = Literal["channel", "region", "block"]


@dataclass(frozen=True)
class PartitionReport:
    """What partial quantization gave.

    Args:
        kind: the kind that was taken; "none" if none paid.
        coded_bytes: of the judged maps, by candidate; "none" among them, and only those that
            keep the tail's ratio.
        change: that the taken one gives.
        importances: of the tensors, by kind of part; empty if they were not measured.
    """

    kind: str
    coded_bytes: Mapping[str, int]
    change: float
    importances: Mapping[str, tuple[Importance, ...]]

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module; rankings have the most important part first."""
        return {
            "kind": self.kind,
            "coded_bytes": dict(self.coded_bytes),
            "change": self.change,
            "importance": [
                {
                    "tensor": one.tensor,
                    "part": one.part,
                    "ranking": one.ranking,
                    "sensitivity": one.sensitivity.tolist(),
                }
                for measured in self.importances.values()
                for one in measured
            ],
        }

    def __str__(self) -> str:
        whole = self.coded_bytes["none"]
        sizes = ", ".join(
            f"{name} {size:,} bytes ({size / whole - 1:+.1%})"
            for name, size in self.coded_bytes.items()
        )
        lines = [f"partition: {self.kind}; the maps judged take: {sizes}"]
        for measured in self.importances.values():
            lines += [one.report() for one in measured]
        return "\n".join(lines)


def partitioned(
    deployment: Deployment,
    statistics: Mapping[str, TensorStatistics],
    judged: Sequence[Maps],
    tail: Callable[[Maps], Maps],
    change: TailChange,
    *,
    kind: str,
    importance: bool,
    class_count: int | None,
    limit: float,
    moved: Change | None = None,
) -> tuple[Deployment, PartitionReport]:
    """The deployment with the partition that takes the fewest bytes within the limit.

    Args:
        deployment: calibrated with a quantizer for each tensor.
        statistics: of the tensors' samples.
        judged: the maps that it is judged by.
        tail: runs the tail.
        change: of the tail's outputs on those maps with such a deployment.
        kind: "none", "channel", "region", "block" or "auto".
        importance: give steps by the importance of channels or regions.
        class_count: the most classes of a tensor; None for as many as pay.
        limit: of the change.
        moved: how far outputs move the result, for importance; None: all outputs alike matter.

    Raises:
        InputError: another kind, or importance for blocks.
    """
    if kind not in PARTITIONS:
        raise unknown_name("partition", kind, PARTITIONS)
    if importance and kind == "block":
        raise InputError("importance is measured by channel or by region; got block")
    search = _Search(deployment, statistics, judged, change, limit)
    found = {"none": deployment}
    measured: dict[str, tuple[Importance, ...]] = {}
    for one in _kinds(kind, importance):
        if importance and one != "block":
            noise = {plan.name: _step(plan) for plan in deployment.tensors}
            items = [_items(deployment, maps) for maps in judged]
            ranks = measure_importance(tail, items, noise, part=one, change=moved)
            measured[one] = tuple(ranks.values())
            counts = CLASS_COUNTS if class_count is None else (class_count,)
            tried = [search.by_importance(measured[one], count) for count in counts]
        else:
            tried = [search.by_features(one, class_count)]
        candidates = [made for made in tried if made is not None]
        if candidates:
            found[one] = min(candidates, key=lambda made: _coded_bytes(made, judged))
    sizes = {name: _coded_bytes(made, judged) for name, made in found.items()}
    best = min(sizes, key=lambda name: sizes[name])
    return found[best], PartitionReport(best, sizes, change(found[best]), measured)


def _coded_bytes(deployment: Deployment, judged: Sequence[Maps]) -> int:
    return sum(len(deployment.encode(maps)) for maps in judged)


def _kinds(kind: str, importance: bool) -> Iterator[Any]:
    if kind == "auto":
        yield from ("channel", "region")
        if not importance:
            yield "block"
    elif kind != "none":
        yield kind
    elif importance:
        yield "channel"


@dataclass(frozen=True)
class _Search:
    """Finds the coarsest steps with which the tail keeps its ratio."""

    deployment: Deployment
    statistics: Mapping[str, TensorStatistics]
    judged: Sequence[Maps]
    change: TailChange
    limit: float

    def by_importance(
        self, ranks: Sequence[Importance], class_count: int | None
    ) -> Deployment | None:
        """All tensors share one step; that of each part differs from it by its importance."""
        exponents, kind = step_exponents(ranks), ranks[0].part
        unit = min(_step(plan) for plan in self.deployment.tensors)

        def made(factor: float) -> dict[str, Partition]:
            return {
                plan.name: stepped_partition(
                    kind,
                    plan.shape,
                    _range(self.statistics[plan.name]),
                    unit * factor,
                    exponents[plan.name],
                    class_count,
                )
                for plan in self.deployment.tensors
            }

        return self._coarsest(made, f"steps by the importance of each {kind}")

    def by_features(self, kind: Kind, class_count: int | None) -> Deployment | None:
        """Classes by what the judged maps are like, chosen at the steps of a single class."""
        settings = Settings(partition=kind, classes=class_count)
        whole = self._coarsest(self._single_classes, "")
        if whole is None:
            return None
        chosen = {}
        for plan in whole.tensors:
            samples = _seen_as_one([maps[plan.name] for maps in self.judged], kind)
            item = FeatureMap(samples, plan.scale, plan.zero_point, plan.name)
            found = choose_partition(item, plan.chosen_quantizer, settings, with_library=True)
            chosen[plan.name] = replace(found, shape=plan.shape) if found else plan.any_partition

        def made(factor: float) -> dict[str, Partition]:
            bases = {name: one.base for name, one in self._single_classes(factor).items()}
            return {name: replace(one, base=bases[name]) for name, one in chosen.items() if one}

        return self._coarsest(made, f"classes of {kind}s by their features")

    def _single_classes(self, factor: float) -> dict[str, Partition]:
        """One class for each tensor, its step in proportion to that of the quantizer chosen."""
        return {
            plan.name: stepped_partition(
                "channel",
                plan.shape,
                _range(self.statistics[plan.name]),
                _step(plan) * factor,
                np.zeros(Geometry.of(plan.shape).channels, np.int64),
            )
            for plan in self.deployment.tensors
        }

    def _coarsest(
        self, made: Callable[[float], dict[str, Partition]], why: str
    ) -> Deployment | None:
        """The change grows with the step, but for its rounding: halve towards the last that holds.

        None where no step holds. Steps so fine that no quantizer has them are passed over.
        """
        low, high, best = _FIRST_STEP, _LAST_STEP, None
        while low <= high:
            middle = (low + high) // 2
            try:
                trial = _with(self.deployment, made(2.0 ** (middle / STEPS_PER_OCTAVE)), why)
            except InputError:
                low = middle + 1
                continue
            if self.change(trial) <= self.limit:
                best, low = trial, middle + 1
            else:
                high = middle - 1
        return best


def _seen_as_one(arrays: Sequence[Array], kind: Kind) -> Array:
    """One array of all maps: batches for channels, more channels for regions, the first map of
    the middle energy for blocks, whose tree has the map's own sides."""
    if kind == "channel":
        return np.concatenate(arrays)
    if kind == "region":
        return np.concatenate(arrays, axis=-1)
    energy = [float((array.astype(np.float64) ** 2).sum()) for array in arrays]
    return arrays[int(np.argsort(energy, kind="stable")[len(arrays) // 2])]


def _with(deployment: Deployment, partitions: Mapping[str, Partition], why: str) -> Deployment:
    """The deployment with these partitions; the tensors without one stay as they are."""
    quantizers, centres, reasons = {}, {}, {}
    for plan in deployment.tensors:
        given = partitions.get(plan.name)
        quantizers[plan.name] = given.base if given else plan.chosen_quantizer
        centres[plan.name] = given.centre if given else plan.centre
        reasons[plan.name] = f"{why}, {len(given.classes)} classes" if given else plan.why
    return deployment.with_quantizers(quantizers, centres, reasons, partitions)


def _items(deployment: Deployment, maps: Maps) -> dict[str, FeatureMap]:
    return {plan.name: _item(plan, maps) for plan in deployment.tensors}


def _item(plan: TensorPlan, maps: Maps) -> FeatureMap:
    return FeatureMap(maps[plan.name], plan.scale, plan.zero_point, plan.name)


def _range(known: TensorStatistics) -> SampleRange:
    return SampleRange(known.moments.minimum, known.moments.maximum)


def _step(plan: TensorPlan) -> float:
    """The typical distance of the reconstruction values of the quantizer that was chosen."""
    quantizer = plan.chosen_quantizer
    values = quantizer.dequantize(np.arange(quantizer.maximum_level + 1)).astype(np.float64)
    return float(np.median(np.diff(values))) or 1.0
