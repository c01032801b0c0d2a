"""What Arm's compiler for Ethos-U makes of a model: what runs where, and its estimates."""

from __future__ import annotations

import csv
import importlib.metadata
import importlib.util
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from fmq_embedded.errors import InputError, MissingToolError

ACCELERATORS: Final = ("ethos-u55-128", "ethos-u65-256", "ethos-u85-256")
_TIMEOUT_SECONDS: Final = 600


@dataclass(frozen=True)
class NpuReport:
    """The compiler's words on a model for one accelerator.

    Args:
        accelerator: as the compiler names it.
        compiler: its name and version.
        npu_operators, cpu_operators: the operators on each, after the compiler's own rewriting.
        cycles: of the NPU, estimated.
        inference_seconds: estimated, without what the processor does.
        memory_kib: by kind of memory, such as "sram"; those in use.
    """

    accelerator: str
    compiler: str
    npu_operators: tuple[str, ...]
    cpu_operators: tuple[str, ...]
    cycles: int
    inference_seconds: float
    memory_kib: Mapping[str, float]

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module."""
        return asdict(self)

    def line(self) -> str:
        """The report on one line."""
        memory = ", ".join(f"{kind} {size:.1f} KiB" for kind, size in self.memory_kib.items())
        beside = f" ({', '.join(self.cpu_operators)})" if self.cpu_operators else ""
        return (
            f"{self.accelerator}: {len(self.npu_operators)} operators on the NPU, "
            f"{len(self.cpu_operators)} beside it{beside}; {self.cycles:,} cycles estimated, "
            f"{self.inference_seconds * 1e3:.3f} ms, {memory} ({self.compiler})"
        )


def npu_report(model: bytes, accelerator: str = ACCELERATORS[0]) -> NpuReport:
    """Compile a model with ethos-u-vela and read what it says.

    Raises:
        MissingToolError: ethos-u-vela is not installed.
        InputError: it cannot compile the model, or knows no such accelerator.
    """
    if importlib.util.find_spec("ethosu") is None:
        raise MissingToolError(
            "what runs on an NPU is told by ethos-u-vela; install it with: "
            "python -m pip install 'fmq-embedded[npu]'"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(model)
        said = _compile(folder, accelerator)
        (summary,) = folder.glob("out/model_summary_*.csv")
        with summary.open(newline="") as file:
            figures = next(csv.DictReader(file))
    return NpuReport(
        accelerator,
        f"ethos-u-vela {importlib.metadata.version('ethos-u-vela')}",
        _operators(said, "NPU"),
        _operators(said, "CPU"),
        int(float(figures["cycles_total"])),
        float(figures["inference_time"]),
        _memory(figures),
    )


def _compile(folder: Path, accelerator: str) -> str:
    call: Sequence[str] = (
        sys.executable,
        "-m",
        "ethosu.vela",
        "--accelerator-config",
        accelerator,
        "--output-dir",
        str(folder / "out"),
        "--show-cpu-operations",
        "--verbose-performance",
        str(folder / "model.tflite"),
    )
    try:
        result = subprocess.run(
            call, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS, cwd=folder
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"ethos-u-vela took over {_TIMEOUT_SECONDS} s on this model") from None
    if result.returncode != 0:
        lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
        raise InputError(
            f"ethos-u-vela cannot compile this model for {accelerator}: "
            f"{lines[-1] if lines else 'it says nothing'}"
        )
    return result.stdout + result.stderr


def _operators(said: str, place: str) -> tuple[str, ...]:
    """The compiler's names; of what it passes through, the names in its warnings instead."""
    found = re.findall(rf"^\s+{place}: (\S+) = ", said, re.MULTILINE)
    if "Passthrough" in found:
        found = re.findall(r"Warning \(supported operators\) operator: (\w+)", said)
    return tuple(found)


def _memory(figures: Mapping[str, str]) -> dict[str, float]:
    ending = "_memory_used"
    sizes = {name: float(figures[name]) for name in figures if name.endswith(ending)}
    return {name.removesuffix(ending): size for name, size in sizes.items() if size}
