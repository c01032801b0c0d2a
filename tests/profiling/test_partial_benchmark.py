"""What the suite "partial" reads off a sweep, on a network whose answer is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from firmware_tools.profiling.partial_benchmark import (
    Effort,
    Point,
    bits_at_ratio,
    bits_at_share,
    case_figures,
    falling,
)
from firmware_tools.profiling.partial_cases import PartialCase
from fmq_embedded.feature_map import FeatureMap

Array = npt.NDArray[Any]
POINTS = [Point(4.0, 30.0, 20.0, 1.0), Point(2.0, 20.0, 10.0, 0.9), Point(1.0, 10.0, 0.0, 0.5)]


def test_bits_lie_between_the_steps_of_a_sweep() -> None:
    assert bits_at_ratio(POINTS, 20.0) == pytest.approx(2.0)
    assert bits_at_ratio(POINTS, 15.0) == pytest.approx(2**0.5)
    assert bits_at_share(POINTS, 0.95) == pytest.approx(2 * 2**0.5)


def test_bits_beyond_a_sweep_are_not_guessed() -> None:
    assert bits_at_ratio(POINTS, 31.0) is None
    assert bits_at_ratio(POINTS, 9.0) is None


def test_luck_is_smoothed() -> None:
    assert falling([1.0, 0.8, 0.9, 0.4]) == pytest.approx([1.0, 0.85, 0.85, 0.4])
    assert falling([0.1, 0.2, 0.3]) == pytest.approx([0.2] * 3)


def test_steps_by_importance_save_where_few_channels_matter() -> None:
    generator = np.random.default_rng(2)
    gains = np.array([8.0, 8.0, *[0.05] * 14])

    def tail(samples: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"out": np.asarray(samples["map"] * gains)}

    def agrees(reference: Mapping[str, Array], outputs: Mapping[str, Array]) -> bool:
        error = ((reference["out"] - outputs["out"]) ** 2).mean()
        return bool(error <= 0.02 * (reference["out"] ** 2).mean())

    def maps(count: int) -> list[dict[str, FeatureMap]]:
        shape = (1, 12, 12, 16)
        return [
            {"map": FeatureMap(np.maximum(generator.normal(size=shape), 0).astype(np.float32))}
            for _ in range(count)
        ]

    case = PartialCase("two of sixteen", tail, maps(4), maps(5), agrees, 0.9, must_save=0.7)
    found = {f.name: f for f in case_figures(case, Effort(4, 5, 3, 2), has_regions=False)}
    saved = found["two of sixteen, channel by importance, 90% agree"]
    assert saved.ratio is not None and saved.ratio < 0.7 and saved.holds
    auto = found["two of sixteen, auto, 14 dB"]
    assert auto.ratio is not None and auto.limit is not None
