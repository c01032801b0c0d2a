"""tasks.py as a script: when it makes the environment, what it installs, what it runs."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from firmware_tools.tasks.collection import namespace
from tests.tasks.running import ROOT


class Machine:
    """Stands for the machine: notes each command, and makes what it would make."""

    def __init__(self, bootstrap: ModuleType, folder: Path) -> None:
        self.bootstrap = bootstrap
        self.folder = folder
        self.commands: list[list[str]] = []
        self.python_version = str(sys.version_info[:2])
        self.fails_at = ""
        self.status = 0

    def run(self, command: list[str], **options: Any) -> SimpleNamespace:
        if "-c" in command:
            return SimpleNamespace(stdout=f"{self.python_version}\n", returncode=0)
        self.commands.append(command)
        if self.fails_at and self.fails_at in command:
            raise subprocess.CalledProcessError(1, command)
        if "venv" in command:
            python = self.folder / ".venv" / "bin" / "python"
            python.parent.mkdir(parents=True, exist_ok=True)
            python.write_text("")
        return SimpleNamespace(returncode=0)

    def call(self, command: list[str]) -> int:
        self.commands.append(command)
        return self.status

    def taken(self, *arguments: str) -> list[str]:
        """The kinds of steps that `tasks.py arguments` took."""
        self.commands.clear()
        self.bootstrap.main(list(arguments))
        return [command[2].rpartition(".")[2] for command in self.commands]


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "tasks.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(module, "HERE", tmp_path)
    monkeypatch.setattr(module, "ENVIRONMENT", tmp_path / ".venv")
    monkeypatch.setattr(module.os, "name", "posix")
    return module


@pytest.fixture
def machine(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(bootstrap, tmp_path)
    fake = SimpleNamespace(
        run=made.run, call=made.call, CalledProcessError=subprocess.CalledProcessError
    )
    monkeypatch.setattr(bootstrap, "subprocess", fake)
    return made


def test_the_first_time_everything_is_made_and_then_nothing(machine: Machine) -> None:
    assert machine.taken("demo") == ["venv", "pip", "program"]
    assert machine.taken("demo") == ["program"]
    python = str(machine.folder / ".venv" / "bin" / "python")
    assert machine.commands == [[python, "-m", "firmware_tools.tasks.program", "demo"]]


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("demo",), "demo"),
        (("test", "--slow"), "test"),
        (("lint",), "test"),
        (("bench",), "demo"),
        (("encode", "a.npy", "a.fmq"), "device"),
        (("verify",), "device"),
        (("verify", "--all", "--report", "page.md"), "test"),
        (("profile", "--all"), "device"),
        (("--list",), "device"),
        (("--echo", "test"), "test"),
        ((), "device"),
    ],
)
def test_what_a_task_needs_is_installed(
    machine: Machine, arguments: tuple[str, ...], extra: str
) -> None:
    machine.taken(*arguments)
    (install,) = [command for command in machine.commands if "install" in command]
    assert install[-2:] == ["--editable", f"{machine.folder}[{extra}]"]


def test_another_task_that_needs_more_installs_more(machine: Machine) -> None:
    machine.taken("demo")
    assert machine.taken("test") == ["pip", "program"]
    assert machine.taken("demo") == ["program"]


def test_a_changed_project_is_installed_again(machine: Machine) -> None:
    machine.taken("demo")
    (machine.folder / "pyproject.toml").write_text("[project]\nversion = '2'\n")
    assert machine.taken("demo") == ["pip", "program"]
    assert machine.taken("demo") == ["program"]


def test_an_environment_of_another_python_is_made_anew(machine: Machine) -> None:
    machine.taken("demo")
    (machine.folder / ".venv" / ".installed-demo").unlink()
    machine.python_version = "(3, 10)"
    assert machine.taken("demo") == ["venv", "pip", "program"]
    assert "--clear" in machine.commands[0]


@pytest.mark.parametrize("step", ["venv", "pip"])
def test_a_set_up_that_fails_is_said_and_tried_again(
    machine: Machine, step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.fails_at = step
    assert machine.bootstrap.main(["demo"]) == 2
    assert "error: the set-up failed: " in capsys.readouterr().err
    machine.fails_at = ""
    assert machine.taken("demo")[-2:] == ["pip", "program"]


def test_what_a_larger_set_has_is_not_installed_again(machine: Machine) -> None:
    assert machine.taken("demo") == ["venv", "pip", "program"]
    assert machine.taken("encode", "a.npy", "a.fmq") == ["program"]
    assert machine.taken("flash") == ["pip", "program"]
    assert machine.taken("test") == ["pip", "program"]
    (machine.folder / ".venv" / ".installed-demo").unlink()
    assert machine.taken("demo") == ["program"]


def test_every_larger_set_has_what_it_is_said_to_have(bootstrap: ModuleType) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needs = extras["optional-dependencies"]

    def brought(extra: str) -> set[str]:
        found = {extra}
        for requirement in needs[extra]:
            if requirement.startswith("fmq-embedded["):
                inner = requirement.removeprefix("fmq-embedded[").rstrip("]").split(",")
                found |= set().union(*map(brought, inner))
        return found

    for extra, larger in bootstrap.INCLUDED_IN.items():
        assert all(extra in brought(one) for one in larger)


@pytest.mark.parametrize("status", [0, 1, 2, 5])
def test_the_status_is_the_tasks(machine: Machine, status: int) -> None:
    machine.status = status
    assert machine.bootstrap.main(["verify"]) == status


def test_an_interruption(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(command: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(machine.bootstrap.subprocess, "call", interrupted)
    assert machine.bootstrap.main(["demo"]) == 130


def test_a_second_set_up_waits_for_the_first(
    machine: Machine, bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is held while the environment is made, and let go before the task runs."""
    import fcntl

    seen: list[tuple[str, bool]] = []

    def is_locked() -> bool:
        with (machine.folder / ".venv.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(command: list[str], **options: Any) -> Any:
            seen.append((name, is_locked()))
            return function(command, **options)

        return noted

    monkeypatch.setattr(bootstrap.subprocess, "run", noting("set-up", machine.run))
    monkeypatch.setattr(bootstrap.subprocess, "call", noting("task", machine.call))
    bootstrap.main(["demo"])
    assert set(seen) == {("set-up", True), ("task", False)}


def test_an_old_python_gets_a_friendly_word(tmp_path: Path) -> None:
    code = (ROOT / "tasks.py").read_text()
    script = "import sys; sys.version_info = (3, 9, 2); sys.version = '3.9.2 (old)'\n" + code
    (tmp_path / "old.py").write_text(script)
    run = subprocess.run(
        [sys.executable, "old.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert run.returncode != 0
    assert "needs Python 3.11 or later; this is 3.9.2" in run.stderr
    assert "Traceback" not in run.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "old.py"]


def test_tasks_that_need_more_are_tasks(bootstrap: ModuleType) -> None:
    assert set(bootstrap.EXTRAS) <= set(namespace.task_names)
    assert bootstrap.namespace is namespace
