"""Rate against quality: this package's profiles and general compressors, on the same levels."""

from __future__ import annotations

import contextlib
import importlib
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.profiling.rate_codec import RateCodec, measure, real_values
from firmware_tools.profiling.rate_curve import RatePoint, frontier, signal_to_noise
from firmware_tools.profiling.rate_picture_peers import picture_peers
from firmware_tools.profiling.rate_video_peer import x265
from firmware_tools.report.tensor_facts import TensorFacts, worst_ratio
from fmq_embedded import codec
from fmq_embedded.deploy.deployment import TAIL
from fmq_embedded.errors import MissingToolError
from fmq_embedded.plugins import made, plugins
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.runtimes import open_model
from fmq_embedded.settings import PROFILES, Settings

BIT_DEPTHS = (1, 2, 3, 4, 5, 6, 7, 8)
PICTURE_PEERS = ("JPEG XL", "JPEG 2000", "JPEG-LS")

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Coded:
    """What a coder made of a tensor: bytes, and what comes back of it, as the tail takes it."""

    size: int
    samples: Array


Coder = Callable[[TensorFacts, Quantizer], Coded]


@dataclass(frozen=True)
class Curves:
    """The rates of several coders at the same qualities.

    Attributes:
        series: the points of each coder by its name, the coarsest first.
        chosen: what the deployment has.
    """

    series: Mapping[str, tuple[RatePoint, ...]]
    chosen: RatePoint


@dataclass(frozen=True)
class RateCurves:
    """Of each tensor by its name against its own quality, and of all against the tail's."""

    tensors: Mapping[str, Curves]
    result: Curves


def rate_curves(
    facts: Sequence[TensorFacts], folder: Path, stream_bytes: int, *, peers: bool = False
) -> RateCurves:
    """Quantize the worked case uniformly at each bit depth; code it by every coder.

    Args:
        facts: of every tensor of the deployment.
        folder: the deployment's, for its tail.
        stream_bytes: of the whole bitstream that the deployment makes of the case.
        peers: also let those codecs of pictures code each tensor that are installed.
    """
    coders = available_coders()
    tail = open_model(folder / TAIL)
    exact = tail.run({one.plan.name: one.samples for one in facts})
    elements = sum(one.samples.size for one in facts)
    tensors: dict[str, dict[str, tuple[RatePoint, ...]]] = {one.plan.name: {} for one in facts}
    whole: dict[str, tuple[RatePoint, ...]] = {}
    for coder in coders:
        points = []
        for depth in BIT_DEPTHS:
            coded = {one.plan.name: _coded(one, depth, coders[coder]) for one in facts}
            for one in facts:
                point = _point(one, coded[one.plan.name])
                tensors[one.plan.name][coder] = (*tensors[one.plan.name].get(coder, ()), point)
            result = tail.run({name: each.samples for name, each in coded.items()})
            size = sum(each.size for each in coded.values())
            points.append(RatePoint(8 * size / elements, worst_ratio(exact, result)))
        whole[coder] = tuple(points)
    chosen = worst_ratio(exact, tail.run({one.plan.name: one.decoded for one in facts}))
    return RateCurves(
        {
            one.plan.name: Curves(
                tensors[one.plan.name] | (_picture_series(one) if peers else {}),
                RatePoint(one.bits_per_element, one.sqnr),
            )
            for one in facts
        },
        Curves(whole, RatePoint(8 * stream_bytes / elements, chosen)),
    )


def _picture_series(one: TensorFacts) -> dict[str, tuple[RatePoint, ...]]:
    """The best points of each codec of pictures: it takes the map's channels as tiles."""
    item = one.plan.item(one.samples)
    return {
        codec.name: tuple(reversed(frontier(measure(codec, item)))) for codec in _picture_peers()
    }


def _picture_peers() -> Iterator[RateCodec]:
    with contextlib.suppress(MissingToolError):
        yield x265()
    with contextlib.suppress(MissingToolError):
        yield from (codec for codec in picture_peers() if codec.name in PICTURE_PEERS)


def available_coders() -> dict[str, Coder]:
    """What maps can be coded by on this machine: the profiles, and compressors beside them."""
    ours: dict[str, Coder] = {f"fmq {name}": _profile(name) for name in PROFILES}
    peers: dict[str, Coder] = {
        "zlib": _compressor(lambda data: zlib.compress(data, 9)),
        "xz": _compressor(lambda data: lzma.compress(data, preset=6)),
    }
    with contextlib.suppress(ImportError):
        zstandard = importlib.import_module("zstandard")
        peers["zstd"] = _compressor(zstandard.ZstdCompressor(level=19).compress)
    for name, plugin in plugins("codecs").items():
        peers[name] = _of_levels(made(plugin).encode)
    return ours | peers


def _profile(name: Any) -> Coder:
    def code(one: TensorFacts, quantizer: Quantizer) -> Coded:
        settings = Settings(quantizer=quantizer, profile=name)
        data = codec.encode(one.plan.item(one.samples), settings)
        back = codec.decode(data)
        assert isinstance(back, np.ndarray)  # one map without a name
        return Coded(len(data), back)

    return code


def _compressor(compress: Callable[[bytes], bytes]) -> Coder:
    return _of_levels(lambda levels: compress(np.ascontiguousarray(levels).tobytes()))


def _of_levels(encode: Callable[[Array], bytes]) -> Coder:
    """A coder of levels without loss: what comes back is what the quantizer gives."""

    def code(one: TensorFacts, quantizer: Quantizer) -> Coded:
        plan = one.plan
        levels = quantizer.quantize(plan.item(one.samples))
        back = quantizer.dequantize(
            levels, np.dtype(plan.dtype), scale=plan.scale, zero_point=plan.zero_point
        )
        return Coded(len(encode(levels)), back)

    return code


def _coded(one: TensorFacts, depth: int, coder: Coder) -> Coded:
    """The map, quantized uniformly over its own range."""
    known = one.statistics.moments
    return coder(one, Quantizer.uniform(known.minimum, known.maximum, depth))


def _point(one: TensorFacts, coded: Coded) -> RatePoint:
    back = real_values(one.plan.item(coded.samples))
    return RatePoint(8 * coded.size / one.samples.size, signal_to_noise(one.values, back))
