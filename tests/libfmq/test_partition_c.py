"""libfmq's partitions give what the Numba path gives: levels, samples, class maps, streams."""

from __future__ import annotations

import ctypes
from dataclasses import replace

import numpy as np
import pytest

from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.partition import OWN, Partition, Step, encode_class_map
from fmq_embedded.partition.class_map import KINDS
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizers.samples import SampleType
from fmq_embedded.quantizers.vector import VectorQuantizer
from tests.libfmq.codec_cases import ARGUMENT, OK, SYNTAX, TRUNCATED
from tests.libfmq.hostile_runs import run_sanitized
from tests.libfmq.partition_cases import cases, random_samples
from tests.libfmq.partition_library import PartitionedTensor, library
from tests.libfmq.partition_streams import DynamicCodec, twin_stream

NONFINITE, LIMIT = -2, -8
FLOAT32 = SampleType("float32")
BASE = Quantizer.uniform(-1.0, 3.0, 8)
BUDGETS = (0, 4096, 1 << 18)


@pytest.mark.parametrize("as_cells", [False, True], ids=["runs", "cells"])
@pytest.mark.parametrize("seed", range(2))
def test_levels_and_samples_are_those_of_the_numba_path(seed: int, as_cells: bool) -> None:
    for rng, partition, samples in cases(seed):
        budget = int(rng.choice(BUDGETS))
        tensor = PartitionedTensor(partition, samples, as_cells=as_cells, flash_budget=budget)
        item = random_samples(rng, partition, samples)
        joint = partition.quantize(FeatureMap(item, samples.scale, samples.zero_point)).reshape(-1)
        values = partition.dequantize(
            joint, samples.dtype, scale=samples.scale, zero_point=samples.zero_point
        )
        for piece in (None, 1, 3):
            status, levels = tensor.quantize(item, piece)
            assert status == OK
            np.testing.assert_array_equal(levels, joint, err_msg=repr(partition.classes))
            status, back = tensor.dequantize(levels, piece)
            assert (status, back.tobytes()) == (OK, values.tobytes())


@pytest.mark.parametrize("seed", [3])
def test_class_maps_are_those_of_the_numba_path(seed: int) -> None:
    for rng, partition, samples in cases(seed):
        tensor = PartitionedTensor(partition, samples)
        count = len(partition.classes)
        data = encode_class_map(partition.kind, partition.class_map, partition.geometry, count)
        if partition.kind != "block":
            assert tensor.encode_map(int(rng.integers(1, 40))) == (OK, data)
        for window in (None, int(rng.integers(1, 9)), 50):
            status, cells, end = tensor.decode_map(data + b"next", window)
            assert (status, end) == (OK, len(data))
            assert (cells == partition.class_of.reshape(-1)).all()


@pytest.mark.parametrize("seed", [5])
def test_dynamic_classes_and_their_streams(seed: int) -> None:
    for rng, given, samples in cases(seed):
        partition, tensor = given, PartitionedTensor(given, samples)
        item = random_samples(rng, partition, samples)
        feature_map = FeatureMap(item, samples.scale, samples.zero_point)
        classes = partition.class_of
        if partition.kind == "block":
            tensor.make_dynamic()
        else:
            rows = rng.integers(-100, 250, (len(partition.classes), 3)).tolist()
            centroids = tuple((a, b, c) for a, b, c in rows)
            partition = DynamicClasses(
                partition.kind, partition.base, partition.classes, centroids, partition.centre
            ).partition(feature_map)
            classes = partition.class_of
            tensor.make_dynamic(centroids)
            assert tensor.classify(item) == OK
            assert (tensor.cells == classes.reshape(-1)).all()
        joint = partition.quantize(feature_map)
        stream, header = twin_stream(partition, samples, joint)
        codec = DynamicCodec(tensor, header)
        if partition.kind != "block":
            status, levels = tensor.quantize(item)
            assert (status, levels.tolist()) == (OK, joint.reshape(-1).tolist())
            assert codec.limit >= len(stream)
            for capacity in (codec.limit, len(stream)):
                assert codec.encode(levels, capacity) == (OK, stream)
        for piece in (0, 1, 7, 60):
            tensor.cells[:] = 0xEE
            status, levels = codec.read(stream, piece) if piece else codec.decode(stream)
            assert status == OK
            assert (levels == joint.reshape(-1)).all()
            assert (tensor.cells == classes.reshape(-1)).all()


