"""The tasks of this project, for `inv` and for a machine that has nothing but Python.

`python3 tasks.py demo` makes a virtual environment in .venv beside this file, installs the project
there with what the task needs, and runs the task inside it. Afterwards `inv demo` does the same in
an activated environment, and `fmq demo` from anywhere.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (a friendly word for those who have an older one)
    sys.exit(
        "error: fmq-embedded needs Python 3.11 or later; this is "
        + sys.version.split()[0]
        + "; try python3.11 tasks.py, python3.12 tasks.py or python3.13 tasks.py"
    )

import contextlib
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"
EXTRAS = {
    "demo": "demo",
    "test": "test",
    "lint": "test",
    "fuzz": "test",
    "bench": "demo",
    "flash": "flash",
    "erase": "flash",
    "report": "report",
    "plot": "report",
}
DEFAULT_EXTRA = "device"
# What else brings all that an extra brings: with that installed there is nothing to install.
INCLUDED_IN = {
    "device": ("demo", "flash", "report", "test"),
    "demo": ("test",),
    "flash": ("test",),
    "report": ("test",),
}


def main(arguments: list[str]) -> int:
    """Set the environment up for the task named first, run the tasks in it."""
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    task = next((word for word in arguments if not word.startswith("-")), "")
    extra = EXTRAS.get(task, DEFAULT_EXTRA)
    if task == "verify" and "--all" in arguments:
        extra = "test"  # tests and fuzzers are parts of the whole proof
    try:
        with _one_at_a_time():
            _set_up(python, extra)
    except subprocess.CalledProcessError as error:
        command = " ".join(map(str, error.cmd))
        print(
            f"error: the set-up failed: {command}\nif this computer is offline, connect it; "
            "the same call goes on from there",
            file=sys.stderr,
        )
        return 2
    command = [python, "-m", "firmware_tools.tasks.program", *arguments]
    try:
        return subprocess.call([*map(str, command)])
    except KeyboardInterrupt:
        return 130


def _set_up(python: Path, extra: str) -> None:
    stamps = [ENVIRONMENT / f".installed-{name}" for name in (extra, *INCLUDED_IN.get(extra, ()))]
    wanted = hashlib.sha256((HERE / "pyproject.toml").read_bytes() + sys.version.encode())
    known = [stamp.read_text() for stamp in stamps if stamp.exists()]
    if python.exists() and wanted.hexdigest() in known:
        return
    if not python.exists() or not _is_this_python(python):
        print(f"making {ENVIRONMENT.name} for Python {sys.version.split()[0]}", file=sys.stderr)
        _run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)])
    print(f"installing the project with what `{extra}` needs (once)", file=sys.stderr)
    target = f"{HERE}[{extra}]"
    _run([str(python), "-m", "pip", "install", "--quiet", "--editable", target])
    stamps[0].write_text(wanted.hexdigest())


def _is_this_python(python: Path) -> bool:
    code = "import sys; print(sys.version_info[:2])"
    found = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
    return found.stdout.strip() == str(sys.version_info[:2])


def _run(command: list[str]) -> None:
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run(command, check=True, stdout=sys.stderr, env=environment)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Let a second set-up of the same folder wait for the first."""
    if os.name == "nt":
        yield
        return
    import fcntl

    with (HERE / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

from firmware_tools.tasks.collection import namespace  # noqa: E402 (needs what the set-up installs)

__all__ = ["namespace"]
