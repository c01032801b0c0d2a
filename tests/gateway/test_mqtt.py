"""Devices behind a real broker."""

from __future__ import annotations

import itertools
import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from paho.mqtt import client as paho

from firmware_tools.gateway import Gateway, result_line
from firmware_tools.gateway.mqtt import Broker, BrokerListener
from fmq_embedded.errors import InputError, MissingToolError, NoPortError
from tests.gateway.conftest import Case
from tests.gateway.test_ports import assert_outputs

PROGRAM = shutil.which("mosquitto") or "/usr/sbin/mosquitto"

# In CI it is there: a missing one is a failure.
needs_broker = pytest.mark.skipif(
    "CI" not in os.environ and not Path(PROGRAM).exists(), reason="mosquitto is not installed"
)


class Mosquitto:
    """A broker, which can be stopped and started again at the same port."""

    def __init__(self, folder: Path, more: str = "") -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._settings = folder / "mosquitto.conf"
        # As root it would become a user that cannot read the certificates.
        self._settings.write_text(
            f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous true\n{more}"
        )
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [PROGRAM, "-c", str(self._settings)], stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("mosquitto does not start")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path)
    yield broker
    broker.stop()


class Devices:
    """A client that stands for all devices and hears the results."""

    def __init__(self, port: int) -> None:
        self.heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda _client, _data, message: self.heard.put(message)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.client.subscribe("fmq/+/result", 1)

    def send(self, device: str, payload: bytes, qos: int = 1) -> None:
        self.client.publish(f"fmq/{device}/stream", payload, qos=qos).wait_for_publish(20)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def devices(broker: Mosquitto) -> Iterator[Devices]:
    devices = Devices(broker.port)
    yield devices
    devices.close()


class Running:
    """A gateway that listens to the broker."""

    def __init__(self, folder: Path, port: int) -> None:
        self.gateway, self.notices = Gateway(folder), queue.SimpleQueue[str]()
        where = Broker.of(f"mqtt://127.0.0.1:{port}/fmq/+/stream")
        self.listener = BrokerListener(self.gateway, where, self.notices.put)
        self.wait_for("listening")
        self.results = self.gateway.results()

    def wait_for(self, word: str) -> None:
        while word not in self.notices.get(timeout=30):
            pass

    def close(self) -> None:
        self.gateway.stopping.set()
        self.listener.close()
        list(self.results)


@pytest.fixture
def running(folder: Path, broker: Mosquitto) -> Iterator[Running]:
    running = Running(folder, broker.port)
    yield running
    running.close()


@needs_broker
def test_results_go_back_to_each_device(
    running: Running, devices: Devices, cases: list[Case]
) -> None:
    for index, name in enumerate("abc"):
        devices.send(name, cases[index].stream, qos=index)
    for message, result in itertools.islice(running.results, 3):
        assert_outputs(result, cases["abc".index(result.device)])
        running.listener.publish(message.answer_to, result_line(result))
    heard = [devices.heard.get(timeout=20) for _ in range(3)]
    assert {message.topic for message in heard} == {f"fmq/{name}/result" for name in "abc"}
    for message in heard:
        assert f"fmq/{json.loads(message.payload)['device']}/result" == message.topic


@needs_broker
def test_rubbish_is_refused_and_counted(
    running: Running, devices: Devices, cases: list[Case]
) -> None:
    for payload in (b"", b"\0", b"\xff" * 1000, cases[0].stream):
        devices.send("a", payload)
    results = [result for _, result in itertools.islice(running.results, 4)]
    assert [bool(result.refused) for result in results] == [True, True, True, False]
    assert_outputs(results[3], cases[0])


@needs_broker
def test_a_flood_with_receipts_waits_at_the_broker(
    running: Running, devices: Devices, cases: list[Case]
) -> None:
    for number in range(200):
        devices.send("a", cases[number % 3].stream)
    for number, (_, result) in enumerate(itertools.islice(running.results, 200)):
        assert_outputs(result, cases[number % 3])
    assert running.gateway.ledger.total().dropped == 0


