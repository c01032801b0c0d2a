"""The models of the timer and of the profile: what the firmware and the reader see."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from firmware_tools.boards import Board, Counter
from firmware_tools.emulators.cmsdk import CmsdkTimer
from firmware_tools.link.descriptions import Counters, StageCounter
from firmware_tools.profiling.profile import Stage, merged, profile_of, stages_from_counters
from firmware_tools.toolchains import Build


class Clock:
    """Ticks that a test sets."""

    now = 0

    def __call__(self) -> int:
        return self.now

    def values(self, timer: CmsdkTimer, times: Iterable[int]) -> Iterator[int]:
        for self.now in times:
            yield timer.read(timer.VALUE)


def test_timer_counts_down_from_its_value_and_reloads() -> None:
    clock = Clock()
    timer = CmsdkTimer(clock)
    timer.write(timer.RELOAD, 9)
    timer.write(timer.VALUE, 3)
    assert list(clock.values(timer, [50, 100])) == [3, 3]
    timer.write(timer.CONTROL, timer.ENABLE)
    down = list(clock.values(timer, range(100, 116)))
    assert down == [3, 2, 1, 0, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 9, 8]


def test_timer_over_all_32_bits_wraps_like_a_counter() -> None:
    clock = Clock()
    timer = CmsdkTimer(clock)
    timer.write(timer.RELOAD, 2**32 - 1)
    timer.write(timer.VALUE, 2**32 - 1)
    timer.write(timer.CONTROL, timer.ENABLE)
    times = [0, 1, 2**32 - 1, 2**32, 2**32 + 5, 10 * 2**32 + 17]
    up = [2**32 - 1 - value for value in clock.values(timer, times)]
    assert up == [now % 2**32 for now in times]


def test_stages_come_from_ticks_without_the_timing_s_own(board: Board) -> None:
    counters = Counters(
        overhead=board.counter.ticks(5),
        stages=(
            StageCounter("quantize", board.counter.ticks(45_010), 2, 1000),
            StageCounter("encode", 0, 0, 0),
            StageCounter("decode", 3, 1, 0),
        ),
    )
    stages = stages_from_counters(counters, board.counter)
    assert stages == (Stage("quantize", 45_000, 1000), Stage("decode", 0, 0))
    assert [stage.per_element for stage in stages] == [45.0, 0.0]


def test_stages_of_a_real_board_are_in_cycles_of_its_core() -> None:
    counter = Counter("timer", "nrf", hz=1_000_000)
    counters = Counters(10, (StageCounter("encode", 1020, 2, 50),))
    (stage,) = stages_from_counters(counters, counter, clock_hz=16_000_000)
    assert (stage.instructions, stage.is_counted) == (16_000, True)


def test_profile_is_plain_data_and_a_table(firmware: Build) -> None:
    profile = profile_of(firmware, (Stage("quantize", 45_000, 1000), Stage("encode", 7, 2)), 321)
    data = json.loads(json.dumps(profile.to_json()))
    assert (data["board"], data["core"]) == ("mps2-an386", "cortex-m4")
    assert data["stages"][0] == {
        "name": "quantize",
        "instructions": 45_000,
        "elements": 1000,
        "per_element": 45.0,
        "minimum": 45_000,
        "median": 45_000,
        "maximum": 45_000,
    }
    assert (data["flash_bytes"], data["stack_bytes"]) == (firmware.flash_bytes, 321)
    assert profile_of(firmware, ()).stack_bytes == 0x4000
    lines = profile.table().splitlines()
    assert firmware.toolchain_version in lines[0]
    assert [line.split() for line in lines[2:5]] == [
        ["stage", "minimum", "instructions", "maximum", "elements", "per", "element"],
        ["quantize", "45,000", "45,000", "45,000", "1,000", "45.00"],
        ["encode", "7", "7", "7", "2", "3.50"],
    ]
    assert len({len(line) for line in lines[2:5]}) == 1


def test_counter_that_stands_still_gives_no_figure(board: Board) -> None:
    counters = Counters(0, (StageCounter("quantize", 0, 1, 1000),))
    (stage,) = stages_from_counters(counters, board.counter)
    assert not stage.is_counted
    assert stage.to_json()["instructions"] is None
    assert "0" not in stage.cells()
    assert stage.cells().count("–") == 4


def test_median_of_runs_keeps_each() -> None:
    runs = [(Stage("encode", count, 10),) for count in (30, 10, 20)]
    (stage,) = merged(runs)
    assert (stage.instructions, stage.runs) == (20, (30, 10, 20))
    assert stage.cells() == ("encode", "10", "20", "30", "10", "2.00")