def partitions() -> list[Partition]:
    classes = (OWN, Step(5), VectorQuantizer(((1, 2), (200, 100), (3, 3))))
    shape = (4, 5, 6)
    tree = bytes([5, 0, 0, 0, 1, 0, 2, 0, 1])
    columns = np.arange(5) % 3
    return [
        Partition.of_channels(shape, BASE, classes, np.arange(6) % 3),
        Partition.of_regions(shape, BASE, classes, np.tile(columns, (4, 1))),
        Partition.of_blocks(shape, BASE, classes, tree),
    ]


@pytest.mark.parametrize("partition", partitions(), ids=KINDS)
@pytest.mark.parametrize("bits", [0x7F800000, 0xFF800000, 0x7FC00000])
def test_samples_that_are_not_finite_are_refused(partition: Partition, bits: int) -> None:
    tensor = PartitionedTensor(partition, FLOAT32)
    for number in range(3):
        item = np.zeros(partition.shape, np.float32)
        item.reshape(-1).view(np.uint32)[partition.members(number)[-1]] = bits
        assert tensor.quantize(item)[0] == NONFINITE


@pytest.mark.parametrize("partition", partitions(), ids=KINDS)
def test_levels_that_a_class_does_not_have_are_refused(partition: Partition) -> None:
    tensor = PartitionedTensor(partition, FLOAT32)
    right = partition.quantize(np.zeros(partition.shape, np.float32)).reshape(-1)
    assert tensor.dequantize(right)[0] == OK
    for number in range(3):
        lowest = partition.joint_centre - partition.class_centres[number]
        for wrong in (lowest - 1, lowest + partition.class_tops[number] + 1):
            if 0 <= wrong < 2**partition.bit_depth:
                levels = right.copy()
                levels[partition.members(number)[0]] = wrong
                assert tensor.dequantize(levels)[0] == LIMIT
    levels = right.copy()
    levels[partition.members(2)[1]] += 1  # the second sample of a vector
    assert tensor.dequantize(levels)[0] == LIMIT


def test_positions_beyond_the_tensor_are_refused() -> None:
    for partition in partitions():
        tensor = PartitionedTensor(partition, FLOAT32)
        data = np.zeros(1000, np.float32)
        for first, count in ((0, 21), (20, 1), (21, 0), (1, 2**32 - 1)):
            at = ctypes.c_void_p(data.ctypes.data)
            arguments = (ctypes.byref(tensor.c_tensor), at, ctypes.c_uint32(first))
            for name in ("fmq_quantize_tensor", "fmq_dequantize_tensor"):
                status = getattr(library(), name)(*arguments, ctypes.c_uint32(count), at)
                assert status == ARGUMENT


def test_ties_between_codewords_go_to_the_first() -> None:
    codewords = ((10, 20), (10, 20), (14, 20), (10, 24))
    partition = Partition.of_channels((1, 3, 2), BASE, (VectorQuantizer(codewords),), [0, 0])
    levels = np.array([[10, 20], [12, 20], [12, 22]])
    item = BASE.dequantize(levels.astype(np.uint8)).reshape(1, 3, 2)
    status, joint = PartitionedTensor(partition, FLOAT32).quantize(item)
    assert (status, joint.tolist()) == (OK, [0, 0, 0, 0, 0, 0])


@pytest.mark.parametrize("partition", partitions(), ids=KINDS)
def test_class_maps_that_cannot_be_are_refused(partition: Partition) -> None:
    rng = np.random.default_rng(4)
    partition = replace(partition, classes=(*partition.classes, OWN, OWN, OWN))
    tensor = PartitionedTensor(partition, FLOAT32)
    statuses = {tensor.decode_map(rng.bytes(30))[0] for _ in range(300)}
    assert statuses == {OK, SYNTAX}
    count = len(partition.classes)
    data = encode_class_map(partition.kind, partition.class_map, partition.geometry, count)
    assert tensor.decode_map(data[:-2])[0] in (TRUNCATED, SYNTAX)
    assert tensor.decode_map(b"")[0] == TRUNCATED


def test_hostile_class_maps_under_the_sanitizers() -> None:
    """Whatever the bytes: no access outside a buffer, nothing undefined, and an end."""
    assert run_sanitized("hostile_partitions", "1") > 2000
