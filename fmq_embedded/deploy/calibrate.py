"""Calibration of a deployment: run data through its head, choose the quantizers by its tail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from fmq_embedded.calibration import (
    CalibrationReport,
)
from fmq_embedded.calibration.collected import JUDGED_INPUTS
from fmq_embedded.data.data_set import DataSet, GivenInputs
from fmq_embedded.deploy.calibrate_dense import (
    device_search,
)
from fmq_embedded.deploy.coding_choice import CodingReport, chosen_coding
from fmq_embedded.deploy.coding_ways import CodingWays, Step
from fmq_embedded.deploy.collecting import Progress, collect, forget
from fmq_embedded.deploy.conformance import case_files
from fmq_embedded.deploy.dense_report import DenseReport
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import HEAD, TAIL, load, save
from fmq_embedded.deploy.dynamic_partition import check_dynamic, with_dynamic_classes
from fmq_embedded.deploy.grafted_files import grafted_files
from fmq_embedded.deploy.judging import Judge
from fmq_embedded.errors import InputError, MismatchError
from fmq_embedded.runtimes import open_model
from fmq_embedded.settings import Profile
from fmq_embedded.workers import Workers

DEFAULT_TAIL_SQNR = 30.0
DEFAULT_AGREE = 0.99
DEFAULT_BIT_DEPTHS = (3, 4, 5, 6, 7, 8)
CHOSEN = "auto"
"""The rate-distortion search that stands for all that are there."""

Array = npt.NDArray[Any]


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
            zone, steps or factors by the importance of channels, their means, and where the result
            tells of places a region of interest are tried as well.
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
    ways = CodingWays(
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
