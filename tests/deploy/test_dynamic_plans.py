"""Tensors whose classes are found in each map: kept in a deployment's files, coded, told apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import fmq_embedded as fmq
from firmware_tools.host_codec import HostCodec
from firmware_tools.tables.image import update_tables
from fmq_embedded.deploy.c_tables import HEADER, SOURCE, c_tables
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.deployment_files import DESCRIPTION, load, save
from fmq_embedded.deploy.grafted_files import map_tables
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.errors import BitstreamError, InputError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.partition import OWN, Partition, Step
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.quantizers import Quantizer

SHAPE = (1, 6, 5, 8)
BASE = Quantizer.laplace(4, 6)
CLASSES = (OWN, Step(4), Quantizer.uniform(-1, 1, 4))
CENTROIDS = ((-100, 190, 150), (-100, 150, 120), (-100, 100, 100))


def deployment_of(kind: Any = "channel", centre: int | None = None) -> Deployment:
    classes = DynamicClasses(kind, BASE, CLASSES, CENTROIDS, centre)
    plan = TensorPlan("map", SHAPE, "float32", quantizer=BASE, centre=centre, partition=classes)
    return Deployment("dynamic", "", "", (plan,))


def samples(seed: int = 0) -> npt.NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    noise = generator.laplace(0, 1, SHAPE) * 2.0 ** -generator.uniform(0, 6, SHAPE[-1])
    return (noise * 2.0 ** -generator.uniform(0, 4, (SHAPE[1], 1, 1))).astype(np.float32)


def partition_of(deployment: Deployment, array: npt.NDArray[np.float32]) -> Partition:
    partition = deployment.tensors[0].partition_of(FeatureMap(array))
    assert partition is not None
    return partition


@pytest.mark.parametrize("kind", ["channel", "region"])
@pytest.mark.parametrize("centre", [None, 20])
def test_what_is_saved_is_loaded_equal_and_codes_alike(
    kind: str, centre: int | None, tmp_path: Path
) -> None:
    deployment = deployment_of(kind, centre)
    save(deployment, tmp_path)
    back = load(tmp_path)
    assert back == deployment
    assert back.crc32 == deployment.crc32
    seen = set()
    for seed in range(4):
        array = samples(seed)
        partition = partition_of(deployment, array)
        seen.add(partition.class_of.tobytes())
        data = deployment.encode({"map": array})
        assert back.encode({"map": array}) == data
        joint = partition.quantize(array)
        np.testing.assert_array_equal(deployment.quantize({"map": array})["map"], joint)
        np.testing.assert_array_equal(back.decode(data)["map"], partition.dequantize(joint))
        np.testing.assert_array_equal(fmq.decode(data), partition.dequantize(joint))
    assert len(seen) == 4


def test_the_c_library_finds_the_same_classes_and_writes_the_same_bytes() -> None:
    plans = tuple(replace(deployment_of(k).tensors[0], name=k) for k in ("channel", "region"))
    deployment = Deployment("two", "", "", plans)
    codec = HostCodec(deployment, sanitize="undefined")
    streams = []
    for seed in range(5):
        maps = {"channel": samples(seed), "region": samples(seed + 7)}
        levels = {plan.name: codec.quantize_map(i, maps[plan.name]) for i, plan in enumerate(plans)}
        streams.append(deployment.encode(maps))
        assert codec.encode(levels) == streams[-1]
    for stream in streams:
        levels, expected = codec.decode(stream), deployment.decode(stream)
        for index, plan in enumerate(plans):
            back = codec.dequantize_map(index, levels[plan.name])
            np.testing.assert_array_equal(back, expected[plan.name])


def test_the_class_map_is_a_variable_and_the_header_ends_before_it() -> None:
    text = c_tables(deployment_of())
    assert "#define FMQ_CLASS_CELL_BYTES 8u" in text[HEADER]
    assert "static uint8_t cells_0[8];" in text[SOURCE]
    assert "cells_0, 0, cells_0, &centroids_0" in text[SOURCE]
    static = replace(deployment_of().tensors[0], partition=partition_of(deployment_of(), samples()))
    text = c_tables(Deployment("static", "", "", (static,)))
    assert "#define FMQ_CLASS_CELL_BYTES 0u" in text[HEADER]
    assert "static const uint8_t cells_0[8] = {" in text[SOURCE]


def test_streams_of_other_classes_are_another_deployments() -> None:
    deployment = deployment_of()
    data = deployment.encode({"map": samples()})
    for classes in (CLASSES[::-1], CLASSES[:2]):
        chosen = DynamicClasses("channel", BASE, classes, CENTROIDS[: len(classes)])
        other = replace(deployment.tensors[0], partition=chosen)
        with pytest.raises(InputError, match="not of deployment"):
            replace(deployment, tensors=(other,)).decode(data)
    plain = replace(deployment, tensors=(replace(deployment.tensors[0], partition=None),))
    with pytest.raises(InputError, match="not of deployment"):
        deployment.decode(plain.encode({"map": samples()}))
    with pytest.raises(InputError, match="not of deployment"):
        plain.decode(data)
    with pytest.raises(BitstreamError):
        deployment.decode(data[:-5])


def test_other_centroids_are_other_tables_but_the_streams_can_be_read() -> None:
    one = deployment_of()
    moved = DynamicClasses("channel", BASE, CLASSES, CENTROIDS[::-1])
    other = replace(one, tensors=(replace(one.tensors[0], partition=moved),))
    assert one.crc32 != other.crc32
    data = one.encode({"map": samples()})
    np.testing.assert_array_equal(other.decode(data)["map"], one.decode(data)["map"])


def test_what_does_not_fit_is_refused() -> None:
    plan = deployment_of().tensors[0]
    for change in ({"centre": 3}, {"quantizer": None}):
        with pytest.raises(InputError, match="not of its shape, quantizer and centre"):
            replace(plan, **change)  # type: ignore[arg-type]
    assert replace(plan, shape=(1, 2, 2, 3)).shape == (1, 2, 2, 3)
    with pytest.raises(InputError, match="±16384"):
        DynamicClasses("channel", BASE, CLASSES, (*CENTROIDS[:2], (0, 0, 20000)))
    with pytest.raises(InputError, match="other classes in each map"):
        map_tables(plan)
    wide = Quantizer.uniform(-1, 1, 16)
    classes = DynamicClasses("channel", wide, (OWN, OWN), CENTROIDS[:2])
    large = TensorPlan("map", (1, 64, 64, 2), "float32", quantizer=wide, partition=classes)
    with pytest.raises(InputError, match="cannot find the classes of channels of 4096 samples"):
        c_tables(Deployment("large", "", "", (large,)))


def test_a_slot_has_no_ram_for_class_maps() -> None:
    class Session:
        deployment_crc32 = 0

    class Identity:
        session = Session()

    class Board:
        identity = Identity()

    board: Any = Board()
    with pytest.raises(InputError, match="flash the firmware"):
        update_tables(board, deployment_of())


@pytest.mark.parametrize(
    ("text", "instead"),
    [("dynamic = true", "dynamic = false"), ('kind = "channel"', 'kind = "block"')],
)
def test_a_damaged_description_is_refused(text: str, instead: str, tmp_path: Path) -> None:
    save(deployment_of(), tmp_path)
    path = tmp_path / DESCRIPTION
    description = path.read_text()
    assert text in description
    path.write_text(description.replace(text, instead, 1))
    with pytest.raises(InputError):
        load(tmp_path)


@pytest.mark.parametrize("kind", ["channel", "region"])
def test_classes_fitted_to_a_static_partition_are_found_again(kind: str) -> None:
    shape = (8, 9, 12)
    array = np.random.default_rng(1).normal(0, 1, shape).astype(np.float32)
    array[np.s_[..., 6:] if kind == "channel" else np.s_[4:]] *= 0.05
    if kind == "channel":
        static = Partition.of_channels(shape, BASE, (OWN, Step(-4), Step(4)), [0] * 6 + [1] * 6)
    else:
        rows = np.repeat([0, 1], [4, 4])
        static = Partition.of_regions(
            shape, BASE, (OWN, Step(-4), Step(4)), np.tile(rows[:, None], (1, 9))
        )
    fitted = DynamicClasses.fitted(static, [FeatureMap(array), FeatureMap(-array)])
    found = fitted.partition(FeatureMap(array * 0.9))
    assert (found.class_of == static.class_of).mean() > 0.9
    assert 2 not in found.class_of
    with pytest.raises(InputError, match="channel or region"):
        DynamicClasses.fitted(
            Partition.of_blocks(shape, BASE, (OWN,), b"\0\0"), [FeatureMap(array)]
        )
