"""Our profiles as the suite "rate" takes codecs: `fmq.encode` and `fmq.decode`, headers and all."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

import fmq_embedded as fmq
from firmware_tools.profiling.partial_cases import PartialCase
from firmware_tools.profiling.rate_codec import Coded, RateCodec, Setting, real_values
from firmware_tools.profiling.rate_weighted import weighted_codecs
from fmq_embedded.bitstream.headers import Preamble
from fmq_embedded.calibration.importance import measure_importance, step_exponents
from fmq_embedded.calibration.stepped_partition import (
    LARGEST_BIT_DEPTH,
    SampleRange,
    stepped_base,
    stepped_partition,
)
from fmq_embedded.codec import assemble, headers_crc
from fmq_embedded.dense.encoder import PLAIN, RATE_DISTORTION, TRELLIS, encode_map, prepare
from fmq_embedded.dense.search import Search
from fmq_embedded.dense.steps import nearest_step
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.partition import Partition
from fmq_embedded.quantizing import plain_header
from fmq_embedded.settings import Profile

PROFILES: tuple[Profile, ...] = ("dense", "standard", "fast")
SEARCHES = {"plain": PLAIN, "rdo": RATE_DISTORTION, "trellis": TRELLIS}
RATIOS = (5.0, 8.0, 12.0, 15.0, 16.0, 20.0, 25.0, 30.0, 34.0)
"""In dB: what `target_sqnr` is swept over."""
OCTAVES, TASK_OCTAVES = range(-12, 8), range(-8, 6)
"""Steps, as half octaves from the maps' root mean square."""
RANKED_MAPS = 100
"""By which the importance of channels is measured."""
MARGIN = 1.25
"""By how much a range that is fixed beforehand is wider than the one seen."""


def our_codecs() -> Iterator[RateCodec]:
    """Each profile; the first is the one that is to beat the peers.

    Dense by its `target_sqnr`; the others by the steps of a quantizer that has 0 at a level.
    """
    settings = [(ratio,) for ratio in reversed(RATIOS)]
    yield RateCodec(PROFILES[0], "", lambda item: settings, _code_targeted)
    for profile in PROFILES[1:]:
        yield RateCodec(
            profile,
            "",
            functools.partial(_steps, OCTAVES),
            functools.partial(_code_stepped, profile),
        )


def task_codecs(case: PartialCase) -> Iterator[RateCodec]:
    """Ways of quantizing with steps that are the same for every map.

    As a deployment has it, what is fixed beforehand - shape, quantizer, classes - is not in the
    streams. Ranges and the importance of channels are those of the calibration maps.
    """
    (name,) = case.calibration[0]
    real = np.concatenate([real_values(maps[name]).ravel() for maps in case.calibration])
    known = SampleRange(min(0.0, MARGIN * float(real.min())), MARGIN * float(real.max()))
    steps = functools.partial(_steps, TASK_OCTAVES)
    for search_name, search in SEARCHES.items():
        code = functools.partial(_code_dense, search)
        yield RateCodec(f"dense, {search_name}", "", steps, code)
    for profile in PROFILES:
        levels = functools.partial(_code_levels, profile, lambda step: _quantizer(known, step))
        yield RateCodec(profile + ", levels" * (profile == "dense"), "", steps, levels)
    unit = float(np.sqrt(np.mean(real.astype(np.float64) ** 2)))
    ranked = case.calibration[:RANKED_MAPS]
    measured = measure_importance(case.tail, ranked, {name: unit}, change=case.moved)
    exponents = step_exponents(list(measured.values()))[name]
    shape, finest = case.calibration[0][name].shape, 2.0 ** (int(exponents.min()) / 4)

    @functools.cache
    def stepped(step: float) -> Partition:
        held = _held(known, step * finest) / finest
        return stepped_partition("channel", shape, known, held, exponents)

    for profile in PROFILES[:2]:
        code = functools.partial(_code_levels, profile, stepped)
        yield RateCodec(f"{profile}, steps by importance", "", steps, code)
    yield from weighted_codecs(case, exponents, steps)


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


def _steps(half_octaves: range, item: FeatureMap) -> list[Setting]:
    rms = float(np.sqrt(np.mean(real_values(item).astype(np.float64) ** 2)))
    return [(rms * 2.0 ** (half / 2),) for half in half_octaves]


def _code_dense(search: Search, item: FeatureMap, setting: Setting) -> Coded:
    source = prepare(item)
    unit = 2.0**source.exponent * item.scale
    result = encode_map(source, nearest_step(setting[0] / unit), search)
    header = replace(plain_header(item), is_dense=True)
    stream = assemble(Preamble(1, is_compact=True), [(header, result.payload)])
    back = result.tensor.samples(item.shape, header.dtype, item.zero_point)
    return Coded(len(stream), real_values(FeatureMap(back, item.scale, item.zero_point)))


def _code_stepped(profile: Profile, item: FeatureMap, setting: Setting) -> Coded:
    real = real_values(item)
    span = SampleRange(float(real.min()), float(real.max()))
    return through(item, fmq.Settings(profile=profile, quantizer=_quantizer(span, setting[0])))


def _code_levels(
    profile: Profile,
    made: Callable[[float], fmq.Quantizer | Partition],
    item: FeatureMap,
    setting: Setting,
) -> Coded:
    """By a quantizer or classes that both ends hold."""
    coder = made(setting[0])
    header = replace(plain_header(item), quantizer=_base(coder), partition=_partition(coder))
    preamble = Preamble(1, headers_crc=headers_crc([header]))
    levels = coder.quantize(item)
    stream = assemble(preamble, [(header, levels)], profile=profile)
    back = coder.dequantize(
        levels, np.dtype(header.dtype), scale=item.scale, zero_point=item.zero_point
    )
    return Coded(len(stream), real_values(FeatureMap(back, item.scale, item.zero_point)))


def _base(coder: fmq.Quantizer | Partition) -> fmq.Quantizer:
    return coder.base if isinstance(coder, Partition) else coder


def _partition(coder: fmq.Quantizer | Partition) -> Partition | None:
    return coder if isinstance(coder, Partition) else None


@functools.lru_cache(maxsize=256)
def _quantizer(known: SampleRange, step: float) -> fmq.Quantizer:
    """The same quantizer each time, for it keeps its tables."""
    return stepped_base(known, _held(known, step))


def _held(known: SampleRange, step: float) -> float:
    """The step, or the finest that there are levels for."""
    most = (1 << LARGEST_BIT_DEPTH) - 2
    return max(step, max(known.maximum, 2 * -known.minimum, 2 * known.maximum) / most)
