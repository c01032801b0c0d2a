"""Calibration of a deployment: run data through its head, choose the quantizers by its tail."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.calibration import CalibrationReport, choose_quantizers
from fmq_embedded.data.data_set import DataSet, GivenInputs
from fmq_embedded.deploy.calibrate_partition import partitioned
from fmq_embedded.deploy.collecting import Progress, collect, forget
from fmq_embedded.deploy.conformance import case_files
from fmq_embedded.deploy.deployment import HEAD, TAIL, Deployment, TensorPlan, load, save
from fmq_embedded.deploy.dynamic_partition import check_dynamic, with_dynamic_classes
from fmq_embedded.deploy.grafted_files import grafted_files
from fmq_embedded.errors import InputError, MismatchError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.payloads import fitted_centre
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.runtimes import open_model
from fmq_embedded.settings import Profile
from fmq_embedded.workers import Workers

DEFAULT_TAIL_SQNR = 30.0
DEFAULT_BIT_DEPTHS = (3, 4, 5, 6, 7, 8)

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
    workers: Workers | None = None,
    step: Step = lambda name: None,
    progress: Progress = lambda done, total: None,
) -> tuple[Deployment, CalibrationReport]:
    """Choose a quantizer, or classes of them, for each tensor and write them into its folder.

    Each tensor gets the quantizer with the fewest estimated bits with which the tail's outputs
    keep their signal-to-quantization-noise ratio, 10·log10(Σo² / Σ(o − ô)²), over the 24 inputs
    whose contents have the smallest hashes; the worst output counts. The order of the inputs does
    not matter, nor who runs them.

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
        profile: what levels are coded with: "standard" or "fast".
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
    statistics = collected.statistics
    judged = [head.run(*data.read(place, place + 1)) for place in collected.judges.values()]
    step("choosing quantizers by the tail's outputs")
    references = [tail.run(maps) for maps in judged]

    def change(planned: Deployment) -> float:
        noise, signal = dict.fromkeys(references[0], 0.0), dict.fromkeys(references[0], 0.0)
        for maps, reference in zip(judged, references, strict=True):
            outputs = tail.run(_through(planned, maps))
            for name, exact in reference.items():
                wide = exact.astype(np.float64)
                noise[name] += float(((wide - outputs[name]) ** 2).sum())
                signal[name] += float((wide**2).sum())
        return max(noise[name] / signal[name] if signal[name] else 0.0 for name in noise)

    limit = math.pow(10, -tail_sqnr / 10)
    report = choose_quantizers(
        statistics,
        bit_depths,
        limit,
        lambda quantizers: change(_with_quantizers(deployment, quantizers)),
        clip=False,
    )
    why = {choice.tensor: str(choice.chosen) for choice in report.choices}
    centres = _centres(deployment, report.quantizers, judged)
    deployment = deployment.with_quantizers(
        report.quantizers, centres, why, headers_agreed=agree_headers, profile=profile
    )
    if partition != "none" or importance:
        step("choosing classes by the tail's outputs")
        deployment, partitioning = partitioned(
            deployment,
            statistics,
            judged,
            tail.run,
            change,
            kind=partition,
            importance=importance,
            class_count=classes,
            limit=limit,
        )
        report = replace(report, partitioning=partitioning)
    if dynamic:
        deployment = with_dynamic_classes(deployment, judged)
        if (found_change := change(deployment)) > limit:
            raise MismatchError(
                f"with classes found in each map the tail's outputs are at "
                f"{-10 * math.log10(found_change):.1f} dB of the {tail_sqnr:g} dB asked for; "
                "leave --dynamic out"
            )
    if isinstance(data, DataSet):
        deployment = replace(deployment, input=data.description)
    others = case_files(deployment, judged[0])
    if deployment.lowering is not None:
        others |= grafted_files(deployment, folder, deployment.lowering)
    save(deployment, folder, others)
    forget(folder)
    return deployment, report


def _feature_map(plan: TensorPlan, maps: Mapping[str, Array]) -> FeatureMap:
    return FeatureMap(maps[plan.name], plan.scale, plan.zero_point, plan.name)


def _with_quantizers(deployment: Deployment, quantizers: Mapping[str, Quantizer]) -> Deployment:
    nothing = dict.fromkeys(quantizers, "")
    return deployment.with_quantizers(quantizers, dict.fromkeys(quantizers), nothing)


def _through(deployment: Deployment, maps: Mapping[str, Array]) -> dict[str, Array]:
    """The maps as the tail gets them, quantized as planned."""
    levels, decoded = deployment.quantize(maps), {}
    for plan in deployment.tensors:
        coder = plan.partition_of(plan.item(maps[plan.name])) or plan.chosen_quantizer
        decoded[plan.name] = coder.dequantize(
            levels[plan.name], np.dtype(plan.dtype), scale=plan.scale, zero_point=plan.zero_point
        )
    return decoded


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
