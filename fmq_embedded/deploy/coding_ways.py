"""The ways of coding a deployment, each with steps as coarse as its judge allows."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.calibration import (
    CalibrationReport,
    TensorStatistics,
    choose_quantizers,
)
from fmq_embedded.calibration.importance import Change, measure_importance, step_exponents
from fmq_embedded.dense import real_values
from fmq_embedded.dense.encoder import PLAIN
from fmq_embedded.dense.search import Search
from fmq_embedded.dense.weighting import LARGEST_POOLED, Weighting, places_of_map
from fmq_embedded.deploy.calibrate_channels import TailSensitivity
from fmq_embedded.deploy.calibrate_dense import SPATIAL_PLAIN, densely, weighted
from fmq_embedded.deploy.calibrate_partition import partitioned
from fmq_embedded.deploy.calibrate_weighting import (
    REGION_ODDS,
    RegionFit,
    learned_regions,
    means_of,
    weighting_of,
)
from fmq_embedded.deploy.coding_choice import OWN_LEVELS
from fmq_embedded.deploy.dense_report import DenseReport
from fmq_embedded.deploy.dense_steps import root_mean_square
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.judging import Judge
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.entropy import Geometry
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.payloads import fitted_centre
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.settings import Profile

RANKED_INPUTS = 100
"""By which the importance of channels is measured."""

Array = npt.NDArray[Any]
Step = Callable[[str], None]


@dataclass(frozen=True)
class CodingWays:
    """What calibration knows, and the ways of coding that it can take; see `calibrate`."""

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
        """Means, factors of channels, a region of interest where the result tells of places."""
        ways: dict[str, Callable[[], tuple[Deployment, object]]] = {
            "factors by importance": functools.partial(self._weighted, None),
            "factors and transforms": functools.partial(self._weighted, None, PLAIN),
        }
        if all(places_of_map(plan.shape) <= LARGEST_POOLED for plan in self.deployment.tensors):
            ways["means of channels"] = self._pooled
        if self.judge.result is not None and self.judge.result.found is not None:
            ways |= {
                f"region of interest, odds {odds:g}": functools.partial(self._weighted, odds)
                for odds in REGION_ODDS
            }
        return ways

    def _pooled(self) -> tuple[Deployment, DenseReport]:
        return self._with_weightings(lambda plan, exponent: means_of(plan.shape), PLAIN)

    def _weighted(
        self, odds: float | None, search: Search = SPATIAL_PLAIN
    ) -> tuple[Deployment, DenseReport]:
        exponents, fits = self._importance, {} if odds is None else self._regions
        return self._with_weightings(
            lambda plan, exponent: weighting_of(
                exponents[plan.name], fits.get(plan.name), odds or 1.0, math.ldexp(1.0, exponent)
            ),
            search,
        )

    def _with_weightings(
        self, made: Callable[[TensorPlan, int], Weighting], search: Search
    ) -> tuple[Deployment, DenseReport]:
        self.step("choosing steps of weighted channels by the tail's outputs")
        return weighted(
            self.deployment,
            self.statistics,
            self.judge.judged,
            self.judge.change,
            made,
            limit=self.judge.limit,
            search=search,
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
            plan.name: plan.scale * (root_mean_square(plan, self.judge.judged) or 1.0)
            for plan in plans
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
