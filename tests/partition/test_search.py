"""Features, clusters, regions, trees and costs: what the choice of a partition stands on."""

from __future__ import annotations

import numpy as np
import pytest

import fmq_embedded as fmq
from fmq_embedded.entropy import Geometry
from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.partition import OWN, Step
from fmq_embedded.partition.blocks import TreeLimits, TreeSearch, renumbered
from fmq_embedded.partition.class_map import grown
from fmq_embedded.partition.clustering import k_means, merge_small, nearest, split_large
from fmq_embedded.partition.costs import estimated_bits, measure
from fmq_embedded.partition.dynamic import DynamicClasses, base_residuals
from fmq_embedded.partition.features import (
    as_distances,
    channel_features,
    image_features,
    position_features,
)
from fmq_embedded.partition.functions import network_function
from fmq_embedded.partition.integer_log import log2_fixed
from fmq_embedded.partition.regions import Limits, connected, tidied
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.structure import Layer, LayerType, Network


def test_integer_logarithms() -> None:
    generator = np.random.default_rng(0)
    values = np.concatenate([np.arange(1, 3000), generator.integers(1, 1 << 62, 2000)])
    exact = 256 * np.log2(values.astype(np.float64))
    difference = exact - log2_fixed(values)
    assert difference.min() > -1e-6
    assert difference.max() < 1.01
    assert log2_fixed(np.array([0])).tolist() == [0]


def test_features_of_channels_and_positions() -> None:
    residuals = np.random.default_rng(0).integers(-20, 21, (5, 7, 3))
    features = channel_features(residuals)
    flat = residuals.reshape(-1, 3)
    np.testing.assert_array_equal(features[:, 0], np.floor(256 * flat.mean(axis=0) + 1e-9))
    assert np.abs(features[:, 1] / 256 - flat.var(axis=0)).max() < 1 / 256
    down, across = np.abs(np.diff(residuals, axis=0)), np.abs(np.diff(residuals, axis=1))
    for channel in range(3):
        steps = np.concatenate([down[..., channel].reshape(-1), across[..., channel].reshape(-1)])
        assert abs(features[channel, 2] / 256 - steps.mean()) < 1 / 256
    positions = position_features(residuals)
    assert positions.shape == (35, 3)
    assert abs(positions[9, 1] / 256 - residuals[1, 2].var()) < 1 / 256
    assert channel_features(np.full((1, 1, 2), 5)).tolist() == [[1280, 0, 0]] * 2


def test_distances_grow_with_the_logarithm() -> None:
    values = as_distances(np.array([0, 1, -1, 2, 3, 256, 1 << 40]))
    assert values.tolist() == [0, 16, -16, 32, 40, 144, 656]


def test_the_input_image_is_resampled_to_the_map() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[20:, 30:] = np.random.default_rng(0).integers(0, 255, (20, 30, 3))
    features = image_features(image, 4, 6).reshape(4, 6, 3)
    assert (features[2:, 3:, 2] > 0).all()
    assert (features[:2, :3] == 0).all()
    assert image_features(np.ones((2, 2), np.int16), 4, 4).shape == (16, 3)
    with pytest.raises(InputError, match="float"):
        image_features(np.zeros((4, 4)), 2, 2)


@pytest.mark.parametrize("with_library", [False, True])
def test_clusters_of_what_is_alike(with_library: bool) -> None:
    generator = np.random.default_rng(0)
    centres = np.array([[0, 0, 0], [300, 0, 50], [0, 400, 200]])
    truth = generator.integers(0, 3, 200)
    features = centres[truth] + generator.integers(-20, 21, (200, 3))
    labels = k_means(features, 3, with_library=with_library)
    for cluster in range(3):
        assert len(np.unique(truth[labels == cluster])) == 1
    np.testing.assert_array_equal(labels, k_means(features, 3, with_library=with_library))


def test_clusters_of_few_rows() -> None:
    same = np.full((5, 3), 7)
    assert k_means(same, 4).tolist() == [0] * 5
    assert sorted(k_means(np.arange(4)[:, None], 9)) == [0, 1, 2, 3]
    assert nearest(np.array([[5]]), np.array([[0], [10], [10]])).tolist() == [0]


