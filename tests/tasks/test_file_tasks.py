"""encode, decode and inspect on files, right and wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import fmq_embedded as fmq_package
from tests.deploy import tiny_deployment
from tests.tasks.running import fmq

MAP = np.maximum(np.random.default_rng(0).normal(0, 1, (1, 5, 6, 7)), 0).astype(np.float32)
CODES = np.random.default_rng(1).integers(-128, 128, (4, 9), np.int8)


def with_fault(value: float) -> npt.NDArray[np.float32]:
    array = MAP.copy()
    array[0, 1, 2, 3] = array[0, 4, 5, 6] = value
    return array


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs, good and bad."""
    path = tmp_path_factory.mktemp("files")
    arrays = {
        "map": MAP,
        "nan": with_fault(np.nan),
        "int64": np.arange(6),
        "nine": np.zeros((1,) * 9, np.float32),
        "empty": np.zeros((0, 3), np.float32),
    }
    for name, array in arrays.items():
        np.save(path / f"{name}.npy", array)
    np.save(path / "objects.npy", np.array([None]), allow_pickle=True)
    np.savez(path / "two.npz", relu=MAP, codes=CODES)
    np.savez(path / "none.npz")
    (path / "text.npy").write_text("no array")
    (path / "tiny.tflite").write_bytes(tiny_deployment.model())
    stream = fmq_package.encode(MAP)
    flipped = bytearray(stream)
    flipped[len(stream) // 2] ^= 8
    streams = {
        "map": stream,
        "two": fmq_package.encode({"relu": MAP, "codes": CODES}),
        "truncated": stream[:-9],
        "flipped": bytes(flipped),
        "random": np.random.default_rng(2).bytes(500),
        "begun": b"FQ" + np.random.default_rng(2).bytes(500),
        "nothing": b"",
    }
    for name, data in streams.items():
        (path / f"{name}.fmq").write_bytes(data)
    (path / "kept").write_bytes(b"kept")
    return path


def test_one_map_there_and_back(folder: Path, tmp_path: Path) -> None:
    coded, back = tmp_path / "a.fmq", tmp_path / "a.npy"
    done = fmq(folder, "encode", "map.npy", coded)
    assert (done.status, done.err) == (0, "")
    assert f"{coded}: {coded.stat().st_size} bytes for 840 raw" in done.out
    assert coded.read_bytes() == fmq_package.encode(MAP)
    done = fmq(folder, "decode", coded, back)
    assert (done.status, done.err) == (0, "")
    assert "float32 1×5×6×7" in done.out
    expected = fmq_package.decode(coded.read_bytes())
    assert isinstance(expected, np.ndarray)
    np.testing.assert_array_equal(np.load(back), expected)


def test_several_maps_there_and_back_with_json(folder: Path, tmp_path: Path) -> None:
    coded, back = tmp_path / "a.fmq", tmp_path / "a.npz"
    done = fmq(folder, "encode", "two.npz", coded, "--bit-depth", "6", "--json")
    assert done.json == {
        "target": str(coded),
        "raw_bytes": MAP.nbytes + CODES.nbytes,
        "coded_bytes": coded.stat().st_size,
        "elements": MAP.size + CODES.size,
        "bits_per_element": 8 * coded.stat().st_size / (MAP.size + CODES.size),
    }
    done = fmq(folder, "decode", coded, back, "--json")
    assert done.json == [
        {"name": "relu", "shape": [1, 5, 6, 7], "dtype": "float32"},
        {"name": "codes", "shape": [4, 9], "dtype": "int8"},
    ]
    with np.load(back) as arrays:
        expected = fmq_package.decode(coded.read_bytes())
        assert isinstance(expected, dict)
        assert set(arrays) == set(expected)
        for name, array in expected.items():
            np.testing.assert_array_equal(arrays[name], array)


def test_json_with_a_file_prints_the_text_and_writes_the_data(folder: Path, tmp_path: Path) -> None:
    done = fmq(folder, "inspect", "two.fmq", "--json", tmp_path / "a.json")
    assert (done.status, done.err) == (0, "")
    assert "relu: float32 1×5×6×7" in done.out
    printed = fmq(folder, "inspect", "two.fmq", "--json")
    assert printed.err == ""
    assert printed.json == json.loads((tmp_path / "a.json").read_text())
    assert [row["name"] for row in printed.json["tensors"]] == ["relu", "codes"]
    assert printed.json["tensors"][1]["quantizer"]["bit_depth"] == 8


def test_inspect_explains_the_choice(folder: Path) -> None:
    done = fmq(folder, "inspect", "map.npy", "--bit-depth", "5")
    assert done.status == 0
    assert "uniform, by histogram: similarity with the Gaussian" in done.out
    assert "uniform, 5 bits, minimum 0" in done.out
    data = fmq(folder, "inspect", "map.npy", "--json").json
    assert sum(data["histogram"]) == MAP.size
    assert data["quantizer"]["distribution"] == "uniform"


def test_a_map_by_the_structure_of_its_model(folder: Path, tmp_path: Path) -> None:
    call = ["map.npy", tmp_path / "a.fmq", "--model", "tiny.tflite", "--method", "next_layer"]
    fmq(folder, "encode", *call).assert_refused(2, "name it with --tensor")
    fmq(folder, "encode", *call, "--tensor", "sid").assert_refused(2, "'sid'", "nearest are side")
    assert fmq(folder, "encode", *call, "--tensor", "side").status == 0
    shown = fmq(folder, "inspect", tmp_path / "a.fmq").out
    assert "chosen by next_layer: laplace" in shown
    assert "structure in the stream" in shown


@pytest.mark.parametrize(
    ("source", "options", "parts"),
    [
        ("missing.npy", (), ("missing.npy cannot be read: No such file",)),
        ("nan.npy", (), ("2 of 210 samples", "the first at (0, 1, 2, 3)", "--saturate")),
        ("int64.npy", (), ("got int64", "float32", "astype")),
        ("nine.npy", (), ("at most 8 axes",)),
        ("objects.npy", (), ("objects.npy is no .npy or .npz file of plain arrays",)),
        ("text.npy", (), ("text.npy is no .npy or .npz file",)),
        ("none.npz", (), ("no feature map",)),
        (".", (), ("cannot be read: Is a directory",)),
        ("map.npy", ("--bit-depth", "17"), ("1..16; got 17",)),
        ("map.npy", ("--bit-depth", "many"), ("a number", "'many'")),
        ("map.npy", ("--method", "histogran"), ("'histogran'", "nearest are histogram")),
        ("map.npy", ("--method", "next_layer"), ("needs the structure",)),
        ("map.npy", ("--span", "wide"), ("--span is fitted or literal; got 'wide'",)),
        ("map.npy", ("--uniform",), ("--method uniform_first",)),
        ("map.npy", ("--scale", "2"), ("integer samples only",)),
        ("map.npy", ("--model", "text.npy"), ("not a .tflite model",)),
        ("map.npy", ("--model", "gone.tflite"), ("'gone.tflite' cannot be read",)),
        ("map.npy", ("--model", "blazefase"), ("'blazefase'", "blazeface_short_range")),
        ("map.npy", ("--json", "nowhere/a.json"), ("there is no folder nowhere",)),
        ("nan.npy", ("--saturate",), ("no level was named for them",)),
    ],
)
def test_encode_refuses_and_leaves_the_old_file(
    folder: Path, source: str, options: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    before = sorted(folder.iterdir())
    fmq(folder, "encode", source, "kept", *options).assert_refused(2, *parts)
    assert (folder / "kept").read_bytes() == b"kept"
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("missing.fmq", ("missing.fmq cannot be read",)),
        ("truncated.fmq", ("corrupt or truncated",)),
        ("flipped.fmq", ("corrupt or truncated",)),
        ("random.fmq", ("no feature-map bitstream",)),
        ("begun.fmq", ("version",)),
        ("nothing.fmq", ("truncated",)),
        ("two.fmq", ("two.fmq holds maps by name (relu, codes); give an .npz file",)),
    ],
)
def test_decode_refuses_and_leaves_the_old_file(
    folder: Path, source: str, parts: tuple[str, ...]
) -> None:
    before = sorted(folder.iterdir())
    fmq(folder, "decode", source, "kept").assert_refused(2, *parts)
    assert (folder / "kept").read_bytes() == b"kept"
    assert sorted(folder.iterdir()) == before


