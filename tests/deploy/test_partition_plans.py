"""Partly quantized tensors in a deployment: kept in its files, coded, and told apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import DESCRIPTION, load, save
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import InputError
from tests.partition.random_partitions import BASE, random_partition

SHAPE = (1, 5, 6, 4)


def deployment_of(kind: str, seed: int = 0, centre: int | None = None) -> Deployment:
    partition = random_partition(np.random.default_rng(seed), kind, SHAPE, centre=centre)
    plan = TensorPlan("map", SHAPE, "float32", quantizer=BASE, centre=centre, partition=partition)
    return Deployment("partly", "", "", (plan,))


@pytest.mark.parametrize("kind", ["channel", "region", "block"])
@pytest.mark.parametrize("centre", [None, 20])
def test_what_is_saved_is_loaded_equal_and_codes_alike(
    kind: str, centre: int | None, tmp_path: Path
) -> None:
    deployment = deployment_of(kind, centre=centre)
    save(deployment, tmp_path)
    back = load(tmp_path)
    assert back == deployment
    assert back.crc32 == deployment.crc32
    maps = {"map": np.random.default_rng(1).laplace(0, 1, SHAPE).astype(np.float32)}
    data = deployment.encode(maps)
    assert back.encode(maps) == data
    partition = deployment.tensors[0].partition
    assert partition is not None
    expected = partition.dequantize(partition.quantize(maps["map"]))
    np.testing.assert_array_equal(back.decode(data)["map"], expected)
    np.testing.assert_array_equal(back.quantize(maps)["map"], partition.quantize(maps["map"]))


def test_another_class_map_is_another_deployment() -> None:
    one, other = deployment_of("channel"), deployment_of("channel", 5)
    maps = {"map": np.zeros(SHAPE, np.float32)}
    assert one.crc32 != other.crc32
    with pytest.raises(InputError, match="not of deployment"):
        other.decode(one.encode(maps))


def test_a_partition_of_another_shape_or_centre_is_refused() -> None:
    plan = deployment_of("channel").tensors[0]
    for change in ({"shape": (1, 5, 6, 8)}, {"centre": 3}, {"quantizer": None}):
        with pytest.raises(InputError, match="not of its shape, quantizer and centre"):
            replace(plan, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ('kind = "channel"', 'kind = "chanel"'),
        ('by = "step"', 'by = "stride"'),
        ('function = "mu_law"', 'function = "log"'),
        ("exponent = 5", "exponent = 500"),
        ("dimension = 3", "dimension = 4"),
    ],
)
def test_a_damaged_description_is_refused(text: str, instead: str, tmp_path: Path) -> None:
    save(deployment_of("channel"), tmp_path)
    path = tmp_path / DESCRIPTION
    description = path.read_text()
    assert text in description
    path.write_text(description.replace(text, instead, 1))
    with pytest.raises(InputError):
        load(tmp_path)
