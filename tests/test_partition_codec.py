"""Partly quantized maps through the whole codec: any shape, hostile bytes, the choice."""

from __future__ import annotations

import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fmq_embedded as fmq
from fmq_embedded.partition import OWN, Partition, Step
from tests.partition.random_partitions import BASE, CLASSES, random_partition

KINDS = ("channel", "region", "block")
SHAPES = [
    (),
    (1,),
    (7,),
    (1, 1),
    (1, 9),
    (9, 1),
    (5, 7),
    (1, 1, 6),
    (1, 1, 1),
    (5, 7, 3),
    (2, 5, 7, 3),
    (3, 2, 2, 4, 5),
    (4, 3, 251),
]


def laplacian(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).laplace(0, 1, shape), np.float32)


def unequal_channels(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    """A ReLU map whose channels differ much in size and sparsity."""
    generator = np.random.default_rng(seed)
    sizes = 2.0 ** generator.uniform(-6, 2, shape[2])
    shift = generator.uniform(-1.5, 0.5, shape[2])
    return np.maximum(generator.normal(shift, 1, shape) * sizes, 0).astype(np.float32)


def squared_error(array: np.ndarray, options: fmq.Settings) -> tuple[int, float]:
    data = fmq.encode(array, options)
    return 8 * len(data), float(((fmq.decode(data) - array).astype(np.float64) ** 2).sum())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_comes_back_as_its_classes_say(kind: str, shape: tuple[int, ...]) -> None:
    array = laplacian(shape)
    generator = np.random.default_rng(len(shape))
    for centre in (None, 20):
        partition = random_partition(generator, kind, shape, centre=centre)
        data = fmq.encode(array, fmq.Settings(partition=partition))
        tensor = fmq.read_stream(data).tensors[0]
        assert tensor.header.partition == partition
        np.testing.assert_array_equal(tensor.levels, partition.quantize(array))
        expected = partition.dequantize(partition.quantize(array))
        np.testing.assert_array_equal(fmq.decode(data), expected)


def test_two_large_maps_of_different_sizes_share_a_stream() -> None:
    maps = {"a": laplacian((25, 43, 256)), "b": laplacian((13, 22, 256), 1)}
    generator = np.random.default_rng(0)
    partitions = {
        "a": random_partition(generator, "block", (25, 43, 256)),
        "b": random_partition(generator, "channel", (13, 22, 256)),
    }
    back = fmq.decode(fmq.encode(maps, fmq.Settings(partition=partitions)))
    assert isinstance(back, dict)
    for name, partition in partitions.items():
        expected = partition.dequantize(partition.quantize(maps[name]))
        np.testing.assert_array_equal(back[name], expected)
    with pytest.raises(fmq.InputError, match="partition"):
        fmq.encode({"c": maps["b"]}, fmq.Settings(partition=partitions))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "float16", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_dtype(kind: str, dtype: str) -> None:
    array = (20 * laplacian((5, 6, 4)) + 40).astype(dtype)
    partition = random_partition(np.random.default_rng(1), kind, (5, 6, 4))
    item = fmq.FeatureMap(array, 0.1, 40) if np.dtype(dtype).kind != "f" else fmq.FeatureMap(array)
    back = fmq.decode(fmq.encode(item, fmq.Settings(partition=partition)))
    output = dtype if item.is_integer else "float32"
    joint = partition.quantize(item)
    expected = partition.dequantize(joint, output, scale=item.scale, zero_point=item.zero_point)
    np.testing.assert_array_equal(back, expected)


def test_one_class_needs_no_map_and_changes_no_level() -> None:
    array = laplacian((6, 5, 4))
    whole = fmq.encode(array, fmq.Settings(quantizer=BASE))
    classes = np.zeros(4, np.uint8)
    one = Partition.of_channels(array.shape, BASE, (OWN,), classes)
    data = fmq.encode(array, fmq.Settings(partition=one))
    np.testing.assert_array_equal(fmq.decode(data), fmq.decode(whole))
    assert len(data) <= len(whole) + 3


def test_as_many_classes_as_channels() -> None:
    array = laplacian((3, 4, 251))
    classes = tuple(Step(index % 9) for index in range(251))
    partition = Partition.of_channels(array.shape, BASE, classes, np.arange(251))
    data = fmq.encode(array, fmq.Settings(partition=partition))
    np.testing.assert_array_equal(fmq.decode(data), partition.dequantize(partition.quantize(array)))
    for channel in (0, 8, 250):
        own = classes[channel].of(BASE)
        np.testing.assert_array_equal(
            fmq.decode(data)[..., channel], own.dequantize(own.quantize(array[..., channel]))
        )


def test_nonfinite_samples_are_refused_or_saturated() -> None:
    array = laplacian((4, 4, 6))
    array[1, 2, 3], array[2, 2, 2] = np.inf, np.nan
    generator = np.random.default_rng(0)
    for kind in KINDS:
        partition = random_partition(generator, kind, array.shape)
        with pytest.raises(fmq.InputError, match=r"2 of 96 .*1, 2, 3"):
            fmq.encode(array, fmq.Settings(partition=partition))
        options = fmq.Settings(partition=partition, nonfinite="saturate", nan_level=3)
        assert np.isfinite(fmq.decode(fmq.encode(array, options))).all()


def with_checksum(data: bytes) -> bytes:
    return data + zlib.crc32(data).to_bytes(4, "little")


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(KINDS))
def test_hostile_partitions_end_in_an_error_or_a_map(data: st.DataObject, kind: str) -> None:
    partition = random_partition(np.random.default_rng(3), kind, (5, 6, 4))
    body = bytearray(fmq.encode(laplacian((5, 6, 4)), fmq.Settings(partition=partition))[:-4])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(4, len(body) - 1))] = data.draw(st.integers(0, 255))
    body = body[: data.draw(st.integers(4, len(body)))]
    try:
        fmq.decode(with_checksum(bytes(body)), max_elements=1 << 12)
    except fmq.BitstreamError as error:
        assert error.exit_status == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9), (9, 1), (5, 7, 3), (2, 4, 4, 8), (7,)])
