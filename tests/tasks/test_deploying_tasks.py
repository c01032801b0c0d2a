"""split, calibrate, headers and verify, one after the other as a user runs them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from fmq_embedded.deploy.deployment_files import load
from tests.deploy import tiny_deployment
from tests.link import host_firmware
from tests.tasks.running import Outcome, fmq

CALIBRATE = ("--tail-sqnr", "30", "--bit-depths", "4,6")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("deploying")
    (path / "tiny.tflite").write_bytes(tiny_deployment.model())
    np.save(path / "data.npy", tiny_deployment.inputs())
    return path


@pytest.fixture(scope="module")
def ran(folder: Path) -> dict[str, Outcome]:
    """The tasks' outcomes, in order, in the deployment `d`."""
    cut = ",".join(tiny_deployment.CUT)
    d = ("--deployment", "d")
    return {
        "split": fmq(folder, "split", "--model", "tiny.tflite", "--at", cut, "--out", "d"),
        "calibrate": fmq(folder, "calibrate", *d, "--data", "data.npy", "--json", *CALIBRATE),
        "unwritten": fmq(folder, "headers", *d, "--check"),
        "headers": fmq(folder, "headers", *d),
        "check": fmq(folder, "headers", *d, "--check", "--json"),
        "verify": fmq(folder, "verify", *d, "--target", "numba,c", "--json"),
    }


def test_profile_of_a_real_board(ran: dict[str, Outcome], folder: Path, tmp_path: Path) -> None:
    """The port's other end is the board's firmware as a process here."""
    assert ran["headers"].status == 0, ran["headers"].err
    program = host_firmware.build_deployment(tmp_path, load(folder / "d"), "mps2-an385")
    with host_firmware.PtyLine(program) as line:
        profile = ("profile", "--deployment", "d", "--json", "--port", line.url)
        data = fmq(folder, *profile, "--runs", "2").json
        other = fmq(folder, *profile, "--board", "mps2-an386")
        every = fmq(folder, "profile", "--all", "--port", line.url)
    assert (data["board"], data["unit"]) == ("mps2-an385", "cycles")
    stages = [stage["name"] for stage in data["stages"]]
    assert stages == ["quantize", "encode", "decode", "dequantize"]
    assert all(stage["minimum"] <= stage["median"] <= stage["maximum"] for stage in data["stages"])
    assert data["provenance"]["measured_with"] == line.url
    assert other.status == 2
    assert "is mps2-an385; expected mps2-an386" in other.err
    assert every.status == 2
    assert "--all is of emulated boards" in every.err


@pytest.fixture
def other(folder: Path, ran: dict[str, Outcome], tmp_path: Path) -> Path:
    """A copy of the deployment, for changes."""
    assert ran["verify"].status == 0, ran["verify"].err
    return Path(shutil.copytree(folder / "d", tmp_path / "d"))


def test_split(ran: dict[str, Outcome], folder: Path) -> None:
    assert ran["split"].status == 0, ran["split"].err
    assert "wave: float32 1×4×4×3" in ran["split"].out
    assert "next: inv calibrate --deployment d" in ran["split"].out
    assert load(folder / "d").name == "tiny"


def test_calibrate_prints_its_choices_and_its_progress_apart(ran: dict[str, Outcome]) -> None:
    data = ran["calibrate"].json
    assert [row["name"] for row in data["tensors"]] == list(tiny_deployment.CUT)
    assert data["change"] <= data["limit"] == pytest.approx(1e-3)
    assert "· running the head on the calibration inputs" in ran["calibrate"].err


def test_headers_and_their_check(ran: dict[str, Outcome]) -> None:
    ran["unwritten"].assert_refused(1, "fmq_tables.h, fmq_tables.c", "inv headers --deployment d")
    assert ran["headers"].status == 0
    assert ran["check"].json == {"folder": "d/c", "stale": []}


def test_verify_is_a_list_of_what_was_checked(ran: dict[str, Outcome]) -> None:
    rows = ran["verify"].json
    assert {row["target"] for row in rows} == {"numba", "c"}
    for row in rows:
        assert row["inputs_checked"] > 0
        assert (row["mismatches"], row["first_difference"]) == (0, None)


def test_a_stale_header_is_found_and_not_changed(other: Path) -> None:
    header = other / "c" / "fmq_tables.h"
    header.write_text(header.read_text() + "\n")
    before = header.read_bytes()
    refused = fmq(other.parent, "headers", "--deployment", "d", "--check")
    refused.assert_refused(1, "not what the deployment gives: fmq_tables.h;")
    assert header.read_bytes() == before


