"""The suite "rate-tail": the codecs code, curves are read at a ratio, the first is the peer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from firmware_tools.profiling import rate_tail_benchmark
from firmware_tools.profiling.partial_cases import PartialCase
from firmware_tools.profiling.rate_tail_benchmark import case_figures, transform_codecs
from fmq_embedded.feature_map import FeatureMap

GAINS = np.array([4, 1, 0.2, 0.2], np.float32)


def amplify(maps: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    return {"result": maps["wave"] * GAINS}


def case() -> PartialCase:
    generator = np.random.default_rng(3)
    maps = [
        {"wave": FeatureMap(generator.normal(size=(1, 8, 8, 4)).astype(np.float32))}
        for _ in range(4)
    ]
    return PartialCase("tiny", amplify, maps, maps, lambda exact, other: True, 0.0)


def test_finer_steps_come_nearer_and_streams_are_whole() -> None:
    item = case().tests[0]["wave"]
    for codec in transform_codecs(case()):
        coded = [codec.code(item, (step,)) for step in (0.05, 0.8)]
        errors = [float(np.square(one.samples - item.samples).mean()) for one in coded]
        assert coded[0].size > coded[1].size > 10
        assert errors[0] < errors[1]


def test_weighted_channels_take_fewer_bits_at_the_tail_s_ratio(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rate_tail_benchmark, "fixed_peers", lambda case: [])
    found = {figure.name: figure for figure in case_figures(case())}
    name = "tiny, dense, {}: bits where the tail keeps 20 dB"
    assert found[name.format("channels")].ratio is None
    weighted = found[name.format("weighted channels")]
    assert weighted.ratio is not None and weighted.ratio < 0.8
    assert weighted.peer == "dense, channels"
