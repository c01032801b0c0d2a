"""Figures: what holds, what is printed, and which suites there are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from firmware_tools.profiling import benchmarks
from firmware_tools.profiling.figures import Figure
from firmware_tools.profiling.timing import compare, noise
from fmq_embedded.errors import InputError


def test_without_a_peer_the_value_is_held_against_the_limit() -> None:
    assert Figure("flash", 12288, "bytes", limit=12288).holds
    assert not Figure("flash", 12289, "bytes", limit=12288).holds
    assert Figure("stack", 1e9, "bytes").holds


def test_beside_a_peer_the_ratio_is_held_against_the_limit() -> None:
    slow = Figure("quantize", 0.6, "ns/sample", "np.take", 1.0, 0.6, limit=0.5)
    assert not slow.holds
    assert Figure("quantize", 40.0, "ns/sample", "np.take", 100.0, 0.4, limit=0.5).holds


def test_a_line_says_all_of_it() -> None:
    line = Figure("take", 0.1234, "ns/sample", "np.take", 2.0, 0.0617, limit=0.5).line(6)
    assert line == "take        0.123 ns/sample, np.take 2: 0.06× (at most 0.500: holds)"
    line = Figure("flash", 13000, "bytes", limit=12288).line()
    assert line == "flash     13,000 bytes (at most 12,288: DOES NOT HOLD)"


def test_json_has_every_field_and_whether_it_holds() -> None:
    data = json.loads(json.dumps(Figure("a", 2.0, "s", limit=1.0).to_json()))
    assert data == {
        "name": "a",
        "value": 2.0,
        "unit": "s",
        "peer": "",
        "peer_value": None,
        "ratio": None,
        "limit": 1.0,
        "holds": False,
    }


def test_calls_take_turns_and_the_first_of_each_is_not_timed() -> None:
    calls: list[str] = []
    figure = compare(
        "a",
        "b",
        lambda: calls.append("ours"),
        lambda: calls.append("theirs"),
        unit="sample",
        units=(1, 1),
        rounds=3,
        limit=None,
    )
    assert calls == ["ours", "theirs"] * 4
    assert figure.unit == "ns/sample"
    assert figure.limit is None


def test_noise_is_a_spread() -> None:
    assert noise() >= 0


def test_unknown_suites_are_refused_with_the_nearest_names() -> None:
    with pytest.raises(InputError, match=r"'devise'.*device"):
        benchmarks.run_suites(["devise"], quick=True, step=lambda name: None)


def test_all_and_none_mean_every_suite_once() -> None:
    every = list(benchmarks.SUITES)
    assert every[:2] == ["host", "codec"]
    assert {"gateway", "workers"} < set(every)
    assert benchmarks.suites_of(["all"]) == benchmarks.suites_of([]) == every
    assert benchmarks.suites_of(["start", "host", "start"]) == ["start", "host"]


def test_suites_run_in_the_order_given(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = Figure("a", 1.0, "s")
    asked: list[bool] = []

    def suite(quick: bool) -> list[Figure]:
        asked.append(quick)
        return [figure]

    monkeypatch.setattr(benchmarks, "SUITES", {"host": suite, "codec": suite})
    steps: list[str] = []
    found, spread = benchmarks.run_suites(["codec", "host"], quick=True, step=steps.append)
    assert steps == ["codec", "host"]
    assert found == [figure, figure]
    assert asked == [True, True]
    assert spread >= 0


class Backwards:
    """Workers that are done with the last first."""

    def results(
        self, work: Callable[[Any], Any], items: Sequence[Any]
    ) -> Iterator[tuple[Any, Any]]:
        return ((item, work(item)) for item in reversed(items))


def test_figures_of_workers_come_in_the_order_given(monkeypatch: pytest.MonkeyPatch) -> None:
    suites = {
        name: lambda quick, name=name: [Figure(f"{name} {quick}", 1.0, "s")] for name in "abc"
    }
    monkeypatch.setattr(benchmarks, "SUITES", suites)
    steps: list[str] = []
    found, _ = benchmarks.run_suites("abc", quick=True, step=steps.append, workers=Backwards())
    assert [figure.name for figure in found] == ["a True", "b True", "c True"]
    assert steps == ["c", "b", "a"]