def test_one_map_is_not_put_into_a_file_of_several(folder: Path) -> None:
    fmq(folder, "decode", "map.fmq", "new.npz").assert_refused(2, "give an .npy file")
    fmq(folder, "inspect", "two.npz").assert_refused(2, "one .npy file at a time")


def test_an_empty_map_there_and_back(folder: Path, tmp_path: Path) -> None:
    assert fmq(folder, "encode", "empty.npy", tmp_path / "a.fmq").status == 0
    assert fmq(folder, "decode", tmp_path / "a.fmq", tmp_path / "a.npy").status == 0
    back = np.load(tmp_path / "a.npy")
    assert (back.shape, back.dtype) == ((0, 3), np.float32)


def test_saturation(folder: Path, tmp_path: Path) -> None:
    call = ["encode", "nan.npy", tmp_path / "a.fmq", "--saturate", "--nan-level", "0"]
    assert fmq(folder, *call).status == 0
    back = fmq_package.decode((tmp_path / "a.fmq").read_bytes())
    assert isinstance(back, np.ndarray)
    assert back[0, 1, 2, 3] == 0


def unwritable(tmp_path: Path) -> Path:
    """A folder in which this user cannot write: not even root can in /sys."""
    if os.geteuid() == 0:
        return Path("/sys")
    tmp_path.chmod(0o555)
    return tmp_path


def test_targets_that_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    for target in (Path("nowhere/a.fmq"), Path("map.npy/a.fmq"), unwritable(tmp_path) / "a.fmq"):
        refused = fmq(folder, "encode", "empty.npy", target)
        refused.assert_refused(2, f"{target} cannot be written: ", "give a folder")
    fmq(folder, "encode", "empty.npy", ".").assert_refused(2, "it is not a file")
    fmq(folder, "encode", "empty.npy", "/dev/null").assert_refused(2, "/dev/null", "not a file")
    assert not Path("/dev/null").is_file()
