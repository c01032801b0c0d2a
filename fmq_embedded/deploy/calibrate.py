"""Calibration of a deployment: run data through its head, choose the quantizers by its tail."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.calibration import (
    CalibrationReport,
    TensorStatistics,
    choose_quantizers,
)
from fmq_embedded.calibration.collected import JUDGED_INPUTS
from fmq_embedded.calibration.importance import Change, measure_importance, step_exponents
from fmq_embedded.data.data_set import DataSet, GivenInputs
from fmq_embedded.dense import real_values
from fmq_embedded.dense.payload import Search
from fmq_embedded.deploy.calibrate_channels import TailSensitivity
from fmq_embedded.deploy.calibrate_dense import (
    densely,
    device_search,
    root_mean_square,
    weighted,
)
from fmq_embedded.deploy.calibrate_partition import partitioned
from fmq_embedded.deploy.calibrate_weighting import (
    REGION_ODDS,
    RegionFit,
    learned_regions,
    weighting_of,
)
from fmq_embedded.deploy.coding_choice import OWN_LEVELS, CodingReport, chosen_coding
from fmq_embedded.deploy.collecting import Progress, collect, forget
from fmq_embedded.deploy.conformance import case_files
from fmq_embedded.deploy.dense_report import DenseReport
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import HEAD, TAIL, load, save
from fmq_embedded.deploy.dynamic_partition import check_dynamic, with_dynamic_classes
from fmq_embedded.deploy.grafted_files import grafted_files
from fmq_embedded.deploy.judging import Judge
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.entropy import Geometry
from fmq_embedded.errors import InputError, MismatchError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.payloads import fitted_centre
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.runtimes import open_model
from fmq_embedded.settings import Profile
from fmq_embedded.workers import Workers

DEFAULT_TAIL_SQNR = 30.0
DEFAULT_AGREE = 0.99
DEFAULT_BIT_DEPTHS = (3, 4, 5, 6, 7, 8)
RANKED_INPUTS = 100
"""By which the importance of channels is measured."""
CHOSEN = "auto"
"""The rate-distortion search that stands for all that are there."""

Array = npt.NDArray[Any]
Step = Callable[[str], None]


def calibrate(
    folder: Path,
    inputs: DataSet | GivenInputs | Iterable[Array],
    *,
    tail_sqnr: float = DEFAULT_TAIL_SQNR,
    bit_depths: Sequence[int] = DEFAULT_BIT_DEPTHS,
    partition: str = "none",
    importance: bool = False,
    classes: int | None = None,
    dynamic: bool = False,
    agree_headers: bool = False,
    profile: Profile = "standard",
    rate_distortion: str = "quick",
    target_sqnr: float | None = None,
    result: str | None = None,
    agree: float = DEFAULT_AGREE,
    workers: Workers | None = None,
    step: Step = lambda name: None,
    progress: Progress = lambda done, total: None,
) -> tuple[Deployment, CalibrationReport | DenseReport | CodingReport]:
    """Choose a quantizer, or classes of them, for each tensor and write them into its folder.

    Each tensor gets the quantizer with the fewest estimated bits with which the tail's outputs
    keep their signal-to-quantization-noise ratio, 10·log10(Σo² / Σ(o − ô)²), over the 24 inputs
    whose contents have the smallest hashes; the worst output counts. The order of the inputs does
    not matter, nor who runs them.

    With the profile "dense" and no partition there are no quantizers: each tensor gets the step of
    its own levels, the coarsest with which the same holds; or `target_sqnr`; or, where there is
    one bit depth alone, that of 2^bit_depth levels over its range.

    Args:
        folder: of the deployment.
        inputs: a data set, or arrays as the head takes them.
        tail_sqnr: in dB.
        bit_depths: those to try.
        partition: "none", "channel", "region", "block" or "auto": static classes, where the
            judged maps then take fewer bytes at that ratio.
        importance: measure what each channel or region matters to the tail, and give steps by
            it; with the partition "none": by channel.
        classes: the most classes of a tensor; None for as many as pay.
        dynamic: let the encoder find the class of each channel or region in each map, by what
            those of the judged maps are like.
        agree_headers: leave the tensors' headers, class maps included, out of the bitstreams: both
            ends hold the deployment, and the stream has their checksum.
        profile: what levels are coded with: "standard", "fast" or "dense".
        rate_distortion: how a device decides about dense levels of its own: "quick", the mode with
            the least coefficients; "plain", modes by their costs; "rdo", levels by them too;
            "auto": whichever takes the fewest bits with which the criterion holds; a wider dead
            zone, and quantizers' steps by the importance of channels, are tried as well.
        target_sqnr: of each map that is coded densely, in dB, instead of the tail's.
        result: what has to stay in place of the tail's ratio, a key of
            `calibration.results.RESULTS`: "class" or "faces". It is judged by up to 240 inputs,
            those left out that are near ties.
        agree: for what share of these inputs it has to stay.
        workers: who runs the head; by default this process.
        step: called with the name of each step.
        progress: called with the number of inputs that the head has run, and of all.

    Raises:
        InputError: no inputs, or inputs that the head does not take; a partition that is not
            one of these, importance with blocks, or dynamic classes of blocks or by importance.
        MismatchError: not even the most accurate candidates keep that ratio, or dynamic classes
            do not.
    """
    deployment = load(folder)
    is_own = profile == "dense" and partition == "none" and not importance
    if rate_distortion != CHOSEN:
        device_search(rate_distortion)
    if target_sqnr is not None and not is_own:
        raise InputError(
            "a target_sqnr belongs to the profile dense without a partition: leave it out, or give "
            "tail_sqnr"
        )
    if dynamic:
        check_dynamic(partition, importance=importance)
        if agree_headers:
            raise InputError(
                "classes found in each map stand in its header: leave agree_headers or dynamic out"
            )
    head, tail = open_model(folder / HEAD), open_model(folder / TAIL)
    data = inputs if isinstance(inputs, DataSet | GivenInputs) else GivenInputs(tuple(inputs))
    step("running the head on the calibration inputs")
    collected = collect(folder, data, workers, progress)
    places = list(collected.judges.values())[: JUDGED_INPUTS if result is None else None]
    maps = [head.run(*data.read(place, place + 1)) for place in places]
    judge = (
        Judge.by_ratio(tail, maps, tail_sqnr)
        if result is None
        else Judge.by_result(tail, maps, result, agree)
    )
    ways = _Ways(
        deployment,
        collected.statistics,
        judge,
        bit_depths,
        classes,
        agree_headers,
        profile,
        target_sqnr,
        step,
    )
    report: CalibrationReport | DenseReport | CodingReport
    if is_own and rate_distortion == CHOSEN:
        deployment, report = chosen_coding(ways.dense(), judge)
    elif is_own:
        deployment, report = ways.own_levels(device_search(rate_distortion))
    elif partition != "none" or importance:
        deployment, report = ways.classes_of(partition, importance)
    else:
        deployment, report = ways.quantizers()
    if dynamic:
        deployment = with_dynamic_classes(deployment, judge.judged)
        if judge.change(deployment) > judge.limit:
            raise MismatchError(
                f"with classes found in each map the tail does not keep what was asked for: "
                f"{judge.evidence(deployment)}; leave --dynamic out"
            )
    return _saved(deployment, folder, data, judge.judged[0]), report


@dataclass(frozen=True)
class _Ways:
    """Ways of coding a deployment, each as coarse as the judge allows; see `calibrate`."""

    deployment: Deployment
    statistics: Mapping[str, TensorStatistics]
    judge: Judge
    bit_depths: Sequence[int]
    class_count: int | None
    headers_agreed: bool
    profile: Profile
    target_sqnr: float | None
    step: Step

    def quantizers(self) -> tuple[Deployment, CalibrationReport]:
        """One for each tensor."""
        self.step("choosing quantizers by the tail's outputs")
        report = choose_quantizers(
            self.statistics,
            self.bit_depths,
            self.judge.limit,
            lambda found: self.judge.change(_with_quantizers(self.deployment, found)),
            clip=False,
        )
        why = {choice.tensor: str(choice.chosen) for choice in report.choices}
        centres = _centres(self.deployment, report.quantizers, self.judge.judged)
        made = self.deployment.with_quantizers(
            report.quantizers,
            centres,
            why,
            headers_agreed=self.headers_agreed,
            profile=self.profile,
        )
        return made, report

    def classes_of(self, kind: str, importance: bool) -> tuple[Deployment, CalibrationReport]:
        """Classes of quantizers, where they pay."""
        made, report = self.quantizers()
        self.step("choosing classes by the tail's outputs")
        made, partitioning = partitioned(
            made,
            self.statistics,
            self.judge.judged,
            self.judge.tail.run,
            self.judge.change,
            kind=kind,
            importance=importance,
            class_count=self.class_count,
            limit=self.judge.limit,
            moved=self._moved,
        )
        return made, replace(report, partitioning=partitioning)

    def own_levels(
        self, search: Search, like: Deployment | None = None
    ) -> tuple[Deployment, DenseReport]:
        """Those that the dense coder makes; channel transforms like those of another deployment."""
        self.step("choosing dense steps by the tail's outputs")
        return densely(
            self.deployment,
            self.statistics,
            TailSensitivity(self.judge.tail.run, self.judge.judged, self._moved),
            self.judge.change,
            limit=self.judge.limit,
            search=search,
            like=like,
            target_sqnr=self.target_sqnr,
            bit_depth=self._only_depth,
            headers_agreed=self.headers_agreed,
        )

    def dense(self) -> dict[str, Callable[[], tuple[Deployment, object]]]:
        """All that the dense coder has; levels of quantizers where the tail decides.

        Channel transforms are tried with the first search and serve the others too.
        """
        first: list[Deployment] = []

        def own(search: Search) -> tuple[Deployment, DenseReport]:
            made = self.own_levels(search, *first)
            first[:] = first or made[:1]
            return made

        ways: dict[str, Callable[[], tuple[Deployment, object]]] = {
            name: functools.partial(own, search) for name, search in OWN_LEVELS.items()
        }
        if self.target_sqnr is None and self._only_depth is None:
            ways["steps by importance"] = functools.partial(self.classes_of, "channel", True)
            ways |= self._weightings()
        return ways

    def _weightings(self) -> dict[str, Callable[[], tuple[Deployment, object]]]:
        """Factors of channels; with a region of interest where the result tells of places."""
        ways: dict[str, Callable[[], tuple[Deployment, object]]] = {
            "factors by importance": functools.partial(self._weighted, None)
        }
        if self.judge.result is not None and self.judge.result.found is not None:
            ways |= {
                f"region of interest, odds {odds:g}": functools.partial(self._weighted, odds)
                for odds in REGION_ODDS
            }
        return ways

    def _weighted(self, odds: float | None) -> tuple[Deployment, DenseReport]:
        self.step("choosing steps of weighted channels by the tail's outputs")
        exponents, fits = self._importance, {} if odds is None else self._regions
        return weighted(
            self.deployment,
            self.statistics,
            self.judge.judged,
            self.judge.change,
            lambda plan, exponent: weighting_of(
                exponents[plan.name], fits.get(plan.name), odds or 1.0, math.ldexp(1.0, exponent)
            ),
            limit=self.judge.limit,
            headers_agreed=self.headers_agreed,
        )

    @functools.cached_property
    def _importance(self) -> dict[str, npt.NDArray[np.int64]]:
        """The exponents of each tensor's steps."""
        self.step("measuring the importance of channels")
        judged = self.judge.judged[:RANKED_INPUTS]
        plans = self.deployment.tensors
        maps = [{plan.name: plan.item(one[plan.name]) for plan in plans} for one in judged]
        noise = {
            plan.name: plan.scale * root_mean_square(plan, self.judge.judged) for plan in plans
        }
        result = self.judge.result
        measured = measure_importance(
            self.judge.tail.run, maps, noise, change=result.change if result else None
        )
        return step_exponents(list(measured.values()))

    @functools.cached_property
    def _regions(self) -> dict[str, RegionFit]:
        assert self.judge.result is not None and self.judge.result.found is not None
        self.step("learning the region of interest")
        maps = {}
        for plan in self.deployment.tensors:
            g = Geometry.of(plan.shape)
            maps[plan.name] = [
                real_values(plan.item(one[plan.name])).reshape(g.rows, g.columns, g.channels)
                for one in self.judge.judged
            ]
        return learned_regions(maps, self.judge.references, self.judge.result.found)

    @property
    def _moved(self) -> Change | None:
        """How far outputs move the result that has to stay."""
        return self.judge.result.change if self.judge.result else None

    @property
    def _only_depth(self) -> int | None:
        return self.bit_depths[0] if len(self.bit_depths) == 1 else None


