"""A task that ends, or fails, at any operation on files leaves the old files or the new ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from fmq_embedded.deploy.deployment_files import load
from tests.deploy.test_calibrate import calibrated_in
from tests.deploy.tiny_deployment import CUT, model
from tests.faults.cut_short import KILLED, sums
from tests.tasks.running import PROGRAM, ROOT, fmq

ERRORS = ("ENOSPC", "EROFS")


@dataclass(frozen=True)
class Left:
    """What a run left: its exit status, what it said, the sums of the files."""

    at: int
    status: int
    said: str
    files: dict[str, str]


def cut_everywhere(how: str, kept: Path, *arguments: str) -> list[Left]:
    """Every way to cut a task short; {} in an argument stands for the folder. The last is whole."""
    folder = kept.parent / f"{kept.name}-{how}"
    call = [argument.replace("{}", str(folder)) for argument in arguments]
    command = [sys.executable, "-m", "tests.faults.cut_short", how, str(folder), str(kept), *call]
    environment = {**os.environ, "NUMBA_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, env=environment
    )
    return [Left(**json.loads(line)) for line in done.stdout.splitlines()]


def check(left: list[Left], old: dict[str, str], how: str) -> None:
    """Every run left all old files or all new ones, and said why."""
    *cut, whole = left
    assert whole.status == 0, whole.said
    assert whole.files != old
    assert len(cut) >= 3
    for run in cut:
        assert run.files in (old, whole.files), f"cut {run.at}: {run.said}"
        assert run.status == (KILLED if how == "killed" else 2) or run.files == whole.files
        if how != "killed" and run.status:
            assert run.said.startswith("error: ") and "Traceback" not in run.said, run.said
            assert os.strerror(getattr(__import__("errno"), how)) in run.said


@pytest.mark.parametrize("how", ["killed", *ERRORS])
def test_encode_over_a_stream_that_is_there(tmp_path: Path, how: str) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    np.save(kept / "map.npy", np.arange(12, dtype=np.float32).reshape(1, 3, 4))
    (kept / "map.fmq").write_bytes(b"the old stream")
    left = cut_everywhere(how, kept, "encode", "{}/map.npy", "{}/map.fmq")
    check(left, sums(kept), how)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return calibrated_in(tmp_path_factory.mktemp("kept") / "kept")


@pytest.mark.parametrize("how", ["killed", "ENOSPC"])
def test_calibrate_of_a_deployment_that_is_calibrated(calibrated: Path, how: str) -> None:
    """The quantizers, the worked case: never some of the old and some of the new."""
    data = str(calibrated.parent / f"{calibrated.name}.npy")
    left = cut_everywhere(
        how, calibrated, "calibrate", "--deployment", "{}", "--data", data, "--tail-sqnr", "20",
        "--partition", "channel",
    )  # fmt: skip
    check(left, sums(calibrated), how)


def test_calibrate_of_dense_plans_over_quantizers(calibrated: Path) -> None:
    """Another profile, plans of another kind: the old deployment or the new one."""
    data = str(calibrated.parent / f"{calibrated.name}.npy")
    left = cut_everywhere(
        "killed", calibrated, "calibrate", "--deployment", "{}", "--data", data,
        "--tail-sqnr", "20", "--profile", "dense", "--rate-distortion", "quick",
    )  # fmt: skip
    check(left, sums(calibrated), "killed")


@pytest.mark.parametrize("how", ["killed", "ENOSPC"])
def test_split_over_a_deployment_that_is_there(calibrated: Path, how: str) -> None:
    source = calibrated.parent / "tiny.tflite"
    source.write_bytes(model())
    left = cut_everywhere(
        how, calibrated, "split", "--model", str(source), "--at", CUT[0], "--out", "{}"
    )
    check(left, sums(calibrated), how)


@pytest.mark.parametrize("how", ["killed", "EROFS"])
def test_headers_over_older_ones(calibrated: Path, how: str) -> None:
    kept = calibrated.parent / "with-headers"
    shutil.copytree(calibrated, kept, dirs_exist_ok=True)
    (kept / "c").mkdir(exist_ok=True)
    for name in ("fmq_tables.h", "fmq_tables.c"):
        (kept / "c" / name).write_text("older\n")
    left = cut_everywhere(how, kept, "headers", "--deployment", "{}")
    check(left, sums(kept), how)


def test_who_comes_next_finishes_what_was_begun(calibrated: Path, tmp_path: Path) -> None:
    old = load(calibrated)
    source = calibrated.parent / "tiny.tflite"
    source.write_bytes(model())
    call = ["split", "--model", str(source), "--at", CUT[0], "--out", "{}"]
    left = cut_everywhere("killed", calibrated, *call)
    kinds = {run.files == left[-1].files for run in left[:-1]}
    assert kinds == {False, True}  # before the list of files was there, and after it
    assert load(calibrated) == old


def test_a_full_disk_says_so_and_keeps_the_old_file(tmp_path: Path) -> None:
    """By a limit on the size of files, which the kernel keeps as it does a full disk."""
    np.save(tmp_path / "map.npy", np.random.default_rng(1).normal(size=(64, 64, 4)))
    (tmp_path / "map.fmq").write_bytes(b"the old stream")
    script = (
        "import resource, sys\n"
        "import numpy as np\n"
        "import fmq_embedded as fmq\n"
        "fmq.encode(np.load('map.npy'))\n"  # the compiler's own cache is full later
        "from firmware_tools.tasks.program import program\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "program.run(['fmq', 'encode', 'map.npy', 'map.fmq'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 2
    assert "error: map.fmq cannot be written: File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "map.fmq").read_bytes() == b"the old stream"
    assert {path.name for path in tmp_path.iterdir()} == {"map.npy", "map.fmq"}


def test_a_file_where_a_folder_should_be(calibrated: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    deployment = ("--deployment", calibrated)
    fmq(tmp_path, "headers", *deployment, "--out", "file/c").assert_refused(2, "cannot be made")
    np.save(tmp_path / "map.npy", np.ones((2, 2), np.float32))
    fmq(tmp_path, "encode", "map.npy", "file/map.fmq").assert_refused(2, "cannot be written")
    verify = ("verify", *deployment, "--target", "c")
    fmq(tmp_path, *verify, FMQ_CACHE_DIR=str(tmp_path / "file" / "cache")).assert_refused(
        2, "the folder", "cannot be made"
    )
    assert (tmp_path / "file").read_bytes() == b"kept"


def test_two_runs_at_once_in_one_folder(calibrated: Path, tmp_path: Path) -> None:
    """The folder is what one of them alone would have made of it."""
    source = tmp_path / "tiny.tflite"
    source.write_bytes(model())
    alone, cuts = [], (CUT[0], ",".join(CUT))
    for cut in cuts:
        folder = tmp_path / f"alone-{cut}"
        fmq(tmp_path, "split", "--model", source, "--at", cut, "--out", folder)
        alone.append(sums(folder))
    both = tmp_path / "both"
    running = [
        subprocess.Popen(
            [sys.executable, *PROGRAM, "split", "--model", source, "--at", cut, "--out", both],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
        )
        for cut in cuts * 2
    ]
    assert [process.wait() for process in running] == [0] * 4
    assert sums(both) in alone
