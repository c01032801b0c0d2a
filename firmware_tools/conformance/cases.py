"""The cases of the kit: which quantizers, sample types, shapes, classes and levels there are.

A case is one tensor and one map of it. Each group below is a table of what varies; the compact kit
has fewer rows of each and fewer samples of a row, but every kind of thing that the full one has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from firmware_tools.conformance.dense_maps import dense_maps
from firmware_tools.conformance.level_maps import (
    KINDS,
    almost_constant,
    carry_levels,
    even_levels,
    levels_of,
)
from firmware_tools.conformance.telling_samples import Array, telling_samples, wide_samples
from firmware_tools.verifying_partitions import dynamic_map, partitioned_plans
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.partition import OWN, Step
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.samples import SampleType
from fmq_embedded.settings import Profile

PROFILES: tuple[Profile, ...] = ("standard", "fast", "dense")
"""Each case of levels is there in each of these; a new profile is a word here."""

COMPACT_SAMPLES, FULL_SAMPLES = 96, 4096

FLOAT32 = SampleType("float32")
INTEGERS = (
    SampleType("int8", 0.05, -128),
    SampleType("int8", 0.1, 3),
    SampleType("uint8", 0.02, 128),
    SampleType("int16", 0.001, 0),
    SampleType("int16", 1e-4, -300),
    SampleType("int8", 0.5, 0),
)


@dataclass(frozen=True)
class Case:
    """A tensor and one map of it.

    Args:
        name: a word of lower-case letters, digits, "-" and "_"; no two are alike in a kit.
        plan: the tensor; float32 where the samples are a wider or narrower floating-point type.
        samples: of the plan's shape.
        profile: one of `PROFILES`.
    """

    name: str
    plan: TensorPlan
    samples: Array
    profile: Profile = "standard"

    @property
    def deployment(self) -> Deployment:
        """The deployment of this tensor alone."""
        return deployment_of([self])


def deployment_of(cases: Sequence[Case]) -> Deployment:
    """One deployment of the tensors of cases that have one profile, in their order."""
    plans = tuple(case.plan for case in cases)
    return Deployment("conformance", "", "", plans, profile=cases[0].profile)


def kit_cases(*, compact: bool = False) -> list[Case]:
    """The cases of the kit, in their order."""
    return [case for group in GROUPS for case in group(compact)]


# ---- quantizers ----


def _float_quantizers(compact: bool) -> Iterator[tuple[str, Quantizer]]:
    """Every distribution, form, rounding and special parameter; all bit depths in the full kit."""
    for depth in (1, 2, 5, 8, 11) if compact else range(1, 17):
        yield f"uniform-{depth}", Quantizer.uniform(-1.5, 3.25, depth)
        if depth > 1:
            yield f"gaussian-{depth}", Quantizer.gaussian(0.3, 2.0, depth)
            yield f"laplace-{depth}", Quantizer.laplace(2.5, depth)
    yield "uniform-ties", Quantizer.uniform(0.0, 255.0, 8)
    yield "uniform-far", Quantizer.uniform(100.0, 101.0, 7, rounding_offset=0.25)
    yield "uniform-coarse", Quantizer.uniform(-1.0, 1.0, 8, step_size=1.7, rounding_offset=0.0)
    yield "uniform-past-offset", Quantizer.uniform(-2.0, 2.0, 6, rounding_offset=-3.5)
    yield "uniform-subnormal", Quantizer.uniform(0.0, 1e-41, 6)
    yield "uniform-largest", Quantizer.uniform(-3.4e38, 3.4e38, 6)
    yield "uniform-constant", Quantizer.uniform(2.0, 2.0, 4)
    yield "gaussian-literal", Quantizer.gaussian(-0.5, 0.25, 6, step_size=0.5)
    yield "gaussian-fitted", Quantizer.gaussian(-0.5, 0.0, 7, span=4.0, rounding_offset=0.3)
    yield "gaussian-centre", Quantizer.gaussian(0.3, 1.0, 6, span=4.0, rounding="centre")
    yield (
        "laplace-dead-zone",
        Quantizer.laplace(2.5, 8, rounding_offset=0.2, rounding="centre"),
    )
    yield (
        "laplace-wide-offset",
        Quantizer.laplace(2.5, 7, 1.5, rounding_offset=0.8, rounding="centre"),
    )
    yield "laplace-centre-ties", Quantizer.laplace(31.0, 6, rounding="centre")
    for depth in (1, 4) if compact else (1, 2, 3, 4, 6, 8):
        points = np.sort(np.random.default_rng(depth).normal(size=2 << depth)).astype(np.float32)
        limits, values = points[1:-1:2], points[::2]
        yield f"explicit-{depth}", Quantizer.explicit(limits.tolist(), values.tolist(), "laplace")


def _quantizer_cases(compact: bool) -> Iterator[Case]:
    most = COMPACT_SAMPLES if compact else FULL_SAMPLES
    for name, quantizer in _float_quantizers(compact):
        yield _sampled(f"float32-{name}", quantizer, FLOAT32, most)
    integer_quantizers = (
        ("uniform-8", Quantizer.uniform(0.0, 12.75, 8)),
        ("uniform-1", Quantizer.uniform(-1.0, 1.0, 1)),
        ("gaussian-4", Quantizer.gaussian(0.0, 1.1, 4, span=2.5)),
        ("gaussian-centre", Quantizer.gaussian(1.0, 0.0, 6, span=9.0, rounding="centre")),
        ("laplace-5", Quantizer.laplace(6.0, 5)),
        ("laplace-centre-ties", Quantizer.laplace(31.0, 6, rounding="centre")),
        ("laplace-10", Quantizer.laplace(2.0, 10, step_size=1.5, rounding_offset=0.25)),
        ("explicit", Quantizer.explicit([-1.5, -0.25, 0.75], [-2.0, -0.75, 0.0, 1.5])),
    )
    for index, samples in enumerate(INTEGERS):
        chosen = integer_quantizers[index % 2 :: 2] if compact else integer_quantizers
        for name, quantizer in chosen:
            yield _sampled(f"{samples.dtype}-{index}-{name}", quantizer, samples, most)


def _sampled(name: str, quantizer: Quantizer, samples: SampleType, most: int) -> Case:
    chosen = telling_samples(quantizer, samples, most)
    shape = (chosen.size // 4, 4)
    plan = TensorPlan(name, shape, samples.dtype, samples.scale, samples.zero_point, quantizer)
    return Case(name, plan, chosen.reshape(shape))


def _wide_cases(compact: bool) -> Iterator[Case]:
    """Floating-point samples that are not float32."""
    quantizers = (
        ("uniform", Quantizer.uniform(-1.5, 3.25, 8)),
        ("laplace", Quantizer.laplace(2.5, 6, rounding_offset=0.2, rounding="centre")),
    )
    for dtype in ("float16", "bfloat16", "float64"):
        for name, quantizer in quantizers:
            chosen = wide_samples(quantizer, dtype, COMPACT_SAMPLES if compact else FULL_SAMPLES)
            plan = TensorPlan(f"{dtype}-{name}", chosen.shape, "float32", quantizer=quantizer)
            yield Case(plan.name, plan, chosen)


# ---- levels ----

SHAPES: tuple[tuple[int, ...], ...] = (
    (1,),
    (37,),
    (41, 1),
    (1, 1, 23),
    (3, 1, 5),
    (5, 7, 3),
    (1, 4, 9),
    (2, 3, 4, 5),
)
DEPTHS = (1, 2, 3, 4, 6, 8, 9, 12)
WIDE_DEPTH = 16


def _level_cases(compact: bool) -> Iterator[Case]:
    """Levels of every kind, depth and shape, taken from every centre."""
    turns = max(len(KINDS), len(SHAPES), len(DEPTHS)) * (1 if compact else 4)
    for profile in PROFILES:
        for turn in range(turns):
            kind = KINDS[turn % len(KINDS)]
            depth = DEPTHS[5 * turn % len(DEPTHS)]
            shape = SHAPES[(3 * turn + turn // len(SHAPES)) % len(SHAPES)]
            largest = (1 << depth) - 1
            centre = (0, largest // 2, largest, min(3, largest))[turn % 4]
            levels = levels_of(kind, shape, depth, centre, seed=turn)
            yield _of_levels(f"{profile}-{turn}-{kind}", levels, depth, centre, profile)
        levels = levels_of("ends", (4, 4, 3), WIDE_DEPTH, 32767, seed=turns)
        yield _of_levels(f"{profile}-longest-codes", levels, WIDE_DEPTH, 32767, profile)


def _smooth_cases(compact: bool) -> Iterator[Case]:
    """Maps large enough for every rate of adaptation and every bin of the estimate."""
    shape = (12, 16, 4) if compact else (32, 32, 16)
    for profile in PROFILES:
        for depth, centre in ((4, 7), (8, 0), (8, 127), (11, 1023)):
            levels = levels_of("mixed", shape, depth, centre, seed=depth + centre)
            yield _of_levels(f"{profile}-mixed-{depth}-{centre}", levels, depth, centre, profile)


def _carry_cases(compact: bool) -> Iterator[Case]:
    """Runs of bytes 0xFF that wait for a carry, which comes, or does not."""
    for run in (3, 40) if compact else (1, 3, 15, 16, 17, 40, 130, 700):
        for carries in (False, True):
            levels = carry_levels(run, carries=carries)
            word = "carry" if carries else "no-carry"
            yield _of_levels(f"standard-run-{run}-{word}", levels, 8, 0, "standard")


def _of_levels(name: str, levels: Array, depth: int, centre: int, profile: Profile) -> Case:
    """Samples that a quantizer of whole numbers gives these levels."""
    quantizer = Quantizer.uniform(0.0, float((1 << depth) - 1), depth)
    plan = TensorPlan(name, levels.shape, "float32", quantizer=quantizer, centre=centre)
    return Case(name, plan, levels.astype(np.float32), profile)


def _choice_cases(compact: bool) -> Iterator[Case]:
    """Levels at the edge of each coding: as long packed as entropy coded, all but constant."""
    for gain in (-1, 0, 1):
        yield _of_levels(f"standard-gain-{gain + 1}", even_levels(gain), 3, 3, "standard")
    for place in (0, 1, -1):
        levels = almost_constant((3, 4, 5), 9, place)
        yield _of_levels(f"standard-all-but-{place % levels.size}", levels, 4, 7, "standard")


# ---- partitions ----


def _partition_cases(compact: bool) -> Iterator[Case]:
    """Every kind of partition, every way to quantize a class, static and dynamic."""
    plans = list(partitioned_plans((1, 8, 16, 8)))
    dynamic = plans[-1].partition
    assert isinstance(dynamic, DynamicClasses)
    regions = DynamicClasses("region", dynamic.base, dynamic.classes, dynamic.centroids)
    plans.append(replace(plans[-1], name="float32_dynamic_regions", partition=regions))
    for plan in plans:
        for seed in range(1 if compact else 4):
            name = f"{plan.name}-{seed}"
            yield Case(name, replace(plan, name=name), dynamic_map(plan, seed))
    yield _case_of_small_means()


def _case_of_small_means() -> Case:
    """Channels whose mean is below the least one that is told from 0, on either side of it."""
    shape = (1, 18, 17, 4)
    base = Quantizer.uniform(-8.0, 8.0, 4)
    classes = DynamicClasses("channel", base, (OWN, Step(6)), ((0, 0, 16), (-16, 0, 16)))
    samples = np.zeros(shape, np.float32)
    samples[0, 4, 5, 1:] = (-1.0, 1.0, -2.0)
    plan = TensorPlan(
        "float32_dynamic-small-means", shape, "float32", quantizer=base, partition=classes
    )
    return Case(plan.name, plan, samples)


def _dense_cases(compact: bool) -> Iterator[Case]:
    """Maps whose levels the dense coder makes itself."""
    for plan, samples in dense_maps(compact=compact):
        yield Case(plan.name, plan, samples, "dense")


Group = Callable[[bool], Iterator[Case]]

GROUPS: tuple[Group, ...] = (
    _quantizer_cases,
    _wide_cases,
    _level_cases,
    _smooth_cases,
    _carry_cases,
    _choice_cases,
    _partition_cases,
    _dense_cases,
)
