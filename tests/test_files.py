"""Files that are there whole or not at all."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from fmq_embedded.errors import InputError
from fmq_embedded.files import make_folder, read_array, read_bytes, write_atomically


def test_a_file_is_written_and_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    for data in (b"first", b"", b"second" * 1000):
        write_atomically(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o644


def test_when_the_disk_is_full_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    write_atomically(path, b"old")

    class FullDisk(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    def fdopen(descriptor: int, mode: str) -> FullDisk:
        os.close(descriptor)
        return FullDisk()

    monkeypatch.setattr(os, "fdopen", fdopen)
    with pytest.raises(InputError, match=r"a\.bin cannot be written: No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_when_it_is_interrupted_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    write_atomically(path, b"old")

    def replace(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_where_nothing_can_be_written_the_target_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for target in (tmp_path / "nowhere" / "a", tmp_path / "file" / "a"):
        with pytest.raises(InputError, match=f"^{target} cannot be written"):
            write_atomically(target, b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_or_a_device_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for target in (tmp_path, pipe):
        with pytest.raises(InputError, match="it is not a file"):
            write_atomically(target, b"data")
    assert pipe.is_fifo()


def test_a_reader_sees_an_old_or_a_new_file_and_nothing_between(tmp_path: Path) -> None:
    path, size, seen = tmp_path / "a.bin", 1 << 20, set()
    write_atomically(path, b"\0" * size)
    done = threading.Event()

    def write() -> None:
        for value in range(1, 30):
            write_atomically(path, bytes([value]) * size)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        data = path.read_bytes()
        seen.add((len(data), len(set(data))))
    writer.join()
    assert seen == {(size, 1)}


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_bytes(b"")
    for target in (tmp_path / "file", tmp_path / "file" / "b"):
        with pytest.raises(InputError, match="cannot be made"):
            make_folder(target)


def test_read_bytes_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing cannot be read: No such file"):
        read_bytes(tmp_path / "nothing")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_bytes(tmp_path)


def test_arrays_are_read(tmp_path: Path) -> None:
    array = np.arange(6, dtype=np.int16).reshape(2, 3)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", x=array, y=array[0])
    single, several = read_array(tmp_path / "a.npy"), read_array(tmp_path / "a.npz")
    assert isinstance(single, np.ndarray)
    np.testing.assert_array_equal(single, array)
    assert isinstance(several, dict)
    assert sorted(several) == ["x", "y"]
    np.testing.assert_array_equal(several["y"], array[0])


def test_damaged_arrays_are_an_input_error_and_nothing_else(tmp_path: Path) -> None:
    """Every byte of the headers changed, and cuts at every length."""
    array = np.arange(6, dtype=np.float32)
    out = io.BytesIO()
    np.save(out, array)
    single = out.getvalue()
    out = io.BytesIO()
    np.savez_compressed(out, x=array)
    several = out.getvalue()
    generator = np.random.default_rng(0)
    refused = 0
    for data in (single, several):
        cuts = [data[:size] for size in range(0, len(data), 7)]
        changed = []
        for position in range(min(len(data), 400)):
            other = bytearray(data)
            other[position] = int(generator.integers(0, 256))
            changed.append(bytes(other))
        for damaged in cuts + changed:
            path = tmp_path / "damaged.npy"
            path.write_bytes(damaged)
            try:
                read_array(path)
            except InputError as error:
                assert str(path) in str(error)
                refused += 1
    assert refused > 300


def test_a_header_that_asks_for_too_much_memory_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    np.save(out, np.zeros(1 << 14, np.uint8))
    path = tmp_path / "huge.npy"
    path.write_bytes(out.getvalue().replace(b"(16384,), }            ", b"(16384000000000000,), }"))
    assert b"(16384000000000000,)" in path.read_bytes()
    with pytest.raises(InputError, match=r"huge\.npy is no"):
        read_array(path)


def test_pickles_are_not_run(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(InputError, match="plain arrays"):
        read_array(tmp_path / "a.npy")
