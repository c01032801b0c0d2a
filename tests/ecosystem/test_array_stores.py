"""Feature maps in Zarr, in both of its formats, by a codec that the packages find themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import zarr

import fmq_embedded as fmq
from fmq_embedded.array_codec import DTYPES
from fmq_embedded.errors import BitstreamError, InputError
from fmq_embedded.numcodecs_codec import Fmq
from fmq_embedded.zarr_codec import FmqCodec

MAPS = np.maximum(np.random.default_rng(0).normal(0, 1, (3, 8, 8, 6)), 0).astype(np.float32)
CHUNK = (1, 8, 8, 6)


def stored(folder: Path, form: int, maps: Any, **settings: Any) -> Path:
    """A store of maps, a chunk for each."""
    path = folder / f"{form}.zarr"
    coder = (
        {"compressors": Fmq(**settings), "filters": None}
        if form == 2
        else {"serializer": FmqCodec(**settings), "compressors": None}
    )
    zarr.create_array(path, data=maps, chunks=CHUNK, zarr_format=form, **coder)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("form", [2, 3])
def test_a_store_gives_what_the_codec_gives(tmp_path: Path, form: int) -> None:
    path = stored(tmp_path, form, MAPS, bit_depth=6)
    back = zarr.open_array(path)[:]
    for one, decoded in zip(MAPS, back, strict=True):  # type: ignore[arg-type]
        expected = fmq.decode(fmq.encode(one[None], fmq.Settings(bit_depth=6)))
        assert np.array_equal(decoded, expected[0])
    chunks = [p for p in path.rglob("*") if p.is_file() and not p.name.startswith((".", "zarr"))]
    assert len(chunks) == len(MAPS)
    assert sum(p.stat().st_size for p in chunks) < MAPS.nbytes / 6


@pytest.mark.parametrize("form", [2, 3])
def test_another_process_opens_it_without_naming_the_codec(tmp_path: Path, form: int) -> None:
    path = stored(tmp_path, form, MAPS)
    code = f"import zarr; print(float(zarr.open_array({str(path)!r})[:].sum()))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(out.stdout) == pytest.approx(float(MAPS.sum()), rel=0.01)


def test_numcodecs_finds_it_and_its_settings_travel() -> None:
    codec = numcodecs.get_codec({"id": "fmq", "bit_depth": 5, "partition": "channel"})
    assert isinstance(codec, Fmq)
    assert numcodecs.get_codec(codec.get_config()) == codec
    assert "bit_depth=5" in repr(codec)
    made = FmqCodec(bit_depth=5, rounding="centre")
    assert FmqCodec.from_dict(made.to_dict()) == made


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_comes_back_as_it_was(dtype: str) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    back = Fmq().decode(Fmq().encode(array))
    assert (back.shape, back.dtype) == (array.shape, array.dtype)
    out = np.zeros_like(array)
    assert Fmq().decode(Fmq().encode(array), out) is out
    assert np.array_equal(out, back)


def test_any_strides_are_taken() -> None:
    turned = MAPS[0].transpose(2, 0, 1)[:, ::-1]
    assert Fmq().encode(turned) == Fmq().encode(np.ascontiguousarray(turned))


def test_what_would_not_come_back_is_refused() -> None:
    with pytest.raises(InputError, match="float64"):
        Fmq().encode(MAPS.astype(np.float64))
    with pytest.raises(InputError):
        Fmq().encode(np.full((2, 2), np.nan, np.float32))
    with pytest.raises(InputError, match="no setting of the codec is called 'depth'"):
        Fmq(depth=3)
    with pytest.raises(InputError, match="bit_depth"):
        FmqCodec(bit_depth=99)
    two = fmq.encode({"a": MAPS[0], "b": MAPS[1]})
    with pytest.raises(InputError, match="2 maps"):
        Fmq().decode(two)


def test_a_damaged_chunk_is_an_error() -> None:
    data = bytearray(Fmq().encode(MAPS[0]))
    data[-6] ^= 1
    with pytest.raises(BitstreamError):
        Fmq().decode(bytes(data))
