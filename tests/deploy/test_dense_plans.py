"""Deployments with levels of the dense coder's own: calibrated, told to C, and coded there."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import fmq_embedded as fmq
from firmware_tools.boards import load_board
from firmware_tools.host_codec import HostCodec, LibraryError
from firmware_tools.verifying import check_targets
from firmware_tools.verifying_boards import parts_that_fit
from fmq_embedded.dense.channel_transform import ChannelTransform
from fmq_embedded.dense.contexts import SPATIAL
from fmq_embedded.dense.device_plan import QUICK, DensePlan, device_exponent
from fmq_embedded.dense.encoder import PLAIN, RATE_DISTORTION, TRELLIS
from fmq_embedded.dense.numbers import LARGEST_SAMPLE
from fmq_embedded.dense.weighting import Region, Weighting
from fmq_embedded.deploy.c_tables import HEADER, SOURCE, c_tables
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import load, save
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError, MismatchError
from fmq_embedded.quantizers import Quantizer
from tests.deploy.tiny_deployment import calibrated_deployment, split_deployment

STATE_SIZE = 1856
"""FMQ_STATE_SIZE of fmq/codec.h."""
MIXED = ChannelTransform.fitted(np.cov(np.random.default_rng(1).normal(size=(6, 40)).cumsum(0)))
WEIGHED = ChannelTransform.weighted(
    MIXED.matrix.values[:5, :5] * [2, 1, 0.5, 1, 3] + 0.3 * np.eye(5)
)
SPATIAL_ONLY = replace(PLAIN, allowed=(SPATIAL,))
REGION = Region((900, -400, 0, 300, 20, -7), 3_000_000, 1, (40, -300, 0, 7, 32767, -32767))
FACTORS = (1025, 65535, 8192, 8191, 20000, 3000)
PLANS = (
    TensorPlan("float", (1, 12, 10, 6), "float32", dense=DensePlan(-9, 150)),
    TensorPlan("byte", (1, 8, 8, 4), "int8", 0.1, -5, dense=DensePlan(-4, 128, RATE_DISTORTION)),
    TensorPlan("unsigned", (6, 7, 3), "uint8", 0.1, 5, dense=DensePlan(-4, 138, PLAIN)),
    TensorPlan("wide", (2, 5, 4, 3), "int16", 0.1, 5, dense=DensePlan(5, 140)),
    TensorPlan("mixed", (1, 9, 8, 6), "float32", dense=DensePlan(-9, 145, channels=MIXED)),
    TensorPlan("weighed", (1, 6, 9, 5), "float32", dense=DensePlan(-9, 145, channels=WEIGHED)),
    TensorPlan(
        "weighted",
        (1, 9, 8, 6),
        "float32",
        dense=DensePlan(-9, 145, SPATIAL_ONLY, weighting=Weighting(FACTORS, REGION)),
    ),
    TensorPlan(
        "weighted-bytes",
        (2, 5, 7, 6),
        "int8",
        0.1,
        -5,
        dense=DensePlan(-4, 110, RATE_DISTORTION, weighting=Weighting(FACTORS)),
    ),
    TensorPlan(
        "pooled",
        (2, 5, 7, 6),
        "int16",
        0.1,
        dense=DensePlan(6, 60, weighting=Weighting(FACTORS, is_pooled=True)),
    ),
    TensorPlan("levels", (1, 8, 8, 8), "float32", quantizer=Quantizer.uniform(-4.0, 4.0, 5)),
)


def deployment(*plans: TensorPlan, **more: bool) -> Deployment:
    return Deployment("dense", "m.tflite", "0" * 64, plans, profile="dense", **more)


@cache
def codec() -> HostCodec:
    return HostCodec(deployment(*PLANS))


def maps_of(plans: tuple[TensorPlan, ...]) -> dict[str, npt.NDArray[np.generic]]:
    rng = np.random.default_rng(4)
    maps: dict[str, npt.NDArray[np.generic]] = {}
    for plan in plans:
        values = rng.normal(0, 1, plan.shape).cumsum(-2)
        if plan.dtype == "float32":
            maps[plan.name] = values.astype(np.float32)
        else:
            limits = np.iinfo(plan.dtype)
            codes = values * limits.max / 8 + plan.zero_point
            maps[plan.name] = np.clip(codes, limits.min, limits.max).astype(plan.dtype)
    return maps


def test_a_smaller_map_for_a_small_board_keeps_channels_that_belong_together() -> None:
    (weighted,) = (plan for plan in PLANS if plan.name == "weighted")
    large = replace(weighted, shape=(1, 64, 64, 6))
    ((smaller,),) = (
        part.tensors for part in parts_that_fit(deployment(large), load_board("microbit"))
    )
    assert smaller.shape == (1, 8, 8, 6)
    assert smaller.dense == large.dense


def test_a_folder_keeps_the_plans(tmp_path: Path) -> None:
    made = deployment(*PLANS)
    save(made, tmp_path)
    assert load(tmp_path) == made
    other = replace(PLANS[0], dense=DensePlan(-9, 151))
    assert deployment(other, *PLANS[1:]).crc32 != made.crc32


def test_c_and_this_package_agree_with_exact_arithmetic_and_on_bytes() -> None:
    checks = check_targets(deployment(*PLANS), ["numba", "c"])
    assert [check.first_difference for check in checks if check.mismatches] == []
    assert {check.stage for check in checks} == {"quantize", "dequantize", "bitstream"}


def test_a_stream_is_the_format_s_and_needs_no_deployment() -> None:
    alone = deployment(PLANS[0])
    data = alone.encode(maps_of(PLANS[:1]))
    np.testing.assert_array_equal(fmq.decode(data), alone.decode(data)["float"])
    assert data[0] == 0x66


def test_headers_that_are_agreed_on_are_left_out() -> None:
    agreed = deployment(*PLANS, headers_agreed=True)
    maps = maps_of(PLANS)
    c = HostCodec(agreed)
    data = c.encode({p.name: c.quantize_map(i, maps[p.name]) for i, p in enumerate(PLANS)})
    assert data == agreed.encode(maps)
    assert len(data) < len(deployment(*PLANS).encode(maps))
    for name, levels in agreed.decode_levels(data).items():
        np.testing.assert_array_equal(c.decode(data)[name], levels)


def test_the_device_is_told_the_work_that_it_needs() -> None:
    library = codec()
    needed = [
        library._library.fmq_work_size(ctypes.byref(library._tables.tensors[index]))
        for index in range(len(PLANS))
    ]
    for plan, size in zip(PLANS, needed, strict=True):
        told = c_tables(deployment(plan))[HEADER].split("FMQ_STATE_SIZE + ")[1].split("u")[0]
        assert size == STATE_SIZE + int(told)


def test_a_quantizer_s_levels_have_no_plan_and_no_transform() -> None:
    source = c_tables(deployment(PLANS[-1]))[SOURCE]
    assert "fmq_dense_plan_t" not in source
    assert "&fmq_dense_encoding" in source


def test_a_map_beyond_its_limit_and_a_stream_in_another_unit_are_refused() -> None:
    fine = deployment(replace(PLANS[0], dense=DensePlan(-9, 0)))
    noise = np.random.default_rng(5).uniform(-8, 8, PLANS[0].shape).astype(np.float32)
    c = HostCodec(fine)
    with pytest.raises(LibraryError, match="buffer too small"):
        c.encode({"float": c.quantize_map(0, noise)})
    assert PLANS[0].dense is not None
    assert len(deployment(PLANS[0]).encode({"float": noise})) <= PLANS[0].dense.limit(noise.size)
    data = deployment(replace(PLANS[0], dense=DensePlan(-8, 150))).encode({"float": noise})
    with pytest.raises(InputError, match="not of deployment"):
        fine.decode(data)
    with pytest.raises(LibraryError, match="unsupported"):
        c.decode(data)


def test_streams_that_are_cut_or_changed_are_refused() -> None:
    data = deployment(*PLANS).encode(maps_of(PLANS))
    with pytest.raises(LibraryError, match="checksum"):
        codec().decode(data[:-1] + b"\0")
    with pytest.raises(LibraryError):
        codec().decode(data[:9])


def test_what_is_not_finite_is_refused() -> None:
    samples = np.zeros(PLANS[0].shape, np.float32)
    samples[0, 3, 3, 3] = np.nan
    with pytest.raises(LibraryError, match="not finite"):
        codec().quantize_map(0, samples)
    with pytest.raises(InputError, match="NaN"):
        deployment(*PLANS).quantize(maps_of(PLANS) | {"float": samples})


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-3.0, 0.5), (0.0, 1e-42), (-3e38, 3e38), (0.0, 0.0)])
def test_an_exponent_leaves_a_bit_to_spare(ends: tuple[float, float]) -> None:
    exponent = device_exponent(*ends, is_integer=False)
    largest = np.ldexp(max(map(abs, ends)), -exponent)
    assert largest <= (LARGEST_SAMPLE + 0.5) / 2 or exponent == 117
    assert device_exponent(-255, 0, is_integer=True) == -4


def test_plans_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="trellis"):
        DensePlan(0, 32, TRELLIS)
    with pytest.raises(InputError, match="step"):
        DensePlan(0, 256)
    with pytest.raises(InputError, match="exponent"):
        DensePlan(-139, 32)
    with pytest.raises(InputError, match="leave one of them out"):
        replace(PLANS[0], quantizer=Quantizer.uniform(0.0, 1.0, 4))
    with pytest.raises(InputError, match="dense plan"):
        replace(deployment(PLANS[0]), profile="fast")
    with pytest.raises(InputError, match="coded densely"):
        _ = PLANS[0].chosen_quantizer


@pytest.mark.parametrize(
    ("options", "search"),
    [({}, QUICK), ({"rate_distortion": "rdo"}, RATE_DISTORTION), ({"agree_headers": True}, QUICK)],
)
def test_calibration_gives_the_coarsest_steps_that_the_tail_allows(
    tmp_path: Path, options: dict[str, object], search: object
) -> None:
    ratios = (20.0, 35.0)
    steps = []
    for ratio in ratios:
        folder = calibrated_deployment(
            tmp_path / str(ratio), profile="dense", tail_sqnr=ratio, **options
        )
        made = load(folder)
        plans = [plan.dense for plan in made.tensors if plan.dense is not None]
        assert [plan.search for plan in plans] == [search, search]
        steps.append([plan.step for plan in plans])
    assert all(coarse > fine for coarse, fine in zip(*steps, strict=True))


def test_calibration_by_the_maps_and_by_a_bit_depth(tmp_path: Path) -> None:
    by_maps = load(calibrated_deployment(tmp_path / "m", profile="dense", target_sqnr=25.0))
    assert all(float(plan.why.split(", ")[-1].split()[0]) >= 25.0 for plan in by_maps.tensors)
    by_depth = load(calibrated_deployment(tmp_path / "d", profile="dense", bit_depths=[6]))
    wave = by_depth.tensors[0].dense
    assert wave is not None
    assert wave.step_size == pytest.approx(2 / 63, rel=0.05)
    with pytest.raises(MismatchError, match="ask for less"):
        calibrated_deployment(tmp_path / "f", profile="dense", target_sqnr=150.0)


def test_levels_of_classes_are_coded_densely_too(tmp_path: Path) -> None:
    made = load(calibrated_deployment(tmp_path, profile="dense", partition="channel"))
    assert made.profile == "dense"
    assert all(plan.dense is None and plan.quantizer is not None for plan in made.tensors)
    with pytest.raises(InputError, match="target_sqnr"):
        calibrated_deployment(tmp_path / "t", partition="channel", target_sqnr=20.0)
    with pytest.raises(InputError, match="rate-distortion search"):
        calibrated_deployment(tmp_path / "r", profile="dense", rate_distortion="trellis")


def test_levels_inside_a_model_are_a_quantizer_s(tmp_path: Path) -> None:
    from fmq_embedded.deploy.calibrate import calibrate
    from tests.deploy.tiny_deployment import inputs

    folder = split_deployment(tmp_path)
    save(replace(load(folder), lowering="tflite"), folder)
    with pytest.raises(InputError, match="lowering"):
        calibrate(folder, inputs()[:, None], profile="dense")