def test_small_clusters_merge_and_large_ones_split() -> None:
    features = np.array([[0], [1], [2], [100], [101], [40]])
    labels = np.array([0, 0, 0, 1, 1, 2])
    assert merge_small(features, labels, 2).tolist() == [0, 0, 0, 1, 1, 0]
    assert merge_small(features, labels, 7).tolist() == [0] * 6
    split = split_large(features, np.zeros(6, int), 3)
    assert np.bincount(split).max() <= 3
    assert split_large(np.zeros((6, 1), int), np.zeros(6, int), 3).tolist() == [0] * 6


def test_regions_are_connected_merged_and_split() -> None:
    class_of = np.zeros((6, 8), np.int64)
    class_of[1, 1] = class_of[2:5, 4:7] = 1
    assert connected(class_of).max() == 2
    costs = np.stack([class_of, 1 - class_of])
    merged = tidied(class_of, costs, Limits(smallest=2))
    assert merged[1, 1] == 0
    assert (merged[2:5, 4:7] == 1).all()
    assert tidied(class_of, costs, Limits(smallest=1, shortest=4)).max() == 0
    halves = np.zeros((2, 6, 8), np.int64)
    halves[0, :, 4:] = 9
    halves[1, :, :4] = 9
    split = tidied(np.zeros((6, 8), np.int64), halves, Limits(longest=6))
    assert (split[:, :4] == 0).all()
    assert (split[:, 4:] == 1).all()
    snake = np.zeros((5, 5), np.int64)
    snake[1, :4] = snake[3, 1:] = 1
    assert connected(snake)[0, 0] == connected(snake)[4, 0]


@pytest.mark.parametrize(
    "cut",
    ["rows", "columns", "channels", "diagonal", "other", "quarters", "three", "nothing"],
)
def test_a_tree_finds_the_cut_that_is_there(cut: str) -> None:
    shape = (8, 8, 8)
    y, x, z = np.indices(shape)
    truth = {
        "rows": y >= 4,
        "columns": x >= 4,
        "channels": z >= 4,
        "diagonal": 2 * y + 1 < 2 * x + 1,
        "other": x + y >= 8,
        "quarters": (x >= 4) ^ (y >= 4),
        "three": (y >= 2) & (y < 6),  # of two equal axes, the rows
        "nothing": np.zeros(shape, bool),
    }[cut].astype(np.int64)
    costs = np.stack([100 * truth, 100 * (1 - truth)])
    tree = TreeSearch(costs, 1, TreeLimits()).tree()
    classes = grown(tree, Geometry(*shape), 2)
    np.testing.assert_array_equal(classes, truth)
    assert len(tree) <= 9
    if cut == "nothing":
        assert tree == b"\0\0"


def test_trees_are_merged_where_a_split_does_not_pay() -> None:
    costs = np.random.default_rng(0).integers(0, 10, (2, 16, 16, 4))
    assert TreeSearch(costs, 10**6, TreeLimits()).tree()[0] == 0
    assert len(TreeSearch(costs, 1, TreeLimits()).tree()) > 10


def test_classes_of_a_tree_are_numbered_anew() -> None:
    assert renumbered(bytes([1, 0, 5, 7, 2, 5])) == (bytes([1, 0, 1, 7, 0, 1]), [2, 5])


def test_estimated_bits_are_a_little_below_the_coders() -> None:
    generator = np.random.default_rng(0)
    for scale in (0.5, 3.0, 20.0):
        sizes = scale * 2.0 ** generator.uniform(-2, 2, 32)
        array = np.maximum(generator.normal(0, 1, (24, 24, 32)) * sizes, 0).astype(np.float32)
        base = Quantizer.uniform(0, 255, 8)
        residuals = base_residuals(FeatureMap(array), base, None)
        estimate = estimated_bits(residuals).sum() / 256
        coded = 8 * len(fmq.encode(array, fmq.Settings(quantizer=base)))
        assert 0.88 * coded < estimate < coded  # contexts must be learned


def test_costs_are_of_the_candidates() -> None:
    array = np.random.default_rng(0).laplace(0, 1, (8, 8, 4)).astype(np.float32)
    base = Quantizer.laplace(8, 7)
    costs = measure(FeatureMap(array), base, 0.0, (OWN, Step(4), Step(8)))
    errors, bits = costs.errors.sum(axis=(1, 2, 3)), costs.bits.sum(axis=(1, 2, 3))
    assert errors[0] < errors[1] < errors[2]
    assert bits[0] > bits[1] > bits[2]
    assert costs.price > 1


