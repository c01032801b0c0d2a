"""Pictures from files to a network's input, pixel for pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fmq_embedded.data.data_set import DataSet, open_data
from fmq_embedded.data.input_description import PictureInput
from fmq_embedded.data.pictures import fitted
from fmq_embedded.errors import InputError
from fmq_embedded.runtimes import Port

SYMMETRIC = PictureInput((-1.0,), (1.0,), "stretch")
GENERATOR = np.random.default_rng(2)
PICTURE = GENERATOR.integers(0, 256, (8, 10, 3), np.uint8)


def port(*shape: int, dtype: str = "float32", scale: float = 1.0, zero_point: int = 0) -> Port:
    return Port("input", shape, np.dtype(dtype), scale, zero_point)


def opened(folder: Path, description: PictureInput, where: Port) -> DataSet:
    Image.fromarray(PICTURE).save(folder / "a.png")
    return open_data(str(folder), where, description)


def test_range_and_layout(tmp_path: Path) -> None:
    (found,) = opened(tmp_path, SYMMETRIC, port(1, 8, 10, 3))
    exact = PICTURE.astype(np.float64) / 255 * 2 - 1
    np.testing.assert_allclose(found[0], exact, atol=1e-7)
    assert found.dtype == np.float32
    first = PictureInput((0.0, 1.0, 2.0), (1.0, 0.0, 4.0), "stretch", "channels first", "bgr")
    (turned,) = opened(tmp_path, first, port(1, 3, 8, 10))
    blue, green, red = PICTURE[..., 2], PICTURE[..., 1], PICTURE[..., 0]
    expected = np.stack([blue / 255, 1 - green / 255, 2 + red / 255 * 2])
    np.testing.assert_allclose(turned[0], expected, atol=1e-6)


def test_codes_are_rounded_and_kept_in_their_type(tmp_path: Path) -> None:
    wide = PictureInput((-1.0,), (0.9921875,), "stretch")
    (codes,) = opened(tmp_path, wide, port(1, 8, 10, 3, dtype="int8", scale=1 / 128))
    np.testing.assert_array_equal(codes[0], PICTURE.astype(np.int16) - 128)
    over = PictureInput((-9.0,), (9.0,), "stretch")
    (clipped,) = opened(tmp_path, over, port(1, 8, 10, 3, dtype="int8", scale=1 / 128))
    assert {int(clipped.min()), int(clipped.max())} == {-128, 127}


def test_grey(tmp_path: Path) -> None:
    grey = PictureInput((0.0,), (255.0,), "stretch", colour="grey")
    (found,) = opened(tmp_path, grey, port(1, 8, 10, 1))
    exact = np.asarray(Image.fromarray(PICTURE).convert("L"), np.float32)
    np.testing.assert_allclose(found[0, :, :, 0], exact, atol=1e-4)


@pytest.mark.parametrize(
    ("fit", "covered"),
    [("letterbox", (20, 5)), ("crop", (20, 20)), ("stretch", (20, 20))],
)
def test_fits(fit: str, covered: tuple[int, int]) -> None:
    white = np.full((10, 40, 3), 255, np.uint8)
    found, place = fitted(white, 20, 20, fit)
    columns, rows = ((found[..., 0] == 255).any(axis=axis).sum() for axis in (0, 1))
    assert (columns, rows) == covered
    assert place.left == {"letterbox": 0, "crop": -30, "stretch": 0}[fit]


def test_files_come_in_the_order_of_their_names_from_all_folders(tmp_path: Path) -> None:
    shades = {"b/two.jpg": 200, "a.png": 100, "b/one.BMP": 150, "c.ppm": 250}
    (tmp_path / "b").mkdir()
    for name, shade in shades.items():
        Image.new("RGB", (9, 9), (shade,) * 3).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a picture")
    data = open_data(str(tmp_path), port(1, 8, 8, 3), PictureInput((0.0,), (255.0,)))
    assert len(data) == 4
    assert [round(float(found.mean())) for found in data] == [100, 150, 200, 250]
    assert [round(float(found.mean())) for found in data.read(1, 3)] == [150, 200]


def test_turned_by_the_camera(tmp_path: Path) -> None:
    """Orientation 6: to be turned by a quarter."""
    picture = Image.fromarray(PICTURE)
    exif = picture.getexif()
    exif[0x112] = 6
    picture.save(tmp_path / "a.png", exif=exif)
    (found,) = open_data(str(tmp_path), port(1, 10, 8, 3), SYMMETRIC)
    exact = np.rot90(PICTURE, -1).astype(np.float64) / 255 * 2 - 1
    np.testing.assert_allclose(found[0], exact, atol=1e-7)


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    data = opened(tmp_path, SYMMETRIC, port(1, 8, 10, 3))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    with pytest.raises(InputError, match=r"a\.png cannot be read as a picture"):
        list(data)


def test_channels_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pictures of 1 channels"):
        list(opened(tmp_path, SYMMETRIC, port(1, 8, 10, 1)))


def test_the_fingerprint_changes_with_files_and_use(tmp_path: Path) -> None:
    data = opened(tmp_path, SYMMETRIC, port(1, 8, 10, 3))
    other = opened(tmp_path, PictureInput((0.0,), (1.0,)), port(1, 8, 10, 3))
    again = open_data(str(tmp_path), port(1, 8, 10, 3), other.description)
    assert data.fingerprint != other.fingerprint == again.fingerprint
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    more = open_data(str(tmp_path), port(1, 8, 10, 3), other.description)
    assert more.fingerprint != other.fingerprint