@needs_broker
def test_a_broker_that_restarts(
    running: Running, broker: Mosquitto, devices: Devices, cases: list[Case]
) -> None:
    devices.send("a", cases[0].stream)
    assert_outputs(next(running.results)[1], cases[0])
    broker.stop()
    running.wait_for("is gone")
    broker.start()
    running.wait_for("listening")
    again = Devices(broker.port)
    again.send("b", cases[1].stream)
    assert_outputs(next(running.results)[1], cases[1])
    again.close()


@needs_broker
def test_both_ends_prove_who_they_are(folder: Path, tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    stranger.cert_pem.write_to_path(tmp_path / "stranger.pem")
    server = authority.issue_cert("127.0.0.1")
    server.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    own = authority.issue_cert("gateway.example")
    own.private_key_and_cert_chain_pem.write_to_path(tmp_path / "own.pem")
    broker = Mosquitto(
        tmp_path,
        f"cafile {tmp_path}/ca.pem\ncertfile {tmp_path}/server.pem\n"
        f"keyfile {tmp_path}/server.pem\nrequire_certificate true\n",
    )
    try:
        url = f"mqtts://127.0.0.1:{broker.port}/fmq/+/stream"
        given = {"ca_file": str(tmp_path / "ca.pem"), "cert_file": str(tmp_path / "own.pem")}
        notices = queue.SimpleQueue[str]()
        listener = BrokerListener(Gateway(folder), Broker.of(url, **given), notices.put)
        assert notices.get(timeout=30) == "listening to fmq/+/stream at 127.0.0.1"
        listener.close()
        given["ca_file"] = str(tmp_path / "stranger.pem")
        with pytest.raises(NoPortError, match=r"certificate verify failed.*--ca-file"):
            BrokerListener(Gateway(folder), Broker.of(url, **given))
    finally:
        broker.stop()


def test_files_for_tls_that_are_none(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="certificates are for TLS"):
        Broker.of("mqtt://h/t", ca_file="ca.pem")
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "nothing.pem"):
        broker = Broker.of("mqtts://127.0.0.1:1/t", ca_file=str(tmp_path / name))
        with pytest.raises(InputError, match=rf"{name} cannot be used for TLS"):
            BrokerListener(Gateway(folder), broker)


def test_without_paho(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "paho"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingToolError, match=r"fmq-embedded\[gateway\]"):
        BrokerListener(Gateway(folder), Broker.of("mqtt://127.0.0.1:1/t"))


def test_no_broker(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(NoPortError, match="no MQTT broker answers"):
        BrokerListener(Gateway(folder), Broker.of(f"mqtt://127.0.0.1:{port}/t"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://h/fmq/+/stream", Broker("h", 1883, "fmq/+/stream")),
        ("mqtts://h/a/#", Broker("h", 8883, "a/#", is_secure=True)),
        ("mqtt://me:p%40ss@h:99/t", Broker("h", 99, "t", "me", "p@ss")),
    ],
)
def test_urls(url: str, expected: Broker) -> None:
    assert Broker.of(url) == expected


@pytest.mark.parametrize("url", ["", "h/t", "http://h/t", "mqtt://h", "mqtt:///t", "mqtt://h:x/t"])
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(InputError, match="is no MQTT URL"):
        Broker.of(url)


@pytest.mark.parametrize(
    ("topics", "topic", "device"),
    [
        ("fmq/+/stream", "fmq/cam1/stream", "cam1"),
        ("+/+/stream", "hall/cam1/stream", "hall/cam1"),
        ("fmq/#", "fmq/hall/cam1", "hall/cam1"),
        ("fmq/cam1", "fmq/cam1", "fmq/cam1"),
    ],
)
def test_wildcards_name_the_device(topics: str, topic: str, device: str) -> None:
    assert Broker("h", 1883, topics).device_of(topic) == device
