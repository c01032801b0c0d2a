"""The conformance kit: write it, hold this version against it, try whether it catches mistakes."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from invoke.context import Context

from firmware_tools.tasks.console import emit, fmq_task, steps
from fmq_embedded.errors import InputError, MismatchError


@fmq_task(
    help={
        "out": "a new folder for the kit: a folder for each case, and the sums of all files",
        "compact": "the small kit, with every kind of case but fewer of each",
        "check": "a kit: hold the reference, the integer path and libfmq against it",
        "self-test": "break the implementations, one line at a time; each must be caught",
        "machines": "run it on every compiler, optimisation, word size and byte order there is",
        "quick": "with --self-test or --machines: a few of each kind",
    }
)
def conformance(
    context: Context,
    out: str = "",
    compact: bool = False,
    check: str = "",
    self_test: bool = False,
    machines: bool = False,
    quick: bool = False,
    json: str | None = None,
) -> None:
    """Write the kit that other implementations prove themselves with, or use it."""
    if [bool(out), bool(check) and not machines, self_test, machines].count(True) != 1:
        raise InputError("give one of --out DIR, --check DIR, --self-test and --machines")
    if out:
        _write(Path(out), compact, json)
    elif self_test:
        _test_itself(quick, json)
    elif machines:
        with _kit(check, compact) as folder:
            _run_machines(folder, quick, json)
    else:
        _check(Path(check), json)


@contextlib.contextmanager
def _kit(given: str, compact: bool) -> Iterator[Path]:
    """The kit that was named, or one that is written for the while."""
    from firmware_tools.conformance.cases import kit_cases
    from firmware_tools.conformance.kit import write_kit

    if given:
        yield Path(given)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "kit"
        write_kit(kit_cases(compact=compact), folder)
        yield folder


def _write(out: Path, compact: bool, json: str | None) -> None:
    from firmware_tools.conformance.cases import kit_cases
    from firmware_tools.conformance.kit import write_kit

    with steps(1) as step:
        step("making the cases")
        cases = kit_cases(compact=compact)
        files = write_kit(cases, out)
    data = {"kit": str(out), "cases": len(cases), "files": files}
    text = (
        f"{out}: {len(cases)} cases, {files:,} files\n"
        "SHA256SUMS has their sums; runner/README.md says how to hold another implementation "
        "against them"
    )
    emit(text, data, json)


def _check(folder: Path, json: str | None) -> None:
    from firmware_tools.conformance.kit import check_cases, read_kit
    from firmware_tools.conformance.machines import Machine, run_machines

    with steps(3) as step:
        step("reading the kit")
        kept = read_kit(folder)
        step("the float reference and the integer path")
        findings = check_cases(kept, progress=step.items)
        step("libfmq on this machine")
        (in_c,) = run_machines([Machine.here()], kept, folder)
    if in_c.absent:
        raise MismatchError(f"libfmq could not be built here: {in_c.absent}")
    wrong = [*findings, *in_c.findings]
    lines = [finding.line() for finding in wrong]
    lines.append(f"{len(kept)} cases, {in_c.checks:,} checks in C, {len(wrong)} differences")
    data = {"cases": len(kept), "checks_in_c": in_c.checks}
    _end(lines, data, [finding.to_json() for finding in wrong], json)


def _test_itself(quick: bool, json: str | None) -> None:
    from firmware_tools.conformance.kit import read_kit
    from firmware_tools.conformance.mutants import MUTANTS
    from firmware_tools.conformance.self_test import self_test

    chosen = [mutant for mutant in MUTANTS if mutant.is_quick or not quick]
    with _kit("", compact=True) as folder, steps(len(chosen) + 1) as step:
        verdicts = self_test(chosen, read_kit(folder), folder, step)
    missed = [verdict for verdict in verdicts if not verdict.is_caught]
    lines = [f"{v.language:<6}  {v.mutant}: {v.by if v.is_caught else 'MISSED'}" for v in verdicts]
    caught = len(verdicts) - len(missed)
    score = 100 * caught / len(verdicts)
    lines.append(f"{caught} of {len(verdicts)} mistakes caught: {score:.0f} %")
    data = {"score_percent": score, "mutants": [verdict.to_json() for verdict in verdicts]}
    _end(lines, data, [verdict.to_json() for verdict in missed], json)


def _run_machines(folder: Path, quick: bool, json: str | None) -> None:
    from firmware_tools.conformance.kit import read_kit
    from firmware_tools.conformance.machines import MACHINES, QUICK_MACHINES, run_machines

    chosen = QUICK_MACHINES if quick else MACHINES
    with steps(len(chosen)) as step:
        results = run_machines(chosen, read_kit(folder), folder, step)
    lines = [result.line() for result in results]
    wrong = [finding for result in results for finding in result.findings]
    lines += [finding.line() for finding in wrong]
    data = {"machines": [result.to_json() for result in results]}
    _end(lines, data, [finding.to_json() for finding in wrong], json)


def _end(
    lines: Sequence[str], data: dict[str, Any], wrong: Sequence[dict[str, Any]], json: str | None
) -> None:
    emit("\n".join(lines), {**data, "differences": list(wrong)}, json)
    if wrong:
        raise MismatchError(f"{len(wrong)} differ; see above")


TASKS = (conformance,)
