"""How the suite "rate-task" chooses a setting and reads bits, where the answer is known."""

from __future__ import annotations

import dataclasses
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


def test_the_quality_at_which_the_calibration_pictures_just_agree_is_taken() -> None:
    whole = case()
    result = kept_result(Task(whole, whole), rounding_codec())
    assert result.bits is not None
    # A step of 0.5 is right for all, one of 1 for none.
    assert 8.0 < result.bits < 9.0
    assert result.chosen.share == pytest.approx(whole.share)
    assert result.tuned_bits == pytest.approx(result.chosen.bits)


def test_the_tests_are_coded_at_the_quality_of_the_calibration_pictures() -> None:
    easier = dataclasses.replace(case(), agrees=lambda reference, outputs: True)
    result = kept_result(Task(easier, case()), rounding_codec())
    assert 8.0 < result.chosen.bits < 9.0
    assert result.chosen.share == 1.0
    harder = dataclasses.replace(case(), agrees=lambda reference, outputs: False)
    result = kept_result(Task(harder, case()), rounding_codec())
    assert result.chosen.share == 0.0
    assert result.bits is None


def test_labels_count_where_there_are_any() -> None:
    whole = case()
    right = [{"out": one["map"].samples.astype(np.float64)} for one in whole.tests]
    wrong = [{"out": -one["out"]} for one in right]
    labelled = dataclasses.replace(whole, truths=[*right[:4], *wrong[4:]])
    assert task_point(labelled, rounding_codec(), (0.5,)).share == 0.5


def test_integer_maps_reach_the_tail_as_codes() -> None:
    whole = case(integer=True)
    point = task_point(whole, rounding_codec(), (0.5,))
    assert point.share == 1.0
    assert point.ratio == np.inf


def test_ours_stand_beside_the_first_peer_and_the_preferred_one_is_named() -> None:
    whole = case()
    peers = [rounding_codec(worse=3.0)]
    figures = task_figures(Task(whole, whole), peers)
    found = {one.name: one for one in figures}
    ours = found["means, standard: bits, quality fixed beforehand"]
    assert ours.peer == "rounding"
    assert ours.ratio is not None
    assert ours.ratio < 1
    assert found["means, rounding: tests that agree"].value == pytest.approx(90)
    preferred = next(one for one in figures if "preferred by calibration" in one.name)
    of_all = [one.value for one in figures if one.name.endswith("fixed beforehand") and one.peer]
    assert preferred.value == min(of_all)


def test_points_of_a_peer_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMQ_CACHE_DIR", str(tmp_path))
    whole = case()
    first = task_point(whole, rounding_codec("1"), (0.5,))
    assert task_point(whole, rounding_codec("1", worse=9.0), (0.5,)) == first
    assert task_point(whole, rounding_codec("2", worse=9.0), (0.5,)) != first
