"""The runner in C: libfmq passes it, on machines unlike each other, and a difference does not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from firmware_tools.conformance.case_files import KeptCase
from firmware_tools.conformance.kit import CASES
from firmware_tools.conformance.machines import BIG_ENDIAN, Machine, run_machines
from firmware_tools.conformance.running import Sources, run
from fmq_embedded.errors import InputError


@pytest.fixture(scope="module")
def program(kept: Sequence[KeptCase], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runner")
    (folder / "generated").mkdir()
    standard = [one for one in kept if one.case.profile == "standard"]
    sources = Sources(standard, folder / "generated")
    return sources.program(Machine.here().target(), folder)


def names_of(kept: Sequence[KeptCase]) -> list[str]:
    return [one.case.name for one in kept if one.case.profile == "standard"]


def test_libfmq_passes(program: Path, kit: Path, kept: Sequence[KeptCase]) -> None:
    found = run(program, kit, names_of(kept))
    assert found.findings == []
    assert found.checks > 10 * len(names_of(kept))
    wide = [
        one for one in kept if one.case.samples.dtype.name in ("float16", "bfloat16", "float64")
    ]
    assert found.unsupported == len(wide)


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("levels.bin", "quantize"),
        ("stream.fmq", "encode"),
        ("decoded.bin", "dequantize"),
        ("samples.bin", "quantize"),
    ],
)
def test_a_difference_is_told(
    program: Path, kit: Path, tmp_path: Path, name: str, stage: str
) -> None:
    shutil.copytree(kit / CASES / "float32-uniform-8", tmp_path / CASES / "one")
    path = tmp_path / CASES / "one" / name
    data = bytearray(path.read_bytes())
    data[3] ^= 0x40  # of the first sample, +0, its exponent
    path.write_bytes(data)
    found = run(program, tmp_path, ["one"])
    assert stage in [finding.stage for finding in found.findings]
    assert {finding.case for finding in found.findings} == {"float32-uniform-8"}


def test_a_stream_that_is_sound_is_not_to_be_refused(
    program: Path, kit: Path, tmp_path: Path
) -> None:
    shutil.copytree(kit / CASES / "float32-uniform-8", tmp_path / CASES / "one")
    folder = tmp_path / CASES / "one"
    shutil.copy(folder / "stream.fmq", folder / "refused-0.fmq")
    found = run(program, tmp_path, ["one"])
    assert [finding.stage for finding in found.findings] == ["refused-0.fmq"]


def test_spoilt_streams_are_refused_or_safe(
    program: Path, kit: Path, kept: Sequence[KeptCase], tmp_path: Path
) -> None:
    names = [name for name in names_of(kept) if name.startswith("float32-uniform")]
    found = run(program, kit, names, spoil=True)
    assert found.findings == []
    bits = [8 * len(one.results.stream) for one in kept if one.case.name in names]
    assert found.checks > 2 * sum(bits)
    shutil.copytree(kit / CASES / "float32-uniform-8", tmp_path / CASES / "one")
    path = tmp_path / CASES / "one" / "case.toml"
    path.write_text(path.read_text().replace("bit_depth = 8", "bit_depth = 3", 1))
    found = run(program, tmp_path, ["one"], spoil=True)
    assert [finding.stage for finding in found.findings] == ["a spoilt stream"]


def test_what_is_no_case_is_said_so(program: Path, kit: Path, tmp_path: Path) -> None:
    (tmp_path / CASES).mkdir()
    with pytest.raises(InputError, match="no case of a kit"):
        run(program, tmp_path, ["nothing"])


def test_libfmq_passes_where_the_highest_byte_is_first(kit: Path, kept: Sequence[KeptCase]) -> None:
    some = [one for one in kept if not one.case.name.endswith("-11")][::3]
    (result,) = run_machines([BIG_ENDIAN], some, kit)
    if result.absent and not os.environ.get("CI"):
        pytest.skip(result.absent)
    assert (result.absent, result.findings) == ("", ())
    assert result.checks > 5 * len(some)


def test_a_machine_that_is_not_here_is_named(kit: Path, kept: Sequence[KeptCase]) -> None:
    (result,) = run_machines([Machine("no-such-gcc", ("-O2",))], kept[:1], kit)
    assert result.absent == "no-such-gcc is not installed"
    assert "not run" in result.line()
