"""The peer NNCodec: dependent quantization with rate–distortion optimisation, and DeepCABAC.

It needs torch and an old NumPy, so it lives in an environment of its own in the cache folder.
"""

from __future__ import annotations

import atexit
import functools
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from firmware_tools.profiling.rate_codec import (
    Coded,
    RateCodec,
    Setting,
    channels_first,
    channels_last,
    real_values,
)
from fmq_embedded.errors import MissingToolError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.model_store import cache_folder

PACKAGE = "nncodec==2.1.3"
STEPS_PER_OCTAVE = 4
QUARTERS = range(-22, 9, 2)
"""Steps as quarter octaves from a map's root mean square."""
LAMBDAS = (1.0, 2.0)
"""Scales of λ: the first leads above about 14 dB, the second below; 0 and 0.5 nowhere."""


def nncodec() -> Iterator[RateCodec]:
    """The peer with each λ; its setting is the quantization parameter.

    Raises:
        MissingToolError: its environment is not there.
    """
    python = interpreter()
    if not python.is_file():
        folder = python.parent.parent
        raise MissingToolError(
            f"NNCodec is not installed; install it with: python3.11 -m venv {folder} && "
            f"{python} -m pip install {PACKAGE} opencv-python-headless"
        )
    for scale in LAMBDAS:
        code = functools.partial(_code, scale)
        yield RateCodec(f"NNCodec, λ {scale:g}", PACKAGE, _settings, code)


def interpreter() -> Path:
    """The Python of NNCodec's environment."""
    return cache_folder() / "nncodec" / "bin" / "python"


def _settings(item: FeatureMap) -> list[Setting]:
    rms = float(np.sqrt(np.mean(real_values(item).astype(np.float64) ** 2)))
    middle = round(STEPS_PER_OCTAVE * np.log2(rms)) if rms > 0 else 0
    return [(float(middle + quarter),) for quarter in QUARTERS]


def _code(scale: float, item: FeatureMap, setting: Setting) -> Coded:
    # A row for each channel: with a row for each position it takes up to half as much again.
    planes = channels_first(real_values(item))
    size, decoded = _worker().through(planes.reshape(len(planes), -1), int(setting[0]), scale)
    return Coded(size, channels_last(decoded.reshape(planes.shape), item.samples.shape))


class _Worker:
    """The process that has NNCodec; it stays for the run, since loading torch takes seconds."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        script = Path(__file__).with_name("rate_nncodec_worker.py")
        self.process = subprocess.Popen(
            [interpreter(), "-I", script],  # isolated: our folder's profile.py is not Python's
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        atexit.register(self.close)

    def through(
        self, samples: np.ndarray[tuple[int, ...], np.dtype[np.float32]], qp: int, scale: float
    ) -> tuple[int, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
        """The stream's bytes, and what comes back."""
        paths = [str(Path(self.folder.name) / name) for name in ("in.npy", "out.npy")]
        # NNCodec gives zeros for arrays that are not contiguous.
        np.save(paths[0], np.ascontiguousarray(samples))
        request = {"input": paths[0], "output": paths[1], "qp": qp, "lambda": scale}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise MissingToolError(
                f"NNCodec ended with status {self.process.wait()}; install it anew: "
                f"{interpreter()} -m pip install --force-reinstall {PACKAGE}"
            )
        return int(answer), np.load(paths[1])

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()


@functools.cache
def _worker() -> _Worker:
    return _Worker()
