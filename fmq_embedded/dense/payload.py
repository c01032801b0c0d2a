"""Payloads of the dense coder: fixed-point samples to bytes and back."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from fmq_embedded.dense import contexts, workspace
from fmq_embedded.dense.layout import Layout
from fmq_embedded.dense.prior import Prior, default_prior
from fmq_embedded.dense.records import Coding, Numbers
from fmq_embedded.dense.search import LOSSLESS, Search
from fmq_embedded.dense.steps import UNIT_STEP
from fmq_embedded.errors import BitstreamError

Planes = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Channels:
    """How each channel of a map is coded.

    Args:
        modes: int64, channels.
        parents: int64, channels × `MOST_PARENTS`: the channels that one is predicted from.
        factors: int64, as `parents`: by how much of each, in 1/16.
    """

    modes: Numbers
    parents: Numbers
    factors: Numbers

    @classmethod
    def of(cls, coding: Coding) -> Channels:
        """Those of a coding."""
        return cls(coding.modes, coding.parents, coding.factors)

    @property
    def are_predicted(self) -> bool:
        """Whether any is predicted from others."""
        return bool((self.parents != contexts.NO_PARENT).any())


@dataclass
class Coded:
    """What an encoding gives.

    Args:
        levels: int32, channels × rows × columns.
        kept: int32, as `levels`: what was quantized, in 1/256 step (half step if dependent).
        restored: int32, as `levels`: the samples of a decoder that has the points that were given,
            in 1/4; None where the encoder had no need of them.
        states, weights: as they are at the end.
    """

    data: bytes
    levels: Planes
    channels: Channels
    kept: Planes
    restored: Planes | None
    states: npt.NDArray[np.int32] = field(repr=False)
    weights: npt.NDArray[np.int32] = field(repr=False)


def encode_samples(
    samples: Planes,
    layout: Layout,
    step: int,
    one_sided: bool,
    search: Search,
    prior: Prior,
    *,
    points: Numbers | None = None,
    lossless: bool = False,
) -> Coded:
    """Code fixed-point samples.

    Args:
        samples: int32, channels × rows × columns, within ±4,095.
        points: int64 (3, 2): the reconstruction points that a decoder is to have, if channels
            may be predicted; see `POINTS_SHAPE`.
    """
    from fmq_embedded.dense import map_kernels
    from fmq_embedded.entropy import kernels

    out = np.zeros(samples.size * 4 + 64, np.uint8)
    coder = workspace.coder(False, [0, kernels.FULL_RANGE, -1], out)
    model = workspace.model(prior)
    coding = workspace.coding(layout)
    predicts = search.predicts and not lossless and not search.quick
    trials = workspace.trials(layout, predicts)
    history, tiles = workspace.history(layout), workspace.tiles(layout, search.sine)
    rules = workspace.rules(search, layout)
    quantizer = workspace.quantizer(
        step, dependent=search.dependent, one_sided=one_sided, lossless=lossless, points=points
    )
    if search.quick:
        map_kernels.encode_quickly(
            samples, coder, model, history, tiles, quantizer, rules, coding, trials.scaled[0]
        )
    else:
        map_kernels.encode_map(
            samples, coder, model, history, tiles, quantizer, rules, coding, trials
        )
    return Coded(
        _finish(coder.words, out),
        coding.levels,
        Channels.of(coding),
        trials.kept,
        trials.restored if predicts else None,
        model.states,
        model.weights.reshape(prior.weights.shape),
    )


def encode_exact(levels: Planes, layout: Layout, one_sided: bool) -> Coded:
    """Code levels as they are, within ±131,071."""
    return encode_samples(
        levels, layout, UNIT_STEP, one_sided, LOSSLESS, default_prior(), lossless=True
    )


def _free_bytes(width: int) -> int:
    """How many bytes behind a payload its decoder has read at the end.

    They may be anything: a value with so many bytes free and the whole span that they open lie
    within the range.
    """
    return 3 if width >= 1 << 25 else 2


def _finish(words: Numbers, out: npt.NDArray[np.uint8]) -> bytes:
    """The bytes, with what the coder still holds: its cache, waiting bytes, the last of `low`."""
    low, width, position, cache, pending = (int(word) for word in words[:5])
    free = 8 * _free_bytes(width)
    waiting = ((cache + 1) << 8 * pending) - 1
    tail = (waiting << (32 - free)) + ((low + (1 << free) - 1) >> free)
    last = tail.to_bytes(pending + 1 + (32 - free) // 8, "big")
    return out[: max(position, 0)].tobytes() + last[1 if position < 0 else 0 :]


def decode_samples(
    data: npt.NDArray[np.uint8],
    start: int,
    layout: Layout,
    dependent: bool,
    one_sided: bool,
    lossless: bool,
    prior: Prior,
) -> tuple[Planes, Channels, int]:
    """Levels, channels, and the position behind.

    Raises:
        BitstreamError: the payload is cut off, or a channel has a mode of another kind of tensor.
    """
    from fmq_embedded.dense import map_kernels
    from fmq_embedded.entropy import kernels

    data = data if data.flags.writeable else data.copy()
    first = data[start : start + 4].tobytes().ljust(4, b"\0")
    words = [int.from_bytes(first, "big"), kernels.FULL_RANGE, start + 4]
    coder = workspace.coder(True, words, data)
    coding = workspace.coding(layout)
    quantizer = workspace.quantizer(
        UNIT_STEP, dependent=dependent, one_sided=one_sided, lossless=lossless
    )
    map_kernels.decode_map(
        coder,
        workspace.model(prior),
        workspace.history(layout),
        workspace.tiles(layout, False),
        quantizer,
        coding,
    )
    end = int(coder.words[kernels.POSITION]) - _free_bytes(int(coder.words[kernels.RANGE]))
    if end > data.size:
        raise BitstreamError("truncated")
    foreign = (contexts.WHOLE, contexts.TILED) if lossless else (contexts.PREDICTED,)
    if np.isin(coding.modes, foreign).any():
        raise BitstreamError(
            f"a payload at byte {start} has a channel whose mode does not go with its coding"
        )
    return coding.levels, Channels.of(coding), end
