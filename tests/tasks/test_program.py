"""The program itself: its tasks, its help, calls that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_tools.tasks.collection import namespace
from tests.tasks.running import fmq

TASKS = (
    "demo",
    "test",
    "split",
    "calibrate",
    "headers",
    "verify",
    "profile",
    "encode",
    "decode",
    "inspect",
    "boards",
    "bench",
    "lint",
    "doctor",
)


def test_every_task_is_listed(tmp_path: Path) -> None:
    shown = fmq(tmp_path, "--list")
    assert (shown.status, shown.err) == (0, "")
    names = [line.split()[0] for line in shown.out.splitlines() if line.startswith("  ")]
    assert set(TASKS) <= set(names)


@pytest.mark.parametrize("name", sorted(namespace.task_names))
def test_every_task_and_each_of_its_options_is_explained(name: str) -> None:
    task = namespace[name]
    assert task.__doc__
    for argument in task.get_arguments():
        assert argument.help, argument.name


@pytest.mark.parametrize("call", [("encode", "--help"), ("--help", "encode"), ("encode", "-h")])
def test_help_comes_before_or_after_the_task(tmp_path: Path, call: tuple[str, ...]) -> None:
    shown = fmq(tmp_path, *call)
    assert (shown.status, shown.err) == (0, "")
    assert "--bit-depth" in shown.out


@pytest.mark.parametrize(
    ("call", "parts"),
    [
        (("encoed",), ("encoed",)),
        (("encode", "a.npy", "a.fmq", "--bit-deth", "3"), ("--bit-deth",)),
        (("encode", "--bit-deth", "a.npy", "a.fmq"), ("'--bit-deth'", "nearest are --bit-depth")),
        (("encode", "a.npy", "--bit-deth"), ("'--bit-deth'", "nearest are --bit-depth")),
        (("encode", "a.npy"), ("target",)),
        (("headers",), ("deployment",)),
        (("--nothing",), ("--nothing",)),
    ],
)
def test_a_wrong_call(tmp_path: Path, call: tuple[str, ...], parts: tuple[str, ...]) -> None:
    fmq(tmp_path, *call).assert_refused(2, *parts)
    assert list(tmp_path.iterdir()) == []


def test_two_tasks_in_one_call(tmp_path: Path) -> None:
    shown = fmq(tmp_path, "boards", "inspect", "nothing.fmq")
    assert shown.status == 2
    assert "mps2-an386" in shown.out
    assert "error: nothing.fmq cannot be read" in shown.err
