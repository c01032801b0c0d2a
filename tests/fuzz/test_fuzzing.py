"""The fuzzers run, start from the corpus, and end with a status of their own when they find."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from firmware_tools.fuzzing import corpus, targets
from firmware_tools.fuzzing.fuzz import fuzz, run_input
from firmware_tools.fuzzing.targets import Target
from fmq_embedded.errors import InputError, MismatchError, MissingToolError
from tests.tasks.running import ROOT, fmq

CORPUS = Path(__file__).parent / "corpus"
LARGEST_CORPUS = 200_000
PLANTED = """
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1u && data[0] == 'f' && data[1] == 'q') {
        abort();
    }
    return 0;
}
"""


@pytest.mark.slow  # `.ci/run` fuzzes each for a minute, which begins with the same
@pytest.mark.parametrize("target", targets.TARGETS)
def test_what_is_kept_shows_no_defect(tmp_path: Path, target: str) -> None:
    """The corpus, and each input that once did show one."""
    (result,) = fuzz([target], 0, CORPUS, tmp_path / "findings")
    assert result.found == (), result.log
    assert result.runs >= result.seeds > 20
    assert result.covered > 200


def test_the_corpus_stays_small() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= LARGEST_CORPUS
    assert {path.stem for path in files if path.suffix == ".zip"} == set(targets.TARGETS)


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "planted.c"
    source.write_text(PLANTED)
    target = Target(
        "a planted defect", lambda folder: targets._build([source], [], [], folder), 8, 256, 5
    )
    monkeypatch.setitem(targets.TARGETS, "planted", target)


@pytest.mark.usefixtures("planted")
def test_a_defect_is_found_and_can_be_shown_again(tmp_path: Path) -> None:
    (result,) = fuzz(["planted"], 60, tmp_path / "corpus", tmp_path / "findings")
    (found,) = result.found
    assert found.name.startswith("planted-crash-")
    assert found.read_bytes()[:2] == b"fq"
    with pytest.raises(MismatchError, match="SUMMARY: libFuzzer: deadly signal"):
        run_input("planted", found)
    found.write_bytes(b"fine")
    assert "Executed" in run_input("planted", found)


@pytest.mark.usefixtures("planted")
def test_a_corpus_grows_by_what_reaches_something_new(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    for name, data in {"a": b"f", "b": b"fx", "c": b"fx"}.items():
        (kept / name).write_bytes(data)
    assert corpus.pack(tmp_path / "corpus", "planted", kept) == 2
    first = (tmp_path / "corpus" / "planted.zip").read_bytes()
    corpus.pack(tmp_path / "corpus", "planted", kept)
    assert (tmp_path / "corpus" / "planted.zip").read_bytes() == first
    assert corpus.unpack(tmp_path / "corpus", "planted", tmp_path / "out") == 2
    (result,) = fuzz(["planted"], 0, tmp_path / "corpus", tmp_path / "findings", grow=True)
    assert result.seeds == 2
    assert corpus.unpack(tmp_path / "corpus", "planted", tmp_path / "again") >= 1


def test_what_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no target of fuzzing is called 'decode'"):
        fuzz(["decode"], 0, CORPUS, tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingToolError, match="apt install clang libclang-rt-dev"):
        fuzz(["decoder"], 0, CORPUS, tmp_path)


def test_the_task(tmp_path: Path) -> None:
    shutil.copytree(CORPUS, tmp_path / "corpus")
    fmq(tmp_path, "fuzz", "--input", "x").assert_refused(2, "--input is of one --target")
    fmq(tmp_path, "fuzz", "--target", "decode").assert_refused(2, "no target of fuzzing is called")
    done = fmq(tmp_path, "fuzz", "--target", "tflite", "--seconds", "1", "--json")
    assert done.status == 0, done.err
    (row,) = done.json
    assert row["target"] == "tflite"
    assert row["runs"] > row["seeds"] > 0
    assert row["found"] == []
    assert ROOT not in tmp_path.parents
