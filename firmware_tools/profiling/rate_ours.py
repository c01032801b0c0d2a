"""Our profiles as the suite "rate" takes codecs: `fmq.encode` and `fmq.decode`, headers and all."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

import fmq_embedded as fmq
from firmware_tools.profiling.rate_codec import Coded, RateCodec, Setting, real_values
from fmq_embedded.bitstream.headers import Preamble
from fmq_embedded.calibration.stepped_partition import (
    LARGEST_BIT_DEPTH,
    SampleRange,
    stepped_base,
)
from fmq_embedded.codec import assemble
from fmq_embedded.dense.encoder import PLAIN, RATE_DISTORTION, TRELLIS, encode_map, prepare
from fmq_embedded.dense.payload import Search
from fmq_embedded.dense.steps import nearest_step
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.quantizing import plain_header
from fmq_embedded.settings import Profile

PROFILES: tuple[Profile, ...] = ("dense", "standard", "fast")
SEARCHES = {"plain": PLAIN, "rdo": RATE_DISTORTION, "trellis": TRELLIS}
RATIOS = (5.0, 8.0, 12.0, 15.0, 16.0, 20.0, 25.0, 30.0, 34.0)
"""In dB: what `target_sqnr` is swept over."""
OCTAVES = [octave / 2 for octave in range(-12, 8)]
"""Steps for tasks, as powers of two of the maps' root mean square."""
MARGIN = 1.25
"""By how much a range that is fixed beforehand is wider than the one seen."""


def our_codecs() -> Iterator[RateCodec]:
    """Each profile; the first is the one that is to beat the peers.

    Dense by its `target_sqnr`; the others by the steps of a quantizer that has 0 at a level.
    """
    settings = [(ratio,) for ratio in reversed(RATIOS)]
    yield RateCodec(PROFILES[0], "", lambda item: settings, _code_targeted)
    for profile in PROFILES[1:]:
        yield RateCodec(profile, "", _steps, functools.partial(_code_stepped, profile, None))


def task_codecs(seen: FeatureMap) -> Iterator[RateCodec]:
    """Ways of quantizing with a step that is the same for every map.

    Args:
        seen: real samples of maps like those to be coded, for ranges that are fixed beforehand.
    """
    real = real_values(seen)
    known = SampleRange(min(0.0, MARGIN * float(real.min())), MARGIN * float(real.max()))
    for name, search in SEARCHES.items():
        code = functools.partial(_code_dense, search)
        yield RateCodec(f"dense, {name}", "", _steps, code)
    for profile in PROFILES[1:]:
        yield RateCodec(profile, "", _steps, functools.partial(_code_stepped, profile, known))


def through(item: FeatureMap, settings: fmq.Settings) -> Coded:
    """A map coded and decoded, as real values."""
    return _decoded(item, fmq.encode(item, settings))


def _decoded(item: FeatureMap, stream: bytes) -> Coded:
    decoded = fmq.decode(stream)
    assert isinstance(decoded, np.ndarray)
    back = FeatureMap(decoded, item.scale, item.zero_point)
    return Coded(len(stream), real_values(back))


def _code_targeted(item: FeatureMap, setting: Setting) -> Coded:
    return through(item, fmq.Settings(profile=PROFILES[0], target_sqnr=setting[0]))


def _steps(item: FeatureMap) -> list[Setting]:
    rms = float(np.sqrt(np.mean(real_values(item).astype(np.float64) ** 2)))
    return [(rms * 2.0**octave,) for octave in OCTAVES]


def _code_dense(search: Search, item: FeatureMap, setting: Setting) -> Coded:
    source = prepare(item)
    unit = 2.0**source.exponent * item.scale
    result = encode_map(source, nearest_step(setting[0] / unit), search)
    header = replace(plain_header(item), is_dense=True)
    return _decoded(item, assemble(Preamble(1), [(header, result.payload)]))


def _code_stepped(
    profile: Profile, known: SampleRange | None, item: FeatureMap, setting: Setting
) -> Coded:
    real = real_values(item)
    span = known or SampleRange(float(real.min()), float(real.max()))
    return through(item, fmq.Settings(profile=profile, quantizer=_quantizer(span, setting[0])))


@functools.lru_cache(maxsize=256)
def _quantizer(known: SampleRange, step: float) -> fmq.Quantizer:
    """The same quantizer each time, for it keeps its tables; as fine as there are levels for."""
    most = (1 << LARGEST_BIT_DEPTH) - 2
    finest = max(known.maximum, 2 * -known.minimum, 2 * known.maximum) / most
    return stepped_base(known, max(step, finest))
