"""The kit is the same bytes every time, says all that a case needs, and notices every change."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from firmware_tools.conformance.case_files import KeptCase, Results, raw, results_of
from firmware_tools.conformance.cases import PROFILES, kit_cases
from firmware_tools.conformance.dense_maps import FILLING, SEARCHES, WHOLE
from firmware_tools.conformance.kit import SUMS, check_cases, kit_files, read_kit, write_kit
from fmq_embedded.bitstream import syntax
from fmq_embedded.errors import InputError, MismatchError


def test_the_same_version_writes_the_same_bytes(kit: Path) -> None:
    files = kit_files(kit_cases(compact=True))
    assert {
        str(path.relative_to(kit)): path.read_bytes() for path in kit.rglob("*") if path.is_file()
    } == files


def test_a_kit_that_was_read_holds(kept: Sequence[KeptCase]) -> None:
    assert check_cases(kept) == []
    assert check_cases(kept[::7], threads=4) == []


def test_the_sums_are_those_of_sha256sum(kit: Path) -> None:
    lines = (kit / SUMS).read_text().splitlines()
    assert len(lines) == sum(path.is_file() for path in kit.rglob("*")) - 1
    wanted, name = lines[-1].split("  ")
    assert hashlib.sha256((kit / name).read_bytes()).hexdigest() == wanted


def test_it_has_every_kind_of_thing(kept: Sequence[KeptCase]) -> None:
    samples = {one.case.samples.dtype.name for one in kept}
    assert samples == {"float32", "float16", "bfloat16", "float64", "int8", "uint8", "int16"}
    assert {one.case.profile for one in kept} == set(PROFILES)
    plans = [one.case.plan for one in kept]
    searches = {plan.dense.search for plan in plans if plan.dense}
    assert searches == {*SEARCHES.values(), FILLING, WHOLE}
    assert any(plan.dense.channels for plan in plans if plan.dense)
    quantizers = [plan.chosen_quantizer for plan in plans if plan.dense is None]
    assert {q.distribution for q in quantizers} == {"uniform", "gaussian", "laplace"}
    assert {q.rounding for q in quantizers} == {"floor", "centre"}
    assert {q.bit_depth for q in quantizers} >= {1, 2, 8, 9, 12, 16}
    assert any(q.is_explicit for q in quantizers) and any(q.is_constant for q in quantizers)
    kinds = {getattr(one.case.plan.partition, "kind", None) for one in kept}
    assert kinds == {None, "channel", "region", "block"}
    bits = np.concatenate(
        [raw32(one) for one in kept if one.case.samples.dtype == np.float32], axis=None
    )
    assert {0x00000000, 0x80000000, 0x00000001, 0x807FFFFF, 0x7F7FFFFF, 0xFF7FFFFF} <= set(
        bits.tolist()
    )
    refused = Counter(len(one.refused) for one in kept)
    assert refused[2] and refused[3]


def test_of_a_block_only_the_last_coefficient_is_there(kept: Sequence[KeptCase]) -> None:
    (one,) = [one for one in kept if one.case.name == "dense-plan-last-coefficient"]
    plan = one.case.plan
    assert plan.dense is not None
    levels = plan.dense.coded(one.results.levels).tensor.levels
    assert np.argwhere(levels).tolist() == [[0, *np.array(plan.shape[1:3]) - 1]]


def raw32(kept: KeptCase) -> np.ndarray:
    return np.frombuffer(raw(kept.case.samples), "<u4")


@pytest.mark.parametrize("run", [3, 40])
@pytest.mark.parametrize(
    ("word", "first", "fill"), [("carry", b"\x80", b"\0"), ("no-carry", b"\x7f", b"\xff")]
)
def test_bytes_wait_for_their_carry(
    kept: Sequence[KeptCase], run: int, word: str, first: bytes, fill: bytes
) -> None:
    (one,) = [one for one in kept if one.case.name == f"standard-run-{run}-{word}"]
    assert b"\x36\xe4" + first + fill * run + b"\x3b" in one.results.stream


@pytest.mark.parametrize(("gain", "coding"), [(0, syntax.PACKED), (1, syntax.PACKED), (2, 0)])
def test_codings_are_chosen_at_the_edge(kept: Sequence[KeptCase], gain: int, coding: int) -> None:
    (one,) = [one for one in kept if one.case.name == f"standard-gain-{gain}"]
    header = len(one.results.stream) - 48 * 3 // 8 - 5 + (gain == 2)
    assert one.results.stream[header] == coding


@pytest.mark.parametrize("stage", ["levels", "stream", "decoded"])
def test_a_difference_is_found(kept: Sequence[KeptCase], stage: str) -> None:
    one = kept[3]
    changed = getattr(one.results, stage)
    if isinstance(changed, bytes):
        changed = changed[:-1] + bytes([changed[-1] ^ 1])
    else:
        changed = changed.copy()
        changed.view(f"u{changed.itemsize}").flat[-1] ^= 1
    broken = replace(one, results=replace(one.results, **{stage: changed}))
    findings = check_cases([broken])
    assert stage in {finding.stage for finding in findings}
    assert "1 of" in findings[0].line()


def test_a_stream_that_should_be_refused_and_is_not_is_found(kept: Sequence[KeptCase]) -> None:
    one = kept[3]
    (finding,) = check_cases([replace(one, refused=(one.results.stream,))])
    assert (finding.stage, "taken" in finding.what) == ("refused", True)


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    write_kit(kit_cases(compact=True)[:2], tmp_path / "kit")
    path = next((tmp_path / "kit" / "cases").glob("*/levels.bin"))
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(MismatchError, match="other sum"):
        read_kit(tmp_path / "kit")
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        read_kit(tmp_path / "kit")


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kit").mkdir()
    (tmp_path / "kit" / "mine").write_text("mine")
    with pytest.raises(InputError, match="there already"):
        write_kit(kit_cases(compact=True)[:1], tmp_path / "kit")
    assert [path.name for path in tmp_path.rglob("*")] == ["kit", "mine"]


def test_no_kit_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="inv conformance --out"):
        read_kit(tmp_path)


def test_results_are_plain(kept: Sequence[KeptCase]) -> None:
    found = results_of(kept[0].case)
    assert isinstance(found, Results)
    assert found.stream == kept[0].results.stream
