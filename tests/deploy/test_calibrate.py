"""Calibration of a deployment, and its worked case."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmq_embedded.calibration.collected import input_digest
from fmq_embedded.data.input_description import PictureInput
from fmq_embedded.deploy.calibrate import calibrate
from fmq_embedded.deploy.calibration_data import calibration_inputs
from fmq_embedded.deploy.conformance import FOLDER, STREAM, SUMS, case_maps, check_case
from fmq_embedded.deploy.deployment_files import DESCRIPTION, HEAD, TABLES, TAIL, load
from fmq_embedded.errors import InputError, MismatchError
from fmq_embedded.runtimes import open_model
from tests.deploy.tiny_deployment import CUT, SHAPE, inputs, split_deployment

SQNR, DEPTHS = 30.0, (4, 6, 8)


def calibrated_in(folder: Path) -> Path:
    split_deployment(folder)
    np.save(folder.parent / f"{folder.name}.npy", inputs())
    data = calibration_inputs(str(folder.parent / f"{folder.name}.npy"), folder)
    calibrate(folder, data, tail_sqnr=SQNR, bit_depths=DEPTHS)
    return folder


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return calibrated_in(tmp_path_factory.mktemp("calibrated") / "one")


@pytest.fixture
def changeable(calibrated: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(calibrated, tmp_path / "changeable"))


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return split_deployment(tmp_path / "plain")


def test_the_tail_keeps_its_ratio(calibrated: Path) -> None:
    """Recomputed here, on the same inputs, with the codec between head and tail."""
    deployment = load(calibrated)
    assert [plan.name for plan in deployment.tensors] == list(CUT)
    head, tail = open_model(calibrated / HEAD), open_model(calibrated / TAIL)
    noise: dict[str, float] = {}
    signal: dict[str, float] = {}
    for sample in inputs():
        maps = head.run(sample.reshape(SHAPE))
        exact = tail.run(maps)
        got = tail.run(deployment.decode(deployment.encode(maps)))
        for name, wide in exact.items():
            noise[name] = noise.get(name, 0.0) + float(((wide - got[name]) ** 2.0).sum())
            signal[name] = signal.get(name, 0.0) + float((wide**2.0).sum())
    for name, power in noise.items():
        assert 10 * np.log10(signal[name] / power) >= SQNR - 0.01


def test_each_tensor_has_a_quantizer_of_the_depths_and_a_reason(calibrated: Path) -> None:
    for plan in load(calibrated).tensors:
        assert plan.chosen_quantizer.bit_depth in DEPTHS
        assert "bits/sample" in plan.why


def test_bytes_are_the_same_each_time(calibrated: Path, tmp_path: Path) -> None:
    other = calibrated_in(tmp_path / "other")
    files = sorted(p.relative_to(calibrated) for p in calibrated.rglob("*") if p.is_file())
    assert len(files) == 4 + 8
    for name in files:
        assert (other / name).read_bytes() == (calibrated / name).read_bytes(), name


def test_a_folder_of_inputs_is_the_same_as_one_file(
    calibrated: Path, plain: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for index, sample in enumerate(inputs()):
        np.save(data / f"{index}.npy", sample)
    calibrate(plain, calibration_inputs(str(data), plain), tail_sqnr=SQNR, bit_depths=DEPTHS)
    for name in (DESCRIPTION, TABLES):
        assert (plain / name).read_bytes() == (calibrated / name).read_bytes()


def test_pictures_and_how_they_are_taken_are_kept(plain: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    pictures = np.random.default_rng(1).integers(0, 256, (3, 5, 4, 3), np.uint8)
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / f"{index}.png")
    data = calibration_inputs(str(folder), plain, ["kind=picture", "fit=crop"])
    deployment, _ = calibrate(plain, data, tail_sqnr=10, bit_depths=DEPTHS)
    wanted = PictureInput((-1.0,), (1.0,), "crop")
    assert load(plain).input == deployment.input == wanted
    again = calibration_inputs(str(folder), plain)
    np.testing.assert_array_equal(np.concatenate(list(again)), np.concatenate(list(data)))


def test_a_ratio_out_of_reach_is_a_mismatch_and_changes_nothing(plain: Path) -> None:
    before = {path: path.read_bytes() for path in plain.iterdir()}
    data = [sample.reshape(SHAPE) for sample in inputs()]
    with pytest.raises(MismatchError, match="allow more bits") as caught:
        calibrate(plain, data, tail_sqnr=150, bit_depths=[3])
    assert caught.value.exit_status == 1
    assert {path: path.read_bytes() for path in plain.iterdir()} == before


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 4, 4, 2), np.float32), r"\[0\] is float32 \(4, 4, 2\); the head takes"),
        (np.zeros((2, *SHAPE[1:]), np.float64), r"is float64 .* takes float32 \(1, 4, 4, 3\)"),
        (np.zeros((0, *SHAPE[1:]), np.float32), "at least one input"),
        (np.float32(1), "not one array of inputs"),
        (np.full((1, *SHAPE[1:]), np.nan, np.float32), "NaN or infinite"),
    ],
)
def test_data_that_do_not_fit(plain: Path, tmp_path: Path, array: object, message: str) -> None:
    np.save(tmp_path / "data.npy", np.asarray(array))
    with pytest.raises(InputError, match=message):
        calibrate(plain, calibration_inputs(str(tmp_path / "data.npy"), plain))


def test_data_that_are_not_there(plain: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="got none; expected files of one kind"):
        calibrate(plain, calibration_inputs(str(empty), plain))
    with pytest.raises(InputError, match="cannot be read"):
        calibrate(plain, calibration_inputs(str(tmp_path / "nothing.npy"), plain))
    np.savez(tmp_path / "nothing.npz")
    with pytest.raises(InputError, match="holds no arrays"):
        calibrate(plain, calibration_inputs(str(tmp_path / "nothing.npz"), plain))


def test_bit_depths_that_cannot_be(plain: Path) -> None:
    data = [sample.reshape(SHAPE) for sample in inputs(1)]
    with pytest.raises(InputError, match="bit_depth"):
        calibrate(plain, data, bit_depths=[99])


def test_the_case_is_whole_and_its_sums_are_right(calibrated: Path) -> None:
    target = calibrated / FOLDER
    lines = (target / SUMS).read_text().splitlines()
    named = {name: digest for digest, name in (line.split("  ") for line in lines)}
    parts = ("samples", "levels", "decoded")
    expected = {STREAM} | {f"{index}.{part}.npy" for index in range(2) for part in parts}
    assert set(named) == expected == {path.name for path in target.iterdir()} - {SUMS}
    for name, digest in named.items():
        assert hashlib.sha256((target / name).read_bytes()).hexdigest() == digest
    check_case(load(calibrated), calibrated)


def test_the_case_is_the_input_with_the_smallest_hash(calibrated: Path) -> None:
    first = min(inputs(), key=input_digest)
    maps = open_model(calibrated / HEAD).run(first.reshape(SHAPE))
    kept = case_maps(load(calibrated), calibrated)
    for name in CUT:
        np.testing.assert_array_equal(kept[name], maps[name])


@pytest.mark.parametrize("name", ["stream.fmq", "0.levels.npy", "1.decoded.npy", "0.samples.npy"])
def test_tampering_is_found(changeable: Path, name: str) -> None:
    path = changeable / FOLDER / name
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    with pytest.raises(MismatchError, match=name):
        check_case(load(changeable), changeable)


@pytest.mark.parametrize("name", ["stream.fmq", "0.levels.npy", "1.decoded.npy"])
def test_tampering_with_the_sum_as_well_is_found(changeable: Path, name: str) -> None:
    path, sums = changeable / FOLDER / name, changeable / FOLDER / SUMS
    data = path.read_bytes()
    changed = data[:-5] + bytes([data[-5] ^ 1]) + data[-4:]
    path.write_bytes(changed)
    old, new = (hashlib.sha256(content).hexdigest() for content in (data, changed))
    sums.write_text(sums.read_text().replace(old, new))
    with pytest.raises(MismatchError, match="not what this version gives"):
        check_case(load(changeable), changeable)


def test_a_quantizer_changed_by_hand_is_found(changeable: Path) -> None:
    """The case belongs to the quantizers it was made with."""
    path = changeable / DESCRIPTION
    text = path.read_text()
    centre = next(line for line in text.splitlines() if "offset = " in line or "centre = " in line)
    path.write_text(
        text.replace(centre, centre.replace("= ", "= 0.25 #" if "offset" in centre else "= 1 #"), 1)
    )
    with pytest.raises(MismatchError, match="not what this version gives"):
        check_case(load(changeable), changeable)


@pytest.mark.parametrize("text", ["", "nonsense\n", "\xff"])
def test_damaged_sums_are_found(changeable: Path, text: str) -> None:
    (changeable / FOLDER / SUMS).write_text(text)
    with pytest.raises(MismatchError, match="sum is not in SHA256SUMS"):
        check_case(load(changeable), changeable)


def test_a_missing_case_or_file_is_named(changeable: Path) -> None:
    (changeable / FOLDER / "1.levels.npy").unlink()
    with pytest.raises(InputError, match=r"1\.levels\.npy cannot be read"):
        check_case(load(changeable), changeable)
    shutil.rmtree(changeable / FOLDER)
    with pytest.raises(InputError, match="run `inv calibrate`"):
        check_case(load(changeable), changeable)