def test_a_callers_own_features_cluster_the_channels() -> None:
    generator = np.random.default_rng(0)
    array = np.maximum(generator.normal(0, 1, (8, 8, 12)), 0).astype(np.float32)
    array[..., 6:] *= 0.02
    base = Quantizer.uniform(0, 4, 4)
    options = fmq.Settings(
        quantizer=base,
        partition="channel",
        classes=2,
        partition_features=lambda residuals: np.arange(residuals.shape[2]) // 6,
    )
    partition = fmq.read_stream(fmq.encode(array, options)).tensors[0].header.partition
    assert partition is not None
    for features in (lambda residuals: np.zeros(5, int), lambda residuals: np.zeros(12)):
        wrong = fmq.Settings(quantizer=base, partition="channel", partition_features=features)
        with pytest.raises(InputError, match="12 rows"):
            fmq.encode(array, wrong)


@pytest.mark.parametrize("kind", ["channel", "region"])
def test_dynamic_classes_are_those_of_the_nearest_centroid(kind: str) -> None:
    generator = np.random.default_rng(0)
    array = np.maximum(generator.normal(0, 1, (8, 9, 12)), 0).astype(np.float32)
    quiet = np.s_[..., 6:] if kind == "channel" else np.s_[:, 5:]
    array[quiet] *= 0.1
    base = Quantizer.uniform(0, 4, 7)
    plain = DynamicClasses(kind, base, (OWN, Step(4)), ((0, 0, 0), (0, 0, 1)))  # type: ignore[arg-type]
    features = plain.features(FeatureMap(array))
    rows = features.reshape(8, 9, 3)[:, 1:5] if kind == "region" else features[:6]
    loud = rows.reshape(-1, 3).mean(axis=0).astype(int).tolist()
    rows = features.reshape(8, 9, 3)[:, 6:] if kind == "region" else features[6:]
    soft = rows.reshape(-1, 3).mean(axis=0).astype(int).tolist()
    classes = DynamicClasses(kind, base, (OWN, Step(4)), (tuple(loud), tuple(soft)))  # type: ignore[arg-type]
    partition = classes.partition(FeatureMap(array))
    assert partition.kind == kind
    distances = ((features[:, None] - np.array([loud, soft])) ** 2).sum(axis=2)
    expected = distances.argmin(axis=1).reshape(partition.class_of.shape)
    np.testing.assert_array_equal(partition.class_of, expected)
    truth = np.zeros(partition.class_of.shape)
    truth[quiet if kind == "region" else np.s_[6:]] = 1
    assert (partition.class_of == truth).mean() > 0.9
    data = fmq.encode(array, fmq.Settings(partition=classes))
    assert fmq.read_stream(data).tensors[0].header.partition == partition
    back = fmq.decode(data)
    np.testing.assert_array_equal(back, partition.dequantize(partition.quantize(array)))
    with pytest.raises(InputError, match="centroid"):
        DynamicClasses(kind, base, (OWN,), ())  # type: ignore[arg-type]
    with pytest.raises(InputError, match="block"):
        DynamicClasses("block", base, (OWN,), ((0, 0, 0),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kinds", "outputs", "function"),
    [
        (("fully_connected", "softmax"), (2,), "classification"),
        (("max",), (1,), "classification"),
        (("resize",), (1,), "segmentation"),
        (("transposed", "softmax"), (2,), "segmentation"),
        (("convolution", "convolution"), (1, 2), "detection"),
        (("concatenation",), (1,), "detection"),
        (("convolution",), (1,), None),
    ],
)
def test_the_function_is_read_from_the_outputs(
    kinds: tuple[str, ...], outputs: tuple[int, ...], function: str | None
) -> None:
    types = {
        "fully_connected": LayerType.CONVOLUTION,
        "convolution": LayerType.CONVOLUTION,
        "transposed": LayerType.CONVOLUTION,
        "softmax": LayerType.ACTIVATION,
        "max": LayerType.POOLING,
        "resize": LayerType.SAMPLING,
        "concatenation": LayerType.SUMMATION,
    }
    layers = [Layer(LayerType.INPUT)]
    layers += [Layer(types[kind], kind, (index,)) for index, kind in enumerate(kinds)]
    assert network_function(Network(tuple(layers), outputs)) == function
