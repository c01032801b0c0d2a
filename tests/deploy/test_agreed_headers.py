"""Streams without the headers that both ends hold: shorter, the same maps, in C as well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import fmq_embedded as fmq
from firmware_tools.host_codec import HostCodec
from firmware_tools.verifying import standard_deployment
from fmq_embedded.deploy.calibrate import calibrate
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import load, save
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.partition.dynamic import DynamicClasses
from tests.deploy.tiny_deployment import inputs, split_deployment
from tests.partition.random_partitions import BASE, random_partition

SHAPE = (1, 5, 6, 4)


def agreed(kind: str) -> Deployment:
    partition = random_partition(np.random.default_rng(3), kind, SHAPE)
    plans = (
        TensorPlan("whole", SHAPE, "float32", quantizer=fmq.Quantizer.uniform(-3, 3, 5)),
        TensorPlan("parts", SHAPE, "float32", quantizer=BASE, partition=partition),
    )
    return Deployment("agreed", "", "", plans, headers_agreed=True)


def maps_of(deployment: Deployment) -> dict[str, npt.NDArray[np.float32]]:
    generator = np.random.default_rng(5)
    return {
        plan.name: generator.laplace(0, 1, plan.shape).astype(np.float32)
        for plan in deployment.tensors
    }


@pytest.mark.parametrize("kind", ["channel", "region", "block"])
def test_streams_are_shorter_and_decode_alike_in_python_and_c(kind: str, tmp_path: Path) -> None:
    deployment = agreed(kind)
    sent = replace(deployment, headers_agreed=False)
    maps = maps_of(deployment)
    short, long = deployment.encode(maps), sent.encode(maps)
    assert len(short) < len(long) - 20
    assert deployment.crc32 != sent.crc32
    for name, samples in sent.decode(long).items():
        np.testing.assert_array_equal(deployment.decode(short)[name], samples)
    codec = HostCodec(deployment)
    levels = deployment.quantize(maps)
    assert codec.encode(levels) == short
    for name, back in codec.decode(short).items():
        np.testing.assert_array_equal(back, levels[name])
    save(deployment, tmp_path)
    assert load(tmp_path) == deployment


def test_without_the_headers_or_with_others_the_stream_is_refused() -> None:
    deployment = agreed("channel")
    data = deployment.encode(maps_of(deployment))
    with pytest.raises(fmq.BitstreamError, match="its deployment"):
        fmq.decode(data)
    with pytest.raises(fmq.BitstreamError, match="another deployment"):
        agreed("block").decode(data)


def test_classes_that_differ_from_map_to_map_cannot_be_agreed_on() -> None:
    plans = standard_deployment().tensors
    dynamic = [plan for plan in plans if isinstance(plan.partition, DynamicClasses)]
    assert dynamic
    with pytest.raises(fmq.InputError, match="cannot be agreed on"):
        Deployment("dynamic", "", "", tuple(dynamic), headers_agreed=True)


def test_calibration_agrees_on_headers(tmp_path: Path) -> None:
    folder = split_deployment(tmp_path)
    made, _ = calibrate(folder, inputs()[:, None], agree_headers=True)
    assert made.headers_agreed
    assert load(folder) == made
    made, _ = calibrate(folder, inputs()[:, None])
    assert not made.headers_agreed
    with pytest.raises(fmq.InputError, match="agree_headers"):
        calibrate(folder, inputs()[:, None], agree_headers=True, dynamic=True, partition="channel")
