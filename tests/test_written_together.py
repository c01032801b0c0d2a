"""Files that are written together, and what an ended run left to be done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fmq_embedded.errors import InputError
from fmq_embedded.written_together import LIST, STAGED, read_together, write_together


def content(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_files_are_written_in_folders_and_removed(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    write_together(folder, {"a": b"1", "in/b": b"2", "gone": None})
    assert content(folder) == {"a": b"1", "in/b": b"2"}
    write_together(folder, {"a": b"3", "in/b": None, "in/c": b""})
    assert content(folder) == {"a": b"3", "in/c": b""}


def test_what_cannot_be_written_leaves_all_as_it_was(tmp_path: Path) -> None:
    write_together(tmp_path, {"a": b"1"})
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="b cannot be written: it is not a file"):
        write_together(tmp_path, {"a": b"2", "b": b"2"})
    with pytest.raises(InputError, match=r"the folder .* cannot be made"):
        write_together(tmp_path, {"a": b"2", "a/c": b"2"})
    assert content(tmp_path) == {"a": b"1"}


def test_a_run_that_ended_before_the_list_counts_for_nothing(tmp_path: Path) -> None:
    write_together(tmp_path, {"a": b"1"})
    (tmp_path / STAGED).mkdir()
    (tmp_path / STAGED / "a").write_bytes(b"2")
    with read_together(tmp_path):
        assert (tmp_path / "a").read_bytes() == b"1"
    write_together(tmp_path, {"b": b"3"})
    assert content(tmp_path) == {"a": b"1", "b": b"3"}


def test_a_run_that_ended_after_the_list_is_finished_by_who_reads(tmp_path: Path) -> None:
    write_together(tmp_path, {"a": b"1", "b": b"1", "c": b"1"})
    (tmp_path / STAGED).mkdir()
    (tmp_path / STAGED / "b").write_bytes(b"2")  # and a was moved already
    (tmp_path / STAGED / LIST).write_text(json.dumps({"write": ["a", "b"], "remove": ["c"]}))
    with read_together(tmp_path):
        assert (tmp_path / "b").read_bytes() == b"2"
    assert content(tmp_path) == {"a": b"1", "b": b"2"}
    with read_together(tmp_path / "none"):  # who reads says that it is not there
        pass


@pytest.mark.parametrize(
    "text",
    [
        '{"write": ["../x"], "remove": []}',
        '{"write": [], "remove": ["../x"]}',
        '{"write": [], "remove": ["/%s/x"]}',
        '{"write": ["link/x"], "remove": []}',
        '{"write": ["a"]}',
        '{"write": [1], "remove": []}',
        "[]",
        "{",
    ],
)
def test_the_list_of_a_stranger_reaches_nothing_outside(tmp_path: Path, text: str) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "x"
    (folder / STAGED / "link").mkdir(parents=True)
    (folder / "link").symlink_to(tmp_path)
    (folder / STAGED / "link" / "x").write_bytes(b"new")
    outside.write_bytes(b"old")
    listed = text % str(tmp_path).strip("/") if "%s" in text else text
    (folder / STAGED / LIST).write_text(listed)
    with pytest.raises(InputError, match=r"take .* away"), read_together(folder):
        pass
    assert outside.read_bytes() == b"old"
