"""The program as a shell and `python -m` know it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import fmq_embedded
from tests.tasks.running import ROOT, fmq


def test_the_package_is_a_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fmq_embedded", "--version"],
        cwd=tmp_path, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.stdout.startswith("fmq ")
    assert fmq_embedded.__doc__


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_for_fmq(tmp_path: Path, shell: str) -> None:
    script = fmq(tmp_path, "--print-completion-script", shell).out
    assert "complete" in script
    assert "_complete_fmq" in script


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("fmq", {"encode", "report", "doctor"}),
        ("fmq report --", {"--deployment", "--compare", "--boards"}),
        ("fmq encode --", {"--bit-depth", "--partition"}),
        ("fmq encode a.npy a.fmq --", {"--bit-depth", "--partition"}),
    ],
)
def test_tab_offers_what_fits(tmp_path: Path, typed: str, offered: set[str]) -> None:
    assert offered <= set(fmq(tmp_path, "--complete", "--", *typed.split()).out.split())


def test_bash_completes_a_task(tmp_path: Path) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    program = bin_folder / "fmq"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m fmq_embedded "$@"\n')
    program.chmod(0o755)
    (tmp_path / "fmq.bash").write_text(fmq(tmp_path, "--print-completion-script", "bash").out)
    line = (
        f"PATH={bin_folder}:$PATH; . ./fmq.bash; COMP_WORDS=(fmq rep); COMP_CWORD=1; "
        "_complete_fmq fmq rep; echo ${COMPREPLY[@]}"
    )
    done = subprocess.run(
        ["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["report"]
