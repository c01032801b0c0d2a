"""Targets: bytes of a whole stream and SQNR of each map, in every profile."""

from __future__ import annotations

import numpy as np
import pytest

import fmq_embedded as fmq
from fmq_embedded.errors import TargetWarning
from fmq_embedded.rate_control import Attempt, within_bytes
from tests.dense.test_dense import smooth_map, sqnr

PROFILES = ("fast", "standard", "dense")


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("signed", [False, True])
def test_a_target_of_bytes_is_filled_and_never_passed(profile: str, signed: bool) -> None:
    array = smooth_map((16, 16, 24), signed=signed)
    for target in (400, 1500, 3000):
        data = fmq.encode(array, fmq.Settings(profile=profile, target_bytes=target))  # type: ignore[arg-type]
        assert 0.97 * target <= len(data) <= target
        assert isinstance(fmq.decode(data), np.ndarray)


def test_bits_are_eighths_of_bytes() -> None:
    array = smooth_map(signed=True)
    settings = fmq.Settings(profile="dense", target_bits=2407)
    assert fmq.encode(array, settings) == fmq.encode(
        array, fmq.Settings(profile="dense", target_bytes=300)
    )


@pytest.mark.parametrize("profile", PROFILES)
def test_a_set_shares_a_target(profile: str) -> None:
    maps = {"a": smooth_map((16, 16, 12), signed=False), "b": smooth_map((8, 8, 30), signed=True)}
    data = fmq.encode(maps, fmq.Settings(profile=profile, target_bytes=2000))  # type: ignore[arg-type]
    assert 1940 <= len(data) <= 2000
    back = fmq.decode(data)
    assert isinstance(back, dict)
    assert all(sqnr(maps[name], back[name]) > 8 for name in maps)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_target_below_the_smallest_stream_is_said(profile: str) -> None:
    array = smooth_map(signed=True)
    with pytest.warns(TargetWarning, match="below the smallest stream"):
        data = fmq.encode(array, fmq.Settings(profile=profile, target_bytes=5))  # type: ignore[arg-type]
    assert len(data) < 60


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("wanted", [8.0, 16.0, 25.0])
def test_a_target_of_sqnr_is_reached_and_hardly_passed(profile: str, wanted: float) -> None:
    for signed in (False, True):
        array = smooth_map((12, 12, 8), signed=signed)
        back = fmq.decode(fmq.encode(array, fmq.Settings(profile=profile, target_sqnr=wanted)))  # type: ignore[arg-type]
        assert isinstance(back, np.ndarray)
        assert wanted <= sqnr(array, back) < wanted + 1.5


def test_an_sqnr_beyond_reach_is_said() -> None:
    array = smooth_map(signed=True)
    with pytest.warns(TargetWarning, match="is above what"):
        fmq.encode(array, fmq.Settings(profile="dense", target_sqnr=150.0))
    with pytest.warns(TargetWarning, match="larger bit_depth"):
        fmq.encode(array, fmq.Settings(bit_depth=3, target_sqnr=60.0))


def test_targets_exclude_each_other_and_a_given_quantizer() -> None:
    with pytest.raises(fmq.InputError, match="exclude each other"):
        fmq.Settings(target_bytes=100, target_sqnr=10.0)
    with pytest.raises(fmq.InputError, match="at least 1"):
        fmq.Settings(target_bits=0)
    with pytest.raises(fmq.InputError, match="above 0 dB"):
        fmq.Settings(target_sqnr=-3.0)
    with pytest.raises(fmq.InputError, match='belongs to the profile "dense"'):
        fmq.Settings(lossless=True)
    quantizer = fmq.Quantizer.uniform(-8, 8, 6)
    with pytest.raises(fmq.InputError, match="leave one of them out"):
        fmq.encode(smooth_map(signed=True), fmq.Settings(quantizer=quantizer, target_bytes=500))


def test_the_search_is_right_where_sizes_are_not_monotone() -> None:
    """Whatever the sizes, what comes back fits, or it is the smallest of those tried."""

    def attempt(rank: int, tuning: float) -> Attempt[int]:
        size = 1000 - 7 * rank + (5 if rank % 3 else -5) - int(10 * (tuning - 1))
        return Attempt(size, size)

    for limit in (980, 500, 331):
        assert 0.97 * limit <= within_bytes(attempt, limit, 0, 100) <= limit
    with pytest.warns(TargetWarning):
        assert within_bytes(attempt, 100, 0, 100) > 100


def test_the_same_settings_give_the_same_bytes() -> None:
    maps = {str(i): smooth_map((8, 8, 6), signed=True, seed=i) for i in range(6)}
    settings = fmq.Settings(profile="dense", target_bytes=900)
    assert fmq.encode(maps, settings) == fmq.encode(maps, settings)
