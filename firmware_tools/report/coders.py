"""What codes a tensor of the worked case, at each of its qualities: ours, and the peers."""

from __future__ import annotations

import contextlib
import functools
import importlib
import lzma
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.profiling.rate_codec import RateCodec
from firmware_tools.profiling.rate_nncodec_peer import nncodec
from firmware_tools.profiling.rate_picture_peers import picture_peers
from firmware_tools.profiling.rate_video_peer import x265
from firmware_tools.report.tensor_facts import TensorFacts
from fmq_embedded import codec
from fmq_embedded.errors import MissingToolError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.plugins import made, plugins
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.settings import PROFILES, Profile, Settings

OURS = "fmq "
"""What the names of this package's own begin with."""
BIT_DEPTHS = (1, 2, 3, 4, 5, 6, 7, 8)

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Coded:
    """What a coder made of a tensor: bytes, and what comes back of it, as the tail takes it."""

    size: int
    samples: Array


Coder = Callable[[TensorFacts], Coded]
"""Codes a tensor at one quality."""


def available_coders() -> dict[str, list[Coder]]:
    """What maps can be coded by on this machine: the profiles, and compressors beside them.

    Each is there at each bit depth over the map's own range.
    """
    of_levels = {
        "zlib": _compressed(lambda data: zlib.compress(data, 9)),
        "xz": _compressed(lambda data: lzma.compress(data, preset=6)),
    }
    with contextlib.suppress(ImportError):
        zstandard = importlib.import_module("zstandard")
        of_levels["zstd"] = _compressed(zstandard.ZstdCompressor(level=19).compress)
    for name, plugin in plugins("codecs").items():
        of_levels[name] = made(plugin).encode
    ours = {OURS + name: functools.partial(_by_profile, name) for name in PROFILES}
    theirs = {name: functools.partial(_by_levels, encode) for name, encode in of_levels.items()}
    return {
        name: [functools.partial(code, depth) for depth in BIT_DEPTHS]
        for name, code in (ours | theirs).items()
    }


def peer_coders() -> dict[str, list[Coder]]:
    """The installed codecs of pictures and of networks, each at all its settings."""
    found: dict[str, list[Coder]] = {}
    for codecs in _PEERS:
        with contextlib.suppress(MissingToolError):
            for peer in codecs():
                curve = peer.name.partition(",")[0]  # several variants of one are one curve
                if curve in _SHOWN:
                    found.setdefault(curve, []).extend(_at_each_setting(peer))
    return found


_PEERS: tuple[Callable[[], Iterable[RateCodec]], ...] = (lambda: [x265()], nncodec, picture_peers)
_SHOWN = ("x265 intra", "NNCodec", "JPEG XL", "JPEG 2000", "JPEG-LS")


def _at_each_setting(peer: RateCodec) -> list[Coder]:
    """As many coders as a codec has settings, the same in number for every map."""

    def code(place: int, one: TensorFacts) -> Coded:
        item = one.plan.item(one.samples)
        found = peer.code(item, peer.settings(item)[place])
        return Coded(found.size, _as_samples(one, found.samples))

    count = len(peer.settings(FeatureMap(np.ones((1, 1, 1), np.float32))))
    return [functools.partial(code, place) for place in range(count)]


def _as_samples(one: TensorFacts, values: Array) -> Array:
    """Real values as the tail takes them."""
    dtype = np.dtype(one.plan.dtype)
    if dtype.kind == "f":
        return values.astype(dtype)
    ends = np.iinfo(dtype)
    codes = np.rint(values / one.plan.scale) + one.plan.zero_point
    return np.asarray(np.clip(codes, ends.min, ends.max), dtype)


def _by_profile(name: Profile, depth: int, one: TensorFacts) -> Coded:
    """The levels of a uniform quantizer; dense makes its own, with as large a step."""
    quantizer = None if name == "dense" else _uniform(one, depth)
    settings = Settings(bit_depth=depth, quantizer=quantizer, profile=name)
    data = codec.encode(one.plan.item(one.samples), settings)
    back = codec.decode(data)
    assert isinstance(back, np.ndarray)  # one map without a name
    return Coded(len(data), back)


def _by_levels(encode: Callable[[Array], bytes], depth: int, one: TensorFacts) -> Coded:
    """Levels without loss: what comes back is what the quantizer gives."""
    plan, quantizer = one.plan, _uniform(one, depth)
    levels = quantizer.quantize(plan.item(one.samples))
    back = quantizer.dequantize(
        levels, np.dtype(plan.dtype), scale=plan.scale, zero_point=plan.zero_point
    )
    return Coded(len(encode(levels)), back)


def _compressed(compress: Callable[[bytes], bytes]) -> Callable[[Array], bytes]:
    return lambda levels: compress(np.ascontiguousarray(levels).tobytes())


def _uniform(one: TensorFacts, depth: int) -> Quantizer:
    """Over the map's own range."""
    known = one.statistics.moments
    return Quantizer.uniform(known.minimum, known.maximum, depth)
