"""The package as a whole: its public names, and that importing it stays quick."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fmq_embedded as fmq
from fmq_embedded.bitstream import syntax

ROOT = Path(__file__).resolve().parents[1]
SLOW = ("numba", "tflite_runtime", "ai_edge_litert", "skimage", "sklearn", "serial", "rich", "PIL")


def imported_by(statement: str) -> set[str]:
    """The top-level modules that are there after a statement, in a new process."""
    code = f"import sys\n{statement}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import fmq_embedded as fmq",
        "import fmq_embedded as fmq; [getattr(fmq, name) for name in fmq.__all__]",
        "import fmq_embedded as fmq; fmq.Quantizer.uniform(0, 1); fmq.Settings()",
    ],
)
def test_slow_packages_are_imported_when_they_are_used(statement: str) -> None:
    found = imported_by(statement)
    assert "fmq_embedded" in found or "firmware_tools" in found
    assert not found & set(SLOW)


def test_a_task_starts_without_what_it_does_not_need() -> None:
    found = imported_by("import firmware_tools.tasks.program")
    assert not found & (set(SLOW) - {"serial"})


def test_numpy_itself_waits_for_the_first_name() -> None:
    assert "numpy" not in imported_by("import fmq_embedded")


def test_every_public_name_is_there() -> None:
    assert dir(fmq) == sorted(fmq.__all__)
    for name in fmq.__all__:
        assert getattr(fmq, name) is not None
    assert fmq.reference.quantize is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = fmq.nothing


def test_errors_have_one_root_and_a_status() -> None:
    kinds = [getattr(fmq, name) for name in fmq.__all__ if name.endswith("Error")]
    assert all(issubclass(kind, fmq.FmqError) and kind("text").exit_status for kind in kinds)
    assert fmq.InputError("text").exit_status == fmq.BitstreamError("text").exit_status == 2
    assert fmq.MismatchError("text").exit_status == 1
    assert issubclass(fmq.InputError, ValueError)
    assert issubclass(fmq.BitstreamError, ValueError)


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == fmq.__version__
    header = (ROOT / "firmware_tools/libfmq/include/fmq/version.h").read_text()
    numbers = re.findall(r"#define FMQ_VERSION_M\w+ (\d+)", header)
    assert ".".join(numbers) == fmq.__version__.rsplit(".", 1)[0]
    assert syntax.VERSION == 1


def test_a_type_checker_finds_the_types() -> None:
    assert (ROOT / "fmq_embedded/py.typed").is_file()
