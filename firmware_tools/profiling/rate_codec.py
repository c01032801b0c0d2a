"""What the suite "rate" asks of a codec, ours or a peer's, and the measured points kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from firmware_tools.profiling.rate_curve import RatePoint, signal_to_noise
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.files import make_folder, write_atomically
from fmq_embedded.model_store import cache_folder

Real = npt.NDArray[np.float32]
Setting = tuple[float, ...]
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class Coded:
    """A map that went through a codec.

    Args:
        size: in bytes, of all that a decoder needs besides what is fixed for every map.
        samples: the real values that came back, in the map's shape.
    """

    size: int
    samples: Real


@dataclass(frozen=True)
class RateCodec:
    """A codec with one or more parameters of quality.

    Args:
        name: for tables.
        version: of its library and of what is fixed about it; empty to measure it anew each time.
        settings: those to be tried on a map, from fine to coarse.
        code: encodes and decodes a map.
    """

    name: str
    version: str
    settings: Callable[[FeatureMap], Sequence[Setting]]
    code: Callable[[FeatureMap, Setting], Coded]


def real_values(item: FeatureMap) -> Real:
    """What a map's samples stand for."""
    if not item.is_integer:
        return item.samples.astype(np.float32)
    codes = item.samples.astype(np.float32) - np.float32(item.zero_point)
    return codes * np.float32(item.scale)


def channels_first(samples: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """A map as (channels, rows, columns): a batch is rows, a vector channels of one sample."""
    shape = (1, 1, 1, *samples.shape)[-3:] if samples.ndim < 3 else samples.shape
    rows = int(np.prod(shape[:-2]))
    return np.ascontiguousarray(samples.reshape(rows, *shape[-2:]).transpose(2, 0, 1))


def channels_last(planes: npt.NDArray[Number], shape: tuple[int, ...]) -> npt.NDArray[Number]:
    """The inverse of `channels_first`."""
    return np.ascontiguousarray(planes.transpose(1, 2, 0)).reshape(shape)


def measure(codec: RateCodec, item: FeatureMap) -> list[RatePoint]:
    """A point for each of the codec's settings.

    A codec with a version is measured once: its points are kept in the cache folder, by the
    content of the map and the version.
    """
    if not codec.version:
        return [_point(codec, item, setting) for setting in codec.settings(item)]
    path = cache_folder() / "rate" / f"{_digest(codec, item)}.json"
    if path.is_file():
        return [RatePoint(*pair) for pair in json.loads(path.read_text())]
    points = [_point(codec, item, setting) for setting in codec.settings(item)]
    make_folder(path.parent)
    write_atomically(path, json.dumps([(p.bits, p.ratio) for p in points]).encode())
    return points


def _point(codec: RateCodec, item: FeatureMap, setting: Setting) -> RatePoint:
    real, coded = real_values(item), codec.code(item, setting)
    return RatePoint(8 * coded.size / real.size, signal_to_noise(real, coded.samples))


def _digest(codec: RateCodec, item: FeatureMap) -> str:
    real = real_values(item)
    settings = [tuple(map(float, setting)) for setting in codec.settings(item)]
    told = (codec.name, codec.version, settings, real.shape)
    return hashlib.sha256(repr(told).encode() + real.tobytes()).hexdigest()[:32]
