"""The calibrated row: a channel transform where it pays on maps seen before; real streams."""

from __future__ import annotations

import numpy as np

from firmware_tools.profiling.rate_calibrated import CALIBRATED, calibrated_codec
from firmware_tools.profiling.rate_codec import real_values
from firmware_tools.profiling.rate_curve import signal_to_noise
from fmq_embedded.feature_map import FeatureMap


def linear_map(seed: int) -> FeatureMap:
    """Six channels made of two."""
    mixing = np.random.default_rng(99).normal(size=(2, 6))
    generator = np.random.default_rng(seed)
    sources = generator.normal(size=(1, 10, 9, 2)) * [3, 1]
    noise = 0.1 * generator.normal(size=(1, 10, 9, 6))
    return FeatureMap((sources @ mixing + noise).astype(np.float32))


def test_a_linear_map_gets_a_transform_and_reaches_its_ratio() -> None:
    codec = calibrated_codec([linear_map(seed) for seed in range(1, 5)])
    assert codec is not None and codec.name == CALIBRATED
    item = linear_map(0)
    coded = codec.code(item, (16.0,))
    assert signal_to_noise(real_values(item), coded.samples) > 15.9
    assert 0 < coded.size < item.samples.size


def test_maps_of_a_relu_and_unseen_ones_get_none() -> None:
    assert calibrated_codec([]) is None
    relu = FeatureMap(np.maximum(linear_map(0).samples, 0))
    assert calibrated_codec([relu] * 3) is None