def _saved(
    deployment: Deployment, folder: Path, data: DataSet | GivenInputs, case: Mapping[str, Array]
) -> Deployment:
    """The calibrated deployment, written into its folder with a worked case."""
    if isinstance(data, DataSet):
        deployment = replace(deployment, input=data.description)
    others = case_files(deployment, case)
    if deployment.lowering is not None:
        others |= grafted_files(deployment, folder, deployment.lowering)
    save(deployment, folder, others)
    forget(folder)
    return deployment


def _feature_map(plan: TensorPlan, maps: Mapping[str, Array]) -> FeatureMap:
    return FeatureMap(maps[plan.name], plan.scale, plan.zero_point, plan.name)


def _with_quantizers(deployment: Deployment, quantizers: Mapping[str, Quantizer]) -> Deployment:
    nothing = dict.fromkeys(quantizers, "")
    return deployment.with_quantizers(quantizers, dict.fromkeys(quantizers), nothing)


def _centres(
    deployment: Deployment,
    quantizers: Mapping[str, Quantizer],
    judged: Sequence[Mapping[str, Array]],
) -> dict[str, int | None]:
    centres = {}
    for plan in deployment.tensors:
        quantizer = quantizers[plan.name]
        levels = [quantizer.quantize(_feature_map(plan, maps)).reshape(-1) for maps in judged]
        counts = np.bincount(np.concatenate(levels), minlength=1 << quantizer.bit_depth)
        centres[plan.name] = fitted_centre(counts, quantizer)
    return centres
