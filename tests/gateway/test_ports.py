"""Devices on ports: what they send goes through the tail, whatever the others do."""

from __future__ import annotations

import itertools
import queue
import random
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from firmware_tools.gateway import Gateway, Result
from firmware_tools.gateway import ports as ports_module
from firmware_tools.gateway.gateway import longest_stream
from firmware_tools.gateway.inboxes import BOX_SIZE
from firmware_tools.gateway.ports import PortListener
from firmware_tools.gateway.stream_frames import stream_frames
from fmq_embedded.deploy.deployment_files import load
from fmq_embedded.errors import InputError
from tests.deploy.tiny_deployment import split_deployment
from tests.gateway.conftest import Case
from tests.gateway.fake_device import FakeDevice


@pytest.fixture
def gateway(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    monkeypatch.setattr(ports_module, "FIRST_PAUSE", 0.01)
    gateway = Gateway(folder)
    yield gateway
    gateway.stopping.set()
    gateway.inboxes.close()


def listen(gateway: Gateway, *devices: FakeDevice) -> None:
    for device in devices:
        PortListener(gateway, device.url, 115200).start()


def take(gateway: Gateway, count: int) -> list[Result]:
    """So many results; a gateway that gives fewer would hang, which the test's runner ends."""
    results = [result for _, result in itertools.islice(gateway.results(), count)]
    assert len(results) == count
    return results


def assert_outputs(result: Result, case: Case) -> None:
    assert result.refused == ""
    for name, expected in case.outputs.items():
        np.testing.assert_array_equal(result.outputs[name], expected)


def test_many_devices_at_once(gateway: Gateway, cases: list[Case]) -> None:
    """Each sends other maps in another order."""
    orders = list(itertools.permutations(range(3)))
    devices = [
        FakeDevice([stream_frames(cases[c].stream, n) for n, c in enumerate(order)])
        for order in orders
    ]
    listen(gateway, *devices)
    results = take(gateway, 18)
    for device, order in zip(devices, orders, strict=True):
        own = [result for result in results if result.device == device.url]
        assert [result.number for result in own] == [0, 1, 2]
        for result, index in zip(own, order, strict=True):
            assert_outputs(result, cases[index])


def test_resets_rubbish_and_vanishing_cost_only_what_was_hit(
    gateway: Gateway, cases: list[Case]
) -> None:
    whole = stream_frames(cases[0].stream, 0)
    noise = random.Random(1).randbytes(20000).replace(b"\0", b"\1") + b"\0"
    with closing(
        FakeDevice([whole[:20]], [noise, whole], [], [b"\0\0", whole[5:], whole])
    ) as device:
        listen(gateway, device)
        for result in take(gateway, 2):
            assert_outputs(result, cases[0])
        counters = gateway.ledger.to_json()[device.url]
    assert counters["maps"] == 2
    assert counters["lost"] == 3
    assert counters["damaged"] >= 2
    assert "the connection broke" in counters["problem"]


def test_a_stream_of_another_deployment_or_a_damaged_one_is_refused(
    gateway: Gateway, cases: list[Case]
) -> None:
    stream = cases[0].stream
    wrong = [b"x", stream[:-1], stream[:9] + bytes([stream[9] ^ 1]) + stream[10:], b"\xff" * 300]
    sent = [stream_frames(data, n) for n, data in enumerate([*wrong, stream])]
    with closing(FakeDevice(sent)) as device:
        listen(gateway, device)
        results = take(gateway, 5)
    assert all(result.refused and not result.outputs for result in results[:4])
    assert_outputs(results[4], cases[0])
    assert [result.number for result in results] == list(range(5))
    assert gateway.ledger.total().refused == 4


def test_a_flood_is_held_back_and_the_others_get_through(
    gateway: Gateway, cases: list[Case]
) -> None:
    """Nobody takes results: the boxes fill, then the flooding device's line."""
    flood = itertools.repeat(stream_frames(cases[0].stream, 0) * 100)
    quiet = [stream_frames(cases[1].stream, 0)]
    with closing(FakeDevice(flood)) as noisy, closing(FakeDevice(quiet)) as other:
        listen(gateway, noisy, other)
        results = take(gateway, 4 * BOX_SIZE)
        place = next(i for i, result in enumerate(results) if result.device == other.url)
        assert_outputs(results[place], cases[1])
        assert place < 3 * BOX_SIZE
        gateway.stopping.set()
    assert gateway.ledger.total().dropped == 0


def test_a_port_that_is_not_there_is_tried_again(folder: Path, cases: list[Case]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"socket://127.0.0.1:{free.getsockname()[1]}"
    gateway, told = Gateway(folder), queue.SimpleQueue[str]()
    PortListener(gateway, url, 115200, notice=told.put).start()
    with closing(FakeDevice([stream_frames(cases[0].stream, 0)])) as other:
        listen(gateway, other)
        assert_outputs(take(gateway, 1)[0], cases[0])
    text = told.get(timeout=20)
    assert "cannot open port" in text
    assert text.endswith("it is tried again")
    assert gateway.ledger.to_json()[url]["lost"] == 0


def test_it_ends_when_it_is_told_to(gateway: Gateway) -> None:
    looks = []

    def look() -> None:
        looks.append(1)
        if len(looks) == 3:
            gateway.stopping.set()

    assert list(gateway.results(look, wait=0.01)) == []


def test_no_stream_is_longer_than_the_longest(folder: Path, cases: list[Case]) -> None:
    assert max(len(case.stream) for case in cases) <= longest_stream(load(folder)) < 1 << 17


def test_a_deployment_that_is_not_calibrated(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="inv calibrate"):
        Gateway(split_deployment(tmp_path / "plain"))
