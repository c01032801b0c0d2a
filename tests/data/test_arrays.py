"""Arrays in .npy, .npz and Zarr: the same items, few of them in memory."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from fmq_embedded.data.data_set import DataSet, open_data
from fmq_embedded.data.input_description import PictureInput
from fmq_embedded.errors import InputError
from fmq_embedded.runtimes import Port
from tests.tasks.running import ROOT

SHAPE = (1, 4, 5, 3)
PORT = Port("input", SHAPE, np.dtype("float32"), 1.0, 0)
ITEMS = np.random.default_rng(1).normal(0, 1, (70, *SHAPE[1:])).astype(np.float32)


def write(path: Path, kind: str) -> str:
    """The items in a file or folder of a kind."""
    target = path / f"data.{kind}"
    if kind == "npy":
        np.save(target, ITEMS)
    elif kind == "npz":
        np.savez_compressed(target, b=ITEMS[40:], a=ITEMS[:40])
    elif kind == "folder":
        target.mkdir()
        for index, item in enumerate(ITEMS[:30]):
            np.save(target / f"{index:03}.npy", item)
        np.save(target / "rest.npy", ITEMS[30:])
    elif kind == "zarr":
        array: Any = zarr.create_array(
            str(target), shape=ITEMS.shape, dtype="float32", chunks=(7, 4, 5, 3)
        )
        array[:] = ITEMS
    else:
        group: Any = zarr.open_group(str(target), mode="w")
        for name, part in (("a", ITEMS[:40]), ("b", ITEMS[40:])):
            made = group.create_array(name, shape=part.shape, dtype="float32", chunks=(9, 4, 5, 3))
            made[:] = part
    return str(target)


KINDS = ["npy", "npz", "folder", "zarr", "group"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_items(tmp_path: Path, kind: str) -> None:
    data = open_data(write(tmp_path, kind), PORT, None)
    assert len(data) == 70
    np.testing.assert_array_equal(np.concatenate(list(data)), ITEMS)
    for start, stop in ((0, 3), (38, 43), (69, 70), (5, 5)):
        found = [item[0] for item in data.read(start, stop)]
        np.testing.assert_array_equal(np.array(found).reshape(-1, *SHAPE[1:]), ITEMS[start:stop])


@pytest.mark.parametrize("kind", KINDS)
def test_the_parts_are_all_of_it_once(tmp_path: Path, kind: str) -> None:
    parts = open_data(write(tmp_path, kind), PORT, None).parts()
    assert [index for part in parts for index in range(*part)] == list(range(70))
    assert all(stop - start == {"zarr": 35, "group": 36}.get(kind, 32) for start, stop in parts[:1])


@pytest.mark.parametrize("kind", KINDS)
def test_another_process_opens_it_itself(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is sent to it does not grow with the data, and does not depend on the folder."""
    monkeypatch.chdir(tmp_path)
    data = open_data(Path(write(tmp_path, kind)).name, PORT, None)
    sent = pickle.dumps(data)
    assert len(sent) < 1000
    monkeypatch.chdir("/")
    again: DataSet = pickle.loads(sent)
    np.testing.assert_array_equal(next(again.read(50, 51))[0], ITEMS[50])


def test_parts_grow_with_the_data_up_to_what_a_stop_may_lose(tmp_path: Path) -> None:
    port = Port("input", (1, 2), np.dtype(np.float32), 1.0, 0)
    for count, size in ((32, 32), (48 * 32, 32), (48 * 100, 100), (48 * 300, 256)):
        np.save(tmp_path / "a.npy", np.zeros((count, 2), np.float32))
        parts = open_data(str(tmp_path / "a.npy"), port, None).parts()
        assert parts[0] == (0, size)
        assert [index for part in parts for index in range(*part)] == list(range(count))


def test_another_process_sees_that_the_data_have_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    for items in (ITEMS[:3], ITEMS[:5] + 1):
        np.save(path, items)
        again: DataSet = pickle.loads(pickle.dumps(open_data(str(path), PORT, None)))
        np.testing.assert_array_equal(np.concatenate(list(again)), items.reshape(-1, *SHAPE[1:]))


def test_another_process_refuses_other_data_under_the_same_name(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, ITEMS[:3])
    sent = pickle.dumps(open_data(str(path), PORT, None))
    np.save(path, ITEMS[:4])
    with pytest.raises(
        InputError, match=r"a\.npy holds 4 inputs for this worker and 3 for who asks"
    ):
        pickle.loads(sent)


def test_one_array_that_is_one_input(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", ITEMS[0])
    (found,) = open_data(str(tmp_path / "a.npy"), PORT, None)
    np.testing.assert_array_equal(found[0], ITEMS[0])


def test_arrays_of_pictures_are_prepared_as_pictures_are(tmp_path: Path) -> None:
    pictures = np.random.default_rng(3).integers(0, 256, (5, 4, 5, 3), np.uint8)
    np.save(tmp_path / "a.npy", pictures)
    wanted = PictureInput((0.0,), (255.0,), "stretch")
    found = np.concatenate(list(open_data(str(tmp_path / "a.npy"), PORT, wanted)))
    np.testing.assert_allclose(found, pictures, atol=1e-4)
    with pytest.raises(InputError, match=r"is uint8 \(4, 5, 3\); the head takes float32"):
        list(open_data(str(tmp_path / "a.npy"), PORT, None))


def test_samples_that_are_no_numbers_are_named(tmp_path: Path) -> None:
    damaged = ITEMS[:3].copy()
    damaged[1, 2, 3, 0] = np.nan
    np.save(tmp_path / "a.npy", damaged)
    with pytest.raises(InputError, match=r"a\.npy\[1\] has samples that are NaN or infinite"):
        list(open_data(str(tmp_path / "a.npy"), PORT, None))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "got none; expected files of one kind"),
        ({"a.npy": ITEMS, "b.png": None}, "got 1 picture files, 1 array files"),
        ({"a.npy": np.array(3.0)}, "but a number"),
        ({"a.npy": np.array([object()])}, "no .npy or .npz file"),
    ],
)
def test_folders_that_are_refused(tmp_path: Path, files: dict[str, Any], message: str) -> None:
    for name, content in files.items():
        if content is None:
            (tmp_path / name).write_bytes(b"")
        else:
            np.save(tmp_path / name, content, allow_pickle=True)
    with pytest.raises(InputError, match=message):
        open_data(str(tmp_path), PORT, None)


def test_a_zarr_folder_that_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "zarr.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read as Zarr"):
        open_data(str(tmp_path), PORT, None)


PEAK = """
import re, sys
from pathlib import Path
import numpy as np
from fmq_embedded.data.data_set import open_data
from fmq_embedded.runtimes import Port
port = Port("input", (1, 512, 512, 3), np.dtype("float32"), 1.0, 0)
total = sum(float(item[0, 0, 0, 0]) for item in open_data(sys.argv[1], port, None))
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells the peak")
def test_more_data_than_memory(tmp_path: Path) -> None:
    """2 GB of a file with a hole in it go through 400 MB of memory."""
    large = np.lib.format.open_memmap(tmp_path / "large.npy", "w+", np.float32, (683, 512, 512, 3))
    assert large.nbytes > 2_000_000_000
    del large
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path / "large.npy")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert int(done.stdout) < 400
