"""The kit as a folder: cases, a folder each; a runner in C; the sums of all files."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from firmware_tools.conformance.case_files import (
    DESCRIPTION,
    KeptCase,
    case_files,
    read_case,
    results_of,
)
from firmware_tools.conformance.cases import Case
from fmq_embedded.errors import BitstreamError, InputError, MismatchError
from fmq_embedded.files import make_folder, read_bytes, write_atomically
from fmq_embedded.quantizers import reference

SUMS = "SHA256SUMS"
CASES = "cases"
RUNNER = Path(__file__).resolve().parent / "runner"
STAGES = ("levels", "stream", "restored", "decoded")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Finding:
    """A stage of a case where an implementation differs from the kit."""

    case: str
    stage: str
    what: str

    def to_json(self) -> dict[str, Any]:
        """Plain data for the `json` module."""
        return asdict(self)

    def line(self) -> str:
        """The finding as text."""
        return f"{self.case}: {self.stage}: {self.what}"


def write_kit(cases: Iterable[Case], folder: Path) -> int:
    """Write the kit; the folder is there whole or not at all. Returns the number of files.

    Raises:
        InputError: there is something under that name already.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there already; give --out the name of a new folder")
    make_folder(folder.parent)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as name:
        written = Path(name) / "kit"
        files = kit_files(cases)
        for path, data in files.items():
            make_folder((written / path).parent)
            write_atomically(written / path, data)
        if folder.exists():
            folder.rmdir()
        shutil.move(written, folder)
    return len(files)


def kit_files(cases: Iterable[Case]) -> dict[str, bytes]:
    """All files of a kit by their paths, the sums last."""
    files = {f"{RUNNER.name}/{path.name}": path.read_bytes() for path in sorted(RUNNER.iterdir())}
    files |= {
        f"{CASES}/{case.name}/{name}": data
        for case in cases
        for name, data in case_files(case).items()
    }
    files[SUMS] = "".join(f"{_sum(data)}  {path}\n" for path, data in files.items()).encode()
    return files


def read_kit(folder: Path) -> list[KeptCase]:
    """The cases of a kit by name, its sums checked.

    Raises:
        InputError: there is no kit in the folder, or it cannot be read.
        MismatchError: a file was changed.
    """
    if not (folder / SUMS).is_file():
        raise InputError(f"{folder} holds no {SUMS}; write a kit with `inv conformance --out`")
    for line in read_bytes(folder / SUMS).decode(errors="replace").splitlines():
        wanted, _, name = line.partition("  ")
        if _sum(read_bytes(folder / name)) != wanted:
            raise MismatchError(f"{folder / name} is not the file that was written: other sum")
    return [read_case(path.parent) for path in sorted((folder / CASES).glob(f"*/{DESCRIPTION}"))]


def check_cases(
    kept: Sequence[KeptCase],
    progress: Progress = lambda done, total: None,
    *,
    threads: int = 1,
) -> list[Finding]:
    """Hold the float reference and the integer path against the kit.

    Args:
        kept: the cases.
        progress: called with the cases done and the cases in all.
        threads: how many cases at a time.
    """
    findings: list[Finding] = []
    with ThreadPoolExecutor(threads) as pool:
        for done, found in enumerate(pool.map(_differences, kept)):
            findings += found
            progress(done + 1, len(kept))
    return findings


def _differences(kept: KeptCase) -> list[Finding]:
    name, wanted = kept.case.name, kept.results
    try:
        found = results_of(kept.case)
        by_reference = _reference_levels(kept.case)
    except Exception as error:  # whatever an implementation that is wrong ends in
        return [Finding(name, "levels", f"{type(error).__name__}: {error}")]
    differences = [
        Finding(name, stage, what)
        for stage in STAGES
        if (what := difference(getattr(found, stage), getattr(wanted, stage)))
    ]
    if by_reference is not None and not np.array_equal(by_reference, wanted.levels):
        differences.append(Finding(name, "reference", "the reference has other levels"))
    if kept.host is not None:
        restored = kept.case.deployment.decode_levels(kept.host.stream)[kept.case.plan.name]
        if what := difference(restored, kept.host.restored):
            differences.append(Finding(name, "host", what))
    taken = [index for index, data in enumerate(kept.refused) if _is_taken(kept.case, data)]
    return differences + [
        Finding(name, "refused", f"stream {index} is taken, though it cannot be") for index in taken
    ]


def _is_taken(case: Case, data: bytes) -> bool:
    try:
        case.deployment.decode(data)
    except (BitstreamError, InputError):
        return False
    return True


def difference(found: Any, wanted: Any) -> str:
    """How many elements, or bytes, differ and the first of them, in words; empty where none do."""
    if isinstance(found, bytes):
        found, wanted = (np.frombuffer(data, np.uint8) for data in (found, wanted))
    if found.shape != wanted.shape:
        return f"{found.size} elements, expected {wanted.size}"
    size = f"u{found.dtype.itemsize}"
    wrong = np.flatnonzero(found.reshape(-1).view(size) != _alike(wanted, found).view(size))
    if not wrong.size:
        return ""
    at = int(wrong[0])
    return f"{wrong.size} of {found.size} differ; [{at}] is {found.flat[at]}, {wanted.flat[at]}"


def _alike(wanted: Any, found: Any) -> Any:
    return np.ascontiguousarray(wanted.reshape(-1), found.dtype)


def _reference_levels(case: Case) -> Any:
    """Levels by the float reference; None where it knows none: of classes, of dense plans."""
    plan = case.plan
    if plan.partition is not None or plan.dense is not None:
        return None
    return reference.quantize(
        plan.chosen_quantizer, case.samples, scale=plan.scale, zero_point=plan.zero_point
    )


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
