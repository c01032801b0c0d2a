"""`fmq gateway` as a user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from firmware_tools.gateway.stream_frames import stream_frames
from firmware_tools.link import Device
from fmq_embedded.deploy.deployment_files import HEAD, TAIL, load
from fmq_embedded.runtimes import open_model
from tests.deploy.tiny_deployment import SHAPE, inputs, split_deployment
from tests.gateway.conftest import Case
from tests.gateway.fake_device import FakeDevice
from tests.link import host_firmware
from tests.tasks.running import PROGRAM, ROOT, fmq


def test_lines_then_counters(folder: Path, cases: list[Case], tmp_path: Path) -> None:
    sent = [stream_frames(case.stream, number) for number, case in enumerate(cases)]
    call = ("gateway", "--deployment", folder, "--values", "0", "--count", "3")
    with closing(FakeDevice(sent)) as device:
        done = fmq(tmp_path, *call, "--port", device.url)
    assert done.status == 0, done.err
    *lines, last = map(json.loads, done.out.splitlines())
    for line, case in zip(lines, cases, strict=True):
        for name, expected in case.outputs.items():
            got = np.array(line["outputs"][name]["values"], np.float32)
            np.testing.assert_array_equal(got, expected.ravel())
    assert last["counters"][device.url]["maps"] == 3
    assert "· 3 maps of 1 device; 0 refused" in done.err


def test_a_board_with_the_firmware_is_asked(folder: Path, tmp_path: Path) -> None:
    """The board holds a map; each time it is asked it codes it anew."""
    deployment = load(folder)
    maps = open_model(folder / HEAD).run(inputs(1, seed=8)[0].reshape(SHAPE))
    expected = open_model(folder / TAIL).run(deployment.decode(deployment.encode(maps)))
    program = host_firmware.build_deployment(tmp_path, deployment, "mps2-an385")
    with host_firmware.PtyLine(program) as line:
        with Device.open(line.url) as device:
            for index, plan in enumerate(deployment.tensors):
                device.load_input(index, maps[plan.name])
        poll = ("--poll", "0.01", "--count", "3", "--values", "0", "--out", "lines.json")
        done = fmq(tmp_path, "gateway", "--deployment", folder, "--port", line.url, *poll)
    assert (done.status, done.out) == (0, ""), done.err
    *lines, _ = map(json.loads, (tmp_path / "lines.json").read_text().splitlines())
    assert len(lines) == 3
    for found in lines:
        values = np.array(found["outputs"]["sum"]["values"], np.float32)
        np.testing.assert_array_equal(values, expected["sum"].ravel())


def test_ctrl_c_ends_it_with_its_counters(
    folder: Path, cases: list[Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with closing(FakeDevice([stream_frames(cases[0].stream, 0)])) as device:
        command = [sys.executable, *PROGRAM, "gateway", "--deployment", str(folder)]
        running = subprocess.Popen(
            [*command, "--port", device.url], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["number"] == 0
        running.send_signal(signal.SIGINT)
        rest, _ = running.communicate(timeout=60)
    assert json.loads(rest)["counters"][device.url]["maps"] == 1
    assert running.returncode == 0


@pytest.mark.parametrize(
    ("call", "status", "parts"),
    [
        ((), 2, ("--port", "--mqtt")),
        (("--port", "p", "--publish"), 2, ("--publish",)),
        (("--mqtt", "mqtt:nothing"), 2, ("is no MQTT URL",)),
        (("--mqtt", "mqtt://127.0.0.1:1/t"), 3, ("no MQTT broker answers at 127.0.0.1:1",)),
        (("--port", "p", "--every", "0"), 2, ("--every",)),
    ],
)
def test_what_is_refused(
    folder: Path, tmp_path: Path, call: tuple[str, ...], status: int, parts: tuple[str, ...]
) -> None:
    fmq(tmp_path, "gateway", "--deployment", folder, *call).assert_refused(status, *parts)


def test_before_calibration_the_next_step_is_named(tmp_path: Path) -> None:
    split_deployment(tmp_path / "d")
    fmq(tmp_path, "gateway", "--deployment", "d", "--port", "p").assert_refused(2, "inv calibrate")
