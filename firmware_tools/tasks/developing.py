"""For those who change the project: test, lint and fuzz."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from invoke.context import Context

from firmware_tools.tasks.console import emit, fmq_task, steps
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
    if importlib.util.find_spec("xdist") is None:
        raise MissingToolError("pytest is not installed; python3 tasks.py test installs it")
    command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "--dist", "loadgroup"]
    command += ["-k", only] if only else []
    command += [] if slow else ["-m", "not slow"]
    _run(command, "the tests do not pass")


@fmq_task(help={"fix": "mend what can be mended"})
def lint(context: Context, fix: bool = False) -> None:
    """Check style, types and C: ruff, mypy, cppcheck."""
    missing = [name for name in ("ruff", "mypy") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingToolError(
            f"{' and '.join(missing)} are not installed; python3 tasks.py lint installs them"
        )
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


@fmq_task(
    help={
        "target": "decoder, link, python or tflite; several with commas; by default all at once",
        "seconds": "how many seconds to fuzz; 0 only runs the inputs of tests/fuzz/corpus",
        "findings": "the folder that gets the inputs that show a defect",
        "input": "run one such input of a single --target again",
        "seed": "of the random numbers that mutate inputs",
        "grow": "put inputs that reach something new into tests/fuzz/corpus",
    }
)
def fuzz(
    context: Context,
    target: str = "",
    seconds: int = 60,
    findings: str = "fuzz-findings",
    input: str = "",
    seed: int = 1,
    grow: bool = False,
    json: str | None = None,
) -> None:
    """Look for inputs that break a decoder, the link or a reader of files."""
    from firmware_tools.fuzzing.fuzz import fuzz as run
    from firmware_tools.fuzzing.fuzz import run_input

    corpus = _checkout() / "tests" / "fuzz" / "corpus"
    names = [name for name in target.split(",") if name]
    if input:
        if len(names) != 1:
            raise InputError(f"--input is of one --target; got {target or 'none'}; name it")
        run_input(names[0], Path(input))
        emit(f"{input}: no defect of {names[0]}", {"input": input, "holds": True}, json)
        return
    with steps(len(names) + 1) as step:
        results = run(names, seconds, corpus, Path(findings), seed=seed, grow=grow, step=step)
    rows = [
        {
            "target": result.target,
            "seeds": result.seeds,
            "runs": result.runs,
            "covered": result.covered,
            "found": [str(path) for path in result.found],
        }
        for result in results
    ]
    text = [
        f"{result.target}: {result.runs:,} inputs, {result.covered:,} edges reached, "
        + (f"found {', '.join(map(str, result.found))}" if result.found else "no defect")
        for result in results
    ]
    emit("\n".join(text), rows, json)
    broken = [result for result in results if result.found]
    if broken:
        logs = "\n".join(f"{result.target}:\n{result.log[-4000:]}" for result in broken)
        raise MismatchError(f"{logs}\nrun one again: inv fuzz --target TARGET --input FILE")


def _cppcheck() -> list[str]:
    return [
        "cppcheck",
        "--quiet",
        "--std=c99",
        "--enable=warning,style,performance,portability",
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


TASKS = (test, lint, fuzz)