def test_a_kind_by_name_works_for_every_shape(kind: str, shape: tuple[int, ...]) -> None:
    for classes in (None, 1, 4, 256):
        options = fmq.Settings(partition=kind, classes=classes)
        data = fmq.encode(laplacian(shape), options)
        header = fmq.read_stream(data).tensors[0].header
        assert header.partition is not None
        assert header.partition.kind == kind
        assert fmq.encode(laplacian(shape), options) == data


@pytest.mark.parametrize("partition", [*KINDS, "auto"])
def test_constant_maps_and_explicit_bases(partition: str) -> None:
    constant = np.full((4, 4, 6), 7.25, np.float32)
    back = fmq.decode(fmq.encode(constant, fmq.Settings(partition=partition)))
    np.testing.assert_array_equal(back, constant)
    explicit = fmq.Quantizer.explicit([-1.0, 0.5, 0.7], [-2.0, 0.0, 0.6, 1.5])
    array = laplacian((4, 4, 6))
    data = fmq.encode(array, fmq.Settings(partition=partition, quantizer=explicit))
    np.testing.assert_array_equal(fmq.decode(data), explicit.dequantize(explicit.quantize(array)))


@pytest.mark.parametrize("depth", [4, 6, 8])
@pytest.mark.parametrize("seed", [0, 1])
def test_auto_never_takes_more_bits_at_the_same_error(depth: int, seed: int) -> None:
    array = unequal_channels((16, 16, 48), seed)
    base = fmq.Quantizer.uniform(0, float(array.max()), depth)
    bits, error = squared_error(array, fmq.Settings(quantizer=base, partition="auto"))
    points = [
        squared_error(array, fmq.Settings(quantizer=Step(exponent).of(base)))
        for exponent in range(7)
    ]
    assert error >= points[0][1]
    for (fine, low), (coarse, high) in pairwise(points):
        if low <= error < high:
            share = np.log(error / low) / np.log(high / low)
            assert bits <= 1.005 * (fine + (coarse - fine) * share) + 8
            return
    pytest.fail("the error is beyond the curve")


def test_auto_finds_channels_that_differ() -> None:
    array = unequal_channels((16, 16, 48))
    base = fmq.Quantizer.uniform(0, float(array.max()), 4)
    data = fmq.encode(array, fmq.Settings(quantizer=base, partition="auto"))
    assert fmq.read_stream(data).tensors[0].header.partition is not None


def test_a_dead_channel_costs_less_than_a_fiftieth_of_a_bit_a_sample() -> None:
    array = unequal_channels((16, 16, 32))
    dead = np.concatenate([array, np.zeros_like(array)], axis=2)
    for kind in ("none", "channel"):
        options = fmq.Settings(partition=kind, bit_depth=6)
        more = len(fmq.encode(dead, options)) - len(fmq.encode(array, options))
        assert 8 * more < 0.02 * array.size


def test_the_function_of_the_network_says_which_kinds_are_tried() -> None:
    array = laplacian((8, 8, 8))
    array[:4] *= 0.05
    base = fmq.Quantizer.laplace(8, 5)
    for function in ("classification", "detection", "segmentation", "tracking"):
        options = fmq.Settings(quantizer=base, partition="auto", function=function)
        header = fmq.read_stream(fmq.encode(array, options)).tensors[0].header
        kind = header.partition.kind if header.partition else None
        assert function != "classification" or kind in (None, "channel")
    with pytest.raises(fmq.InputError, match="tracking"):
        fmq.Settings(function="traking")
    with pytest.raises(fmq.InputError, match="channel"):
        fmq.Settings(partition="chanel")  # type: ignore[arg-type]


def test_an_empty_map_has_no_partition() -> None:
    for partition in (*KINDS, "auto"):
        back = fmq.decode(fmq.encode(np.zeros((4, 0, 2)), fmq.Settings(partition=partition)))
        assert back.shape == (4, 0, 2)


def test_a_partition_of_another_shape_is_refused() -> None:
    partition = random_partition(np.random.default_rng(0), "channel", (4, 4, 6), CLASSES)
    with pytest.raises(fmq.InputError, match=r"\(4, 4, 6\)"):
        fmq.encode(laplacian((4, 4, 5)), fmq.Settings(partition=partition))
