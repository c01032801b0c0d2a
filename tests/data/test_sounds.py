"""WAV files in pieces, as waves and as spectrograms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from fmq_embedded.data.data_set import open_data
from fmq_embedded.data.input_description import SoundInput
from fmq_embedded.data.sounds import mel_decibels
from fmq_embedded.errors import InputError
from fmq_embedded.runtimes import Port

RATE = 16_000
WAVE = SoundInput((-1.0,), (1.0,))
MEL = SoundInput((-80.0,), (0.0,), "mel")


def port(*shape: int, dtype: str = "float32") -> Port:
    return Port("input", shape, np.dtype(dtype), 1.0, 0)


def sine(frequency: float, count: int, rate: int = RATE, height: float = 1.0) -> Any:
    return height * np.sin(2 * np.pi * frequency / rate * np.arange(count))


@pytest.mark.parametrize(
    ("dtype", "one", "offset"),
    [("int16", 32768, 0), ("int32", 2**31, 0), ("uint8", 128, 128), ("float32", 1, 0)],
)
def test_every_kind_of_sample(tmp_path: Path, dtype: str, one: float, offset: int) -> None:
    real = sine(440, 1000, height=0.5)
    written = (real * one + offset).astype(dtype)
    wavfile.write(tmp_path / "a.wav", RATE, written)
    (found,) = open_data(str(tmp_path / "a.wav"), port(1, 1000), WAVE)
    np.testing.assert_allclose(found[0], real, atol=1.01 / 128 if dtype == "uint8" else 1e-4)


def test_24_bits(tmp_path: Path) -> None:
    import wave

    real = sine(440, 1000, height=0.5)
    codes = (real * 2**23).astype("<i4")
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(3)
        file.setframerate(RATE)
        file.writeframes(codes.view(np.uint8).reshape(-1, 4)[:, :3].tobytes())
    (found,) = open_data(str(tmp_path / "a.wav"), port(1, 1000), WAVE)
    np.testing.assert_allclose(found[0], real, atol=1e-6)


def test_pieces_one_after_the_other(tmp_path: Path) -> None:
    ramp = np.arange(2500, dtype=np.int16)
    wavfile.write(tmp_path / "a.wav", RATE, ramp)
    wavfile.write(tmp_path / "b.wav", RATE, ramp[:300])
    data = open_data(str(tmp_path), port(1, 1000), SoundInput((-32768.0,), (32768.0,)))
    assert len(data) == 3
    first, second, short = data
    np.testing.assert_allclose(first[0], ramp[:1000], atol=0.01)
    np.testing.assert_allclose(second[0], ramp[1000:2000], atol=0.01)
    np.testing.assert_allclose(short[0], np.pad(ramp[:300], (0, 700)), atol=0.01)
    np.testing.assert_array_equal(next(data.read(1, 2)), second)


def test_other_rates_and_channels_are_converted(tmp_path: Path) -> None:
    stereo = np.stack([sine(500, 44100, 44100, 0.6), np.zeros(44100)], axis=1)
    wavfile.write(tmp_path / "a.wav", 44100, stereo.astype(np.float32))
    data = open_data(str(tmp_path), port(1, 8000), WAVE)
    assert len(data) == 2
    expected = sine(500, 16000, height=0.3)
    for index, found in enumerate(data):
        own = expected[8000 * index : 8000 * (index + 1)]
        np.testing.assert_allclose(found[0, 100:-100], own[100:-100], atol=0.01)


def test_a_sine_is_in_its_band_at_0_decibels() -> None:
    bands, frames = 40, 10
    edges = 700 * (10 ** (np.linspace(31.75, 2840.02, bands + 2) / 2595) - 1)
    wave = sine(edges[21], MEL.window + (frames - 1) * MEL.hop)
    found = mel_decibels(wave, MEL, frames, bands)
    assert found.shape == (frames, bands)
    assert (found.argmax(axis=1) == 20).all()
    assert found.max() == pytest.approx(0, abs=3)
    assert found.min() == -80.0
    quiet, quieter = (mel_decibels(wave * gain, MEL, frames, bands).max() for gain in (0.1, 0.01))
    assert quieter - quiet == pytest.approx(-20)


def test_spectrograms_as_codes(tmp_path: Path) -> None:
    length = MEL.window + 9 * MEL.hop
    silent_then_loud = np.concatenate([np.zeros(length), sine(1000, length)])
    wavfile.write(tmp_path / "a.wav", RATE, (silent_then_loud * 32767).astype(np.int16))
    wide = SoundInput((-128.0,), (127.0,), "mel")
    silent, loud = open_data(str(tmp_path), port(1, 10, 1, 20, dtype="int8"), wide)
    assert silent.shape == (1, 10, 1, 20)
    assert (silent == -128).all()
    assert loud.max() > 100


def test_what_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF and no more")
    with pytest.raises(InputError, match=r"a\.wav cannot be read as a WAV file"):
        open_data(str(tmp_path), port(1, 1000), WAVE)
    wavfile.write(tmp_path / "a.wav", RATE, np.zeros(10, np.int16))
    with pytest.raises(InputError, match="no spectrogram"):
        open_data(str(tmp_path), port(1, 1000), MEL)
    with pytest.raises(InputError, match="kind=sound"):
        open_data(str(tmp_path), port(1, 1000), None)
