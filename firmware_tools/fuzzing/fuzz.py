"""Runs fuzzers side by side, and says how much they did and what they found."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.fuzzing import corpus
from firmware_tools.fuzzing.targets import TARGETS
from fmq_embedded.errors import MismatchError, unknown_name
from fmq_embedded.files import make_folder

_DONE = re.compile(r"^Done (\d+) runs|stat::number_of_executed_units:\s*(\d+)", re.MULTILINE)
_COVERED = re.compile(r"cov: (\d+)")


@dataclass(frozen=True)
class Fuzzed:
    """What one target did.

    Args:
        seeds: inputs of the corpus that it began with.
        runs: inputs in all.
        covered: edges of the code, or of the Python byte code, that were reached.
        found: files with inputs that show a defect.
        log: what the fuzzer printed.
    """

    target: str
    seeds: int
    runs: int
    covered: int
    found: tuple[Path, ...]
    log: str


def fuzz(
    targets: Sequence[str],
    seconds: int,
    corpus_folder: Path,
    findings: Path,
    *,
    seed: int = 1,
    grow: bool = False,
    step: Callable[[str], None] = lambda _: None,
) -> list[Fuzzed]:
    """Fuzz targets side by side.

    Args:
        targets: names of `TARGETS`; none for all.
        seconds: of each; 0 only runs the corpus.
        corpus_folder: what they begin with; see `corpus.unpack`.
        findings: gets <target>-<kind>-<hash> for each defect.
        seed: of the mutations; the same one explores the same way, as far as time allows.
        grow: put inputs that reach something new into the corpus.
        step: called with what begins.

    Raises:
        InputError: an unknown target.
        MissingToolError: clang's libFuzzer or atheris is not installed.
    """
    chosen = list(targets) or list(TARGETS)
    for name in chosen:
        if name not in TARGETS:
            raise unknown_name("target of fuzzing", name, TARGETS)
    make_folder(findings)
    with tempfile.TemporaryDirectory() as work:
        fuzzers = []
        for name in chosen:
            step(f"preparing {name}")
            fuzzers.append(_Fuzzer(name, Path(work) / name, corpus_folder, findings.resolve()))
        step(f"fuzzing {', '.join(chosen)} for {seconds} s")
        limits = [f"-max_total_time={seconds}"] if seconds else ["-runs=0"]
        running = [fuzzer.start([*limits, f"-seed={seed}"]) for fuzzer in fuzzers]
        results = [fuzzer.finish(process) for fuzzer, process in zip(fuzzers, running, strict=True)]
        if grow:
            for fuzzer in fuzzers:
                step(f"packing the corpus of {fuzzer.name}")
                fuzzer.grow(corpus_folder)
    with contextlib.suppress(OSError):
        findings.rmdir()  # nothing was found
    return results


def run_input(target: str, path: Path) -> str:
    """Run one input again; returns what the fuzzer printed.

    Raises:
        MismatchError: it still shows the defect; the text has what the fuzzer printed.
    """
    if target not in TARGETS:
        raise unknown_name("target of fuzzing", target, TARGETS)
    with tempfile.TemporaryDirectory() as work:
        command = TARGETS[target].prepare(Path(work))
        done = subprocess.run(
            [*command, str(path)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=_environment(),
        )
    if done.returncode:
        raise MismatchError(f"{target} with {path}:\n{done.stdout}{done.stderr}")
    return done.stderr


class _Fuzzer:
    """A target's program, its corpus unpacked."""

    def __init__(self, name: str, folder: Path, corpus_folder: Path, findings: Path) -> None:
        make_folder(folder)
        self.name, self.folder, self.findings = name, folder, findings
        self.command = TARGETS[name].prepare(folder)
        self.inputs = folder / "inputs"
        self.seeds = corpus.unpack(corpus_folder, name, self.inputs)
        self.log = folder / "log"

    def start(self, options: Sequence[str]) -> subprocess.Popen[bytes]:
        target = TARGETS[self.name]
        command = [
            *self.command,
            str(self.inputs),
            *options,
            f"-max_len={target.largest}",
            f"-rss_limit_mb={target.megabytes}",
            f"-timeout={target.slowest_s}",
            f"-report_slow_units={target.slowest_s}",
            f"-artifact_prefix={self.findings}/{self.name}-",
            "-print_final_stats=1",
        ]
        with self.log.open("wb") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
            )

    def finish(self, process: subprocess.Popen[bytes]) -> Fuzzed:
        status = process.wait()
        log = self.log.read_text(errors="replace")
        found = tuple(sorted(self.findings.glob(f"{self.name}-*")))
        if status and not found:
            raise MismatchError(f"the fuzzer of {self.name} ended with status {status}:\n{log}")
        runs = max((int(a or b) for a, b in _DONE.findall(log)), default=0)
        covered = max(map(int, _COVERED.findall(log)), default=0)
        return Fuzzed(self.name, self.seeds, runs, covered, found if status else (), log)

    def grow(self, corpus_folder: Path) -> None:
        kept = self.folder / "kept"
        make_folder(kept)
        merging = [*self.command, "-merge=1", str(kept), str(self.inputs)]
        subprocess.run(merging, capture_output=True, check=True, env=_environment())
        corpus.pack(corpus_folder, self.name, kept)


def _environment() -> dict[str, str]:
    # As many threads as there are fuzzers are enough.
    return {**os.environ, "NUMBA_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(_paths())}


def _paths() -> list[str]:
    root = str(Path(__file__).resolve().parents[2])
    before = os.environ.get("PYTHONPATH")
    return [root, before] if before else [root]
