"""For those who change the project: test and lint."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from invoke.context import Context

from firmware_tools.tasks.console import fmq_task
from fmq_embedded.errors import InputError, MismatchError, MissingToolError

ROOT = Path(__file__).resolve().parents[2]
C_FOLDERS = ("firmware_tools/libfmq/src", "firmware_tools/app")


@fmq_task(
    help={
        "only": "an expression of names, as pytest -k takes it",
        "slow": "also what takes minutes",
        "workers": "processes; 0 runs in this one",
    }
)
def test(context: Context, only: str = "", slow: bool = False, workers: str = "auto") -> None:
    """Run the tests, emulated boards included."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "--dist", "loadgroup"]
    command += ["-k", only] if only else []
    command += [] if slow else ["-m", "not slow"]
    _run(command, "the tests do not pass")


@fmq_task(help={"fix": "mend what can be mended"})
def lint(context: Context, fix: bool = False) -> None:
    """Check style, types and C: ruff, mypy, cppcheck."""
    python = [sys.executable, "-m"]
    failed = []
    commands = {
        "ruff check": [*python, "ruff", "check", *(["--fix"] if fix else []), "."],
        "ruff format": [*python, "ruff", "format", *([] if fix else ["--check"]), "."],
        "mypy": [*python, "mypy"],
    }
    if shutil.which("cppcheck"):
        commands["cppcheck"] = _cppcheck()
    elif os.environ.get("CI"):
        raise MissingToolError("cppcheck is not installed; get it: apt install cppcheck")
    for name, command in commands.items():
        print(name, file=sys.stderr)
        if subprocess.run(command, cwd=_checkout(), check=False).returncode:
            failed.append(name)
    if failed:
        raise MismatchError(f"{', '.join(failed)} found something; see above")


def _cppcheck() -> list[str]:
    return [
        "cppcheck",
        "--quiet",
        "--std=c99",
        "--enable=warning,performance,portability",
        "--inline-suppr",
        "--error-exitcode=1",
        "-Ifirmware_tools/libfmq/include",
        "-Ifirmware_tools/app",
        *C_FOLDERS,
    ]


def _run(command: list[str], failure: str) -> None:
    if subprocess.run(command, cwd=_checkout(), check=False).returncode:
        raise MismatchError(failure)


def _checkout() -> Path:
    if not (ROOT / "pyproject.toml").is_file():
        raise InputError("this task works in a checkout of the project only")
    return ROOT


TASKS = (test, lint)
