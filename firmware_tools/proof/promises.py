"""Promises that tests show: faults, hostile input, keys, old streams; a row of the proof each."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from firmware_tools.proof.section import Kits, Row, Step
from firmware_tools.proof.versions import CHECKOUT

PROMISES: Mapping[str, tuple[str, ...]] = {
    "an encode, calibrate, split or headers that is cut short at any operation on files, a full "
    "disk, a folder that only reads, two runs at once": ("tests/faults/test_cut_short.py",),
    "an emulator that is killed at work": ("tests/faults/test_killed_emulator.py",),
    "files are written whole or not at all": (
        "tests/test_files.py",
        "tests/test_written_together.py",
    ),
    "a shared cache that is missing, broken, or used by two at once": (
        "tests/test_model_store.py",
    ),
    "a flash that is interrupted goes on; what is written is read back": (
        "tests/flashers/test_flashing.py",
    ),
    "tables over the link: a power cut at any byte, keys, tags, versions": ("tests/tables",),
    "every prefix and every flipped bit of streams of each profile and coding, in Python, C and "
    "on a board": ("tests/fuzz/test_every_spoilt_stream.py",),
    "streams, models and deployments with any bytes in them: memory bounded, nothing run": (
        "tests/fuzz/test_hostile_files.py",
    ),
    "frozen kits are decoded and encoded as ever": ("tests/conformance/test_frozen.py",),
}


def check_promises(kits: Kits, step: Step) -> Iterator[Row]:
    """A row for each promise: how many tests, and how many of them fail."""
    for promise, paths in PROMISES.items():
        step(promise)
        absent = ""
        if not (CHECKOUT / "tests").is_dir():
            absent = "tests are in a checkout of the project only"
        elif importlib.util.find_spec("pytest") is None:
            absent = "pytest is not installed; pip install 'fmq-embedded[test]' brings it"
        yield Row(promise, absent=absent) if absent else _row(promise, paths)


def _row(promise: str, paths: tuple[str, ...]) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, f"--junitxml={report}", f"--basetemp={folder}/tests", *paths],
            cwd=CHECKOUT,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            capture_output=True,
            check=False,
            text=True,
        )
        if done.returncode not in (0, 1):
            said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
            return Row(promise, 1, 1, f"the tests do not run: {said[-1]}")
        return _counted(promise, ElementTree.parse(report).getroot())


def _counted(promise: str, root: ElementTree.Element) -> Row:
    tests = list(root.iter("testcase"))
    wrong = [test for test in tests if {child.tag for child in test} & {"failure", "error"}]
    left_out = [test for test in tests if {child.tag for child in test} & {"skipped"}]
    detail = f"{wrong[0].get('classname')}: {wrong[0].get('name')}" if wrong else ""
    if left_out and not wrong:
        detail = f"{len(left_out)} more could not be run here"
    return Row(promise, len(tests) - len(left_out), len(wrong), detail)
