"""Sounds: WAV files in pieces, as waves or as mel spectrograms."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fmq_embedded.data.files import file_identity
from fmq_embedded.data.input_description import SoundInput
from fmq_embedded.data.quantized import as_port
from fmq_embedded.errors import InputError, MissingToolError
from fmq_embedded.runtimes.ports import Port

SUFFIXES: Final = (".wav",)
FLOOR_DECIBELS: Final = -80.0

Array = npt.NDArray[Any]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SoundFiles:
    """Pieces of WAV files, one after the other; a rest shorter than a piece is left out, but a
    file shorter than that is a piece, with silence behind.

    Args:
        paths: of the files.
        counts: of pieces in each.
        length: of a piece, in samples of `sample_rate`.
        sample_rate: what the pieces are converted to.
    """

    paths: Sequence[Path]
    counts: Sequence[int]
    length: int
    sample_rate: int
    part_size: int = 1

    @classmethod
    def of(cls, paths: Sequence[Path], port: Port, description: SoundInput) -> SoundFiles:
        """The pieces that an input takes.

        Raises:
            InputError: a file is no WAV file.
            MissingToolError: SciPy is not installed.
        """
        length, rate = wave_length(port, description), description.sample_rate
        counts = []
        for path in paths:
            own_rate, wave = _open_wave(path)
            counts.append(max(1, len(wave) * rate // own_rate // length))
        return cls(paths, counts, length, rate)

    def __len__(self) -> int:
        return sum(self.counts)

    def read(self, start: int, stop: int) -> Iterator[tuple[str, Reals]]:
        """The waves start..stop − 1, each of `length` samples in −1..1, with its name."""
        begin = 0
        for path, count in zip(self.paths, self.counts, strict=True):
            for piece in range(max(start - begin, 0), min(stop - begin, count)):
                yield f"{path}[{piece}]", self._piece(path, piece)
            begin += count

    def identity(self) -> Iterator[str]:
        """What tells these files from others."""
        return map(file_identity, self.paths)

    def _piece(self, path: Path, piece: int) -> Reals:
        rate, wave = _open_wave(path)
        begin, end = (
            index * self.length * rate // self.sample_rate for index in (piece, piece + 1)
        )
        mono = _as_reals(wave[begin : end + 1])
        if rate != self.sample_rate:
            from scipy.signal import resample_poly

            shared = math.gcd(rate, self.sample_rate)
            mono = resample_poly(mono, self.sample_rate // shared, rate // shared)
        whole = np.zeros(self.length)
        whole[: min(self.length, mono.size)] = mono[: self.length]
        return whole


def wave_length(port: Port, description: SoundInput) -> int:
    """Samples of the wave that an input is made from."""
    if description.features == "wave":
        return max(1, math.prod(port.shape))
    return description.window + (_frames_and_bands(port)[0] - 1) * description.hop


def sound_input(wave: Reals, description: SoundInput, port: Port) -> Array:
    """A wave of `wave_length` samples as a network takes it."""
    low, high = description.low[0], description.high[0]
    if description.features == "wave":
        share = (wave + 1) / 2
    else:
        share = 1 - mel_decibels(wave, description, *_frames_and_bands(port)) / FLOOR_DECIBELS
    return as_port(low + share * (high - low), port).reshape(port.shape)


def mel_decibels(wave: Reals, description: SoundInput, frames: int, bands: int) -> Reals:
    """The mel spectrogram: (frames, bands), decibels of a sine of full scale, −80..0.

    Frames under a Hann window; triangular bands, evenly spaced on the mel scale of
    D. O'Shaughnessy, "Speech Communication: Human and Machine", 1987: 2595·log10(1 + f/700).
    """
    size = description.window
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    starts = np.arange(frames)[:, None] * description.hop
    pieces = wave[starts + np.arange(size)] * window
    points = 1 << (size - 1).bit_length()
    power = np.abs(np.fft.rfft(pieces, points)) ** 2 / (window.sum() / 2) ** 2
    # Not a matrix product: those of BLAS round differently with the number of threads.
    energy = np.einsum("fp,bp->fb", power, _filters(description, bands, points))
    floor = 10 ** (FLOOR_DECIBELS / 10)
    return np.asarray(10 * np.log10(energy.clip(floor, 1.0)))


@functools.lru_cache(maxsize=8)
def _filters(description: SoundInput, bands: int, points: int) -> Reals:
    """The weight of each frequency of the Fourier transform in each band."""
    lowest, highest = (2595 * math.log10(1 + f / 700) for f in description.band_limits)
    edges = 700 * (10 ** (np.linspace(lowest, highest, bands + 2) / 2595) - 1)
    frequencies = np.arange(points // 2 + 1) * (description.sample_rate / points)
    below, middle, above = (edges[i : i + bands, None] for i in range(3))
    rising = (frequencies - below) / (middle - below)
    falling = (above - frequencies) / (above - middle)
    return np.asarray(np.minimum(rising, falling).clip(0, 1))


def _frames_and_bands(port: Port) -> tuple[int, int]:
    axes = [side for side in port.shape if side > 1]
    if len(axes) != 2:
        raise InputError(
            f"the head takes {port.shape}, which is no spectrogram (frames × bands); set "
            "--input features=wave, or give arrays"
        )
    return axes[0], axes[1]


def _open_wave(path: Path) -> tuple[int, Array]:
    """The sample rate and the samples, (count,) or (count, channels), which stay in the file."""
    try:
        from scipy.io import wavfile
    except ImportError as error:
        raise MissingToolError(
            "sounds need SciPy; install it with: python -m pip install 'fmq-embedded[data]'"
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # unknown chunks, such as a title
            try:
                rate, wave = wavfile.read(path, mmap=True)
            except ValueError:  # 24 bits are not mapped
                rate, wave = wavfile.read(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read as a WAV file: {error}; take it out of the data"
        ) from error
    return int(rate), wave


def _as_reals(wave: Array) -> Reals:
    """Samples as mono in −1..1."""
    real = wave.astype(np.float64)
    if wave.dtype == np.uint8:
        real = (real - 128) / 128
    elif wave.dtype.kind == "i":
        real /= float(1 << (8 * wave.dtype.itemsize - 1))
    return real.mean(axis=1) if real.ndim == 2 else real
