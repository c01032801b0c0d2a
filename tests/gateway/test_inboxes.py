"""Boxes are bounded, devices take turns, and whoever waits is woken."""

from __future__ import annotations

import threading

import pytest

from firmware_tools.gateway import Inboxes, Ledger, Message
from firmware_tools.gateway.counters import MOST_DEVICES, OTHERS


def message(device: str, number: int = 0) -> Message:
    return Message(device, bytes([number]))


def test_a_flood_does_not_delay_the_others() -> None:
    boxes = Inboxes(size=8)
    for number in range(8):
        assert boxes.put(message("flood", number), wait=False)
    assert boxes.put(message("slow"), wait=False)
    order = [taken.device for taken in (boxes.take(0) for _ in range(9)) if taken]
    assert order == ["flood", "slow", *["flood"] * 7]
    assert boxes.take(0) is None


def test_each_device_keeps_its_order() -> None:
    boxes = Inboxes()
    for number in range(5):
        for device in "ab":
            boxes.put(message(device, number), wait=False)
    taken = [boxes.take(0) for _ in range(10)]
    for device in "ab":
        streams = [one.stream for one in taken if one and one.device == device]
        assert streams == [bytes([number]) for number in range(5)]


def test_a_full_box_refuses_or_holds_back() -> None:
    boxes = Inboxes(size=1)
    assert boxes.put(message("a", 1), wait=False)
    assert not boxes.put(message("a", 2), wait=False)
    assert boxes.put(message("b"), wait=False)
    waiting = threading.Thread(target=boxes.put, args=(message("a", 3),), kwargs={"wait": True})
    waiting.start()
    assert [getattr(boxes.take(1), "stream", None) for _ in range(2)] == [b"\1", b"\0"]
    waiting.join(timeout=10)
    assert not waiting.is_alive()
    assert boxes.take(0) == message("a", 3)


def test_closing_wakes_those_that_wait() -> None:
    boxes = Inboxes(size=1)
    boxes.put(message("a"), wait=False)
    taken: list[bool] = []
    waiting = threading.Thread(target=lambda: taken.append(boxes.put(message("a"), wait=True)))
    waiting.start()
    boxes.close()
    waiting.join(timeout=10)
    assert taken == [False]
    assert not boxes.put(message("b"), wait=True)


def test_names_without_end_do_not_fill_the_memory() -> None:
    boxes, ledger = Inboxes(), Ledger()
    taken = [boxes.put(message(str(name)), wait=False) for name in range(MOST_DEVICES + 10)]
    assert sum(taken) == MOST_DEVICES
    for name in range(MOST_DEVICES + 10):
        ledger.add(str(name), maps=1, bytes=3)
    known = ledger.to_json()
    assert len(known) == MOST_DEVICES + 1
    assert known[OTHERS]["maps"] == 10
    assert ledger.total().bytes == 3 * (MOST_DEVICES + 10)


@pytest.mark.parametrize("problem", ["", "it broke"])
def test_the_ledger_keeps_the_last_problem(problem: str) -> None:
    ledger = Ledger()
    assert ledger.add("a", "first", refused=1) == 0
    assert ledger.add("a", problem, maps=1) == 1
    assert ledger.to_json()["a"]["problem"] == (problem or "first")
    assert str(ledger).startswith("1 maps of 1 device; 1 refused")