def test_headers_elsewhere(other: Path) -> None:
    call = ["headers", "--deployment", "d", "--out", "elsewhere"]
    fmq(other.parent, *call, "--check").assert_refused(1, "--deployment d --out elsewhere")
    assert fmq(other.parent, *call).status == 0
    assert (other.parent / "elsewhere" / "fmq_tables.c").is_file()
    (other.parent / "file").write_bytes(b"")
    fmq(other.parent, *call[:-1], "file").assert_refused(2, "the folder file cannot be made")


def test_verify_finds_a_case_that_was_changed(other: Path) -> None:
    stream = other / "conformance" / "stream.fmq"
    stream.write_bytes(stream.read_bytes() + b"\0")
    done = fmq(other.parent, "verify", "--deployment", "d", "--target", "numba")
    assert done.status == 1
    assert "0 mismatches" in done.out
    assert "error: d/conformance/stream.fmq is not the file" in done.err
    assert "Traceback" not in done.err


WRONG = """
import sys
import numpy as np
from firmware_tools.host_codec import HostCodec
right = HostCodec.quantize
def wrong(self, index, samples):
    levels = right(self, index, samples)
    return np.where(samples == samples.flat[5], levels ^ 1, levels)
HostCodec.quantize = wrong
from firmware_tools.tasks.program import main
main()
"""


def test_verify_reports_a_target_that_is_wrong(
    other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (other.parent / "wrong.py").write_text(WRONG)
    monkeypatch.setattr("tests.tasks.running.PROGRAM", ("wrong.py",))
    done = fmq(other.parent, "verify", "--deployment", "d", "--target", "c")
    assert done.status == 1
    assert "first difference, c wave: " in done.out
    assert "error: 2 of 5 checks do not hold" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("call", "status", "parts"),
    [
        (("split", "--at", "sidd", "--model", "tiny.tflite"), 2, ("'sidd'", "nearest are side")),
        (("split", "--at", "side", "--model", "tiny.tflite"), 2, ("name these too: wave",)),
        (("split", "--at", "side", "--model", "data.npy"), 2, ("not a .tflite model",)),
        (("split", "--at", "side", "--model", "gone.tflite"), 2, ("gone.tflite cannot be read",)),
        (("split", "--at", ",", "--model", "tiny.tflite"), 2, ("at least one tensor",)),
    ],
)
def test_split_refuses_and_makes_nothing(
    folder: Path, call: tuple[str, ...], status: int, parts: tuple[str, ...]
) -> None:
    fmq(folder, *call, "--out", "new").assert_refused(status, *parts)
    assert not (folder / "new").exists()


@pytest.mark.parametrize(
    ("call", "status", "parts"),
    [
        (("calibrate", "--data", "gone.npy"), 2, ("gone.npy cannot be read",)),
        (("calibrate", "--data", "tiny.tflite"), 2, ("no .npy or .npz file",)),
        (("calibrate", "--data", "data.npy", "--bit-depths", "4;6"), 2, ("got '4;6'",)),
        (
            ("calibrate", "--data", "data.npy", "--bit-depths", "3", "--tail-sqnr", "150"),
            1,
            ("allow more bits than 3",),
        ),
        (("verify", "--target", "numba,nothing"), 2, ("'nothing'",)),
        (("profile", "--board", "mps2-an38"), 2, ("'mps2-an38'", "nearest are mps2-an386")),
        (("profile", "--toolchain", "zigg"), 2, ("'zigg'", "nearest are zig")),
    ],
)
def test_what_is_refused_leaves_the_deployment_as_it_was(
    other: Path, folder: Path, call: tuple[str, ...], status: int, parts: tuple[str, ...]
) -> None:
    for name in ("data.npy", "tiny.tflite"):
        shutil.copy(folder / name, other.parent)
    before = {path: path.read_bytes() for path in other.rglob("*") if path.is_file()}
    fmq(other.parent, *call, "--deployment", "d").assert_refused(status, *parts)
    assert {path: path.read_bytes() for path in other.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("task", ["headers", "verify", "profile"])
def test_before_calibration_the_next_step_is_named(folder: Path, tmp_path: Path, task: str) -> None:
    tiny_deployment.split_deployment(tmp_path / "d")
    fmq(tmp_path, task, "--deployment", "d").assert_refused(2, "inv calibrate")
    fmq(tmp_path, task, "--deployment", "gone").assert_refused(2, "gone holds no deployment.toml")
