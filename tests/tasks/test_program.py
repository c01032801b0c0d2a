"""The program itself: its tasks, its help, calls that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from firmware_tools.tasks.collection import namespace
from firmware_tools.tasks.options import SHARED_HELP, option_help
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


def test_the_help_tells_defaults_and_what_all_tasks_say_of_an_option() -> None:
    def sized(board: str, out: str = "a", share: float = 0.5, every: int = 0, json: str = "",
              data: str = "x", quick: bool = True) -> None:  # fmt: skip
        """Options of every kind of default."""

    own = {"out": "where", "share": "how much", "every": "how often; 0: never",
           "data": "by default x", "quick": "a look"}  # fmt: skip
    assert option_help(sized, own) == {
        "board": SHARED_HELP["board"],
        "out": "where (default: a)",
        "share": "how much (default: 0.5)",
        "every": "how often; 0: never",
        "json": SHARED_HELP["json"],
        "data": "by default x",
        "quick": "a look",
    }


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
        (("headers",), ("headers needs --deployment; `fmq headers --help` explains it",)),
        (("sign",), ("sign needs --image and --key-file",)),
        (("plot", "rate"), ("give --deployment and --out too",)),
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
