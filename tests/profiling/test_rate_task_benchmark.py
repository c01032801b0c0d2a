"""How the suite "rate-task" chooses a setting and reads bits, where the answer is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from firmware_tools.profiling.partial_cases import PartialCase
from firmware_tools.profiling.rate_codec import Coded, RateCodec, Setting, real_values
from firmware_tools.profiling.rate_task_benchmark import (
    Task,
    kept_result,
    task_figures,
    task_point,
)
from fmq_embedded.feature_map import FeatureMap

Array = npt.NDArray[Any]


def rounding_codec(version: str = "", worse: float = 1.0) -> RateCodec:
    """Rounds to a step; a sample takes a bit for each halving of it."""

    def code(item: FeatureMap, setting: Setting) -> Coded:
        real = real_values(item)
        step = np.float32(setting[0])
        size = round(worse * real.size * (8 - np.log2(setting[0])) / 8)
        return Coded(size, np.rint(real / step) * step)

    settings = [(2.0**octave,) for octave in range(-6, 4)]
    return RateCodec("rounding", version, lambda item: settings, code)


def case(integer: bool = False) -> PartialCase:
    """Agrees where the mean is right to 1/8 of a step of 1."""
    generator = np.random.default_rng(3)

    def maps(count: int) -> list[dict[str, FeatureMap]]:
        found = []
        for _ in range(count):
            real = generator.normal(0, 20, (64, 8))
            if integer:
                found.append({"map": FeatureMap(real.astype(np.int8), 0.5, 3)})
            else:
                found.append({"map": FeatureMap(real.astype(np.float32))})
        return found

    def tail(samples: Mapping[str, Array]) -> Mapping[str, Array]:
        return {"out": samples["map"].astype(np.float64)}

    def agrees(reference: Mapping[str, Array], outputs: Mapping[str, Array]) -> bool:
        return bool(np.abs(reference["out"] - outputs["out"]).max() <= 0.26)

    return PartialCase("means", tail, maps(6), maps(8), agrees, 0.9)


def test_the_coarsest_setting_that_keeps_the_result_is_chosen() -> None:
    whole = case()
    result = kept_result(whole, whole, rounding_codec())
    assert result.setting == (0.5,)
    assert result.chosen.share == 1.0
    assert result.chosen.bits == pytest.approx(9.0)
    assert result.bits is not None
    assert 8.0 < result.bits <= 9.0  # between this setting and the next


def test_integer_maps_reach_the_tail_as_codes() -> None:
    whole = case(integer=True)
    point = task_point(whole, rounding_codec(), (0.5,))
    assert point.share == 1.0
    assert point.ratio == np.inf


def test_ours_stands_beside_the_best_peer() -> None:
    whole = case()
    peers = [rounding_codec(worse=3.0)]
    found = {one.name: one for one in task_figures(Task(whole, lambda outputs: True), peers)}
    ours = found["means, standard, 90% agree"]
    assert ours.peer == "rounding"
    assert ours.ratio is not None
    assert ours.ratio < 1
    assert found["means, rounding, chosen beforehand: agree"].value == 100


def test_points_of_a_peer_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMQ_CACHE_DIR", str(tmp_path))
    whole = case()
    first = task_point(whole, rounding_codec("1"), (0.5,))
    assert task_point(whole, rounding_codec("1", worse=9.0), (0.5,)) == first
    assert task_point(whole, rounding_codec("2", worse=9.0), (0.5,)) != first
