"""Payloads of the dense coder: fixed-point samples to bytes and back."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from fmq_embedded.dense import contexts
from fmq_embedded.dense.layout import Layout
from fmq_embedded.dense.prior import Prior, default_prior
from fmq_embedded.dense.steps import MANTISSAS, UNIT_STEP, scaling
from fmq_embedded.errors import BitstreamError
from fmq_embedded.transform import COSINE, LARGEST_SIZE, SINE, matrix_table

Planes = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.int64]
POINTS_SHAPE = (3, 2)
"""Of reconstruction points: for the spatial modes and the transform modes, what levels 1 and above
are moved by in 1/32 step; and what a level 0 of a sample becomes, in 1/64 step, where its eight
neighbours are 0 and elsewhere."""


@dataclass(frozen=True)
class Search:
    """How the encoder decides.

    Args:
        dependent: dependent quantization (four states), by a trellis.
        search: 0 rounding, 1 rate–distortion optimised rounding, 2 the trellis.
        rounding: for search 0, and for comparing modes: in 1/256; 128 is half up.
        multiplier: λ in step²/256 for a bit.
        biases: what a mode's cost is multiplied by, in 1/256.
        stay: what changing the mode adds, in 1/256 of the cost.
        allowed: the modes that may be chosen.
        quick: the mode is that of the least coefficients, and levels are rounded: of the others
            only `rounding`, `biases` and `allowed` count.
        predicts: whether channels may be predicted from others.
        sine: the DST-VII in place of the DCT-II for tiles' sides up to 32.
    """

    dependent: bool = False
    search: int = 1
    rounding: int = 90
    multiplier: int = 27
    biases: tuple[int, ...] = (0, 256, 275, 275, 256)
    stay: int = 2
    allowed: tuple[int, ...] = (1, 2, 3)
    quick: bool = False
    predicts: bool = True
    sine: bool = False


LOSSLESS = Search(
    search=0,
    rounding=0,
    multiplier=256,
    biases=(0, 256, 256, 256, 256),
    allowed=(contexts.SPATIAL, contexts.PREDICTED),
)


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
    def undecided(cls, count: int) -> Channels:
        """Dead ones, without parents."""
        shape = (count, contexts.MOST_PARENTS)
        parents = np.full(shape, contexts.NO_PARENT, np.int64)
        return cls(np.zeros(count, np.int64), parents, np.zeros(shape, np.int64))

    @property
    def are_predicted(self) -> bool:
        """Whether any is predicted from others."""
        return bool((self.parents != contexts.NO_PARENT).any())


@dataclass
class Coded:
    """What an encoding gives."""

    data: bytes
    levels: Planes
    channels: Channels
    kept: Planes
    states: npt.NDArray[np.int32] = field(repr=False)
    weights: npt.NDArray[np.int32] = field(repr=False)


class _Workspace:
    def __init__(self, layout: Layout, prior: Prior) -> None:
        g = layout.geometry
        self.edges, self.edge_counts = layout.tile_edges()
        self.states, self.weights = prior.states.copy(), prior.weights.copy()
        self.planes = np.zeros((contexts.MODE_COUNT, 3, g.rows + 4, g.columns + 4), np.int8)
        self.means = np.zeros((contexts.MODE_COUNT, g.rows, g.columns), np.uint8)
        self.channel_means = np.zeros(contexts.MODE_COUNT, np.int64)
        self.contexts = np.zeros(32, np.int64)
        self.logits = np.zeros(8, np.int64)
        self.scratch = np.zeros((LARGEST_SIZE, LARGEST_SIZE), np.int32)


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

    work = _Workspace(layout, prior)
    g = layout.geometry
    allowed = np.array([m in search.allowed for m in range(contexts.MODE_COUNT)])
    allowed[contexts.TILED] &= layout.has_small_tiles()
    reciprocal, shift = scaling(step, search.dependent)
    levels = np.zeros_like(samples)
    kept = np.zeros_like(samples)
    channels = Channels.undecided(g.channels)
    if points is None:
        points = np.zeros(POINTS_SHAPE, np.int64)
    predicted = g.channels if search.predicts and not lossless else 0
    coder = np.zeros(kernels.CODER_WORDS, np.int64)
    coder[kernels.RANGE], coder[kernels.POSITION] = kernels.FULL_RANGE, -1
    out = np.zeros(samples.size * 4 + 64, np.uint8)
    if search.quick:
        from fmq_embedded.dense.quick_kernels import encode_quickly

        encode_quickly(
            samples,
            allowed,
            work.edges,
            work.edge_counts,
            matrix_table(COSINE),
            reciprocal,
            shift,
            one_sided,
            search.rounding,
            np.array(search.biases),
            work.states,
            work.weights,
            work.planes,
            work.means,
            work.channel_means,
            work.scratch,
            np.zeros((contexts.MODE_COUNT, g.rows, g.columns), np.int32),
            work.contexts,
            work.logits,
            coder,
            out,
            levels,
            channels.modes,
            channels.parents,
            channels.factors,
        )
        return Coded(_finish(coder, out), levels, channels, kept, work.states, work.weights)
    trace_rows = (
        LARGEST_SIZE**2 if not search.dependent else max(LARGEST_SIZE**2, g.rows * g.columns)
    )
    map_kernels.encode_map(
        samples,
        lossless,
        allowed,
        work.edges,
        work.edge_counts,
        matrix_table(SINE if search.sine else COSINE),
        reciprocal,
        shift,
        search.dependent,
        one_sided,
        search.search,
        search.rounding,
        search.multiplier,
        np.array(search.biases),
        search.stay,
        work.states,
        work.weights,
        work.planes,
        work.means,
        work.channel_means,
        work.scratch,
        np.zeros((1 + contexts.MOST_PARENTS, contexts.MODE_COUNT, g.rows, g.columns), np.int32),
        work.contexts,
        work.logits,
        np.zeros((trace_rows, 8), np.int32),
        coder,
        out,
        levels,
        channels.modes,
        kept,
        channels.parents,
        channels.factors,
        MANTISSAS[step % 16],
        step // 16,
        points,
        one_sided and bool(points.any()),
        np.zeros((contexts.MOST_PARENTS + 1, g.rows, g.columns), np.int32),
        np.zeros(contexts.PARENT_WINDOW),
        np.zeros(contexts.PARENT_WINDOW, np.int64),
        np.zeros((predicted, g.rows, g.columns), np.int32),
        np.zeros((predicted, 2), np.int64),
    )
    data = _finish(coder, out)
    return Coded(data, levels, channels, kept, work.states, work.weights)


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


def _finish(coder: npt.NDArray[np.int64], out: npt.NDArray[np.uint8]) -> bytes:
    """The bytes, with what the coder still holds: its cache, waiting bytes, the last of `low`."""
    low, width, position, cache, pending = (int(word) for word in coder)
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
    work = _Workspace(layout, prior)
    g = layout.geometry
    levels = np.zeros((g.channels, g.rows, g.columns), np.int32)
    channels = Channels.undecided(g.channels)
    first = data[start : start + 4].tobytes().ljust(4, b"\0")
    coder = np.array([int.from_bytes(first, "big"), kernels.FULL_RANGE, start + 4, 0, 0], np.int64)
    map_kernels.decode_map(
        data,
        coder,
        dependent,
        one_sided,
        work.edges,
        work.edge_counts,
        work.states,
        work.weights,
        work.planes,
        work.means,
        work.channel_means,
        work.contexts,
        work.logits,
        levels,
        channels.modes,
        lossless,
        channels.parents,
        channels.factors,
    )
    end = int(coder[kernels.POSITION]) - _free_bytes(int(coder[kernels.RANGE]))
    if end > data.size:
        raise BitstreamError("truncated")
    foreign = (contexts.WHOLE, contexts.TILED) if lossless else (contexts.PREDICTED,)
    if np.isin(channels.modes, foreign).any():
        raise BitstreamError(
            f"a payload at byte {start} has a channel whose mode does not go with its coding"
        )
    return levels, channels, end


def restore_samples(
    levels: Planes,
    channels: Channels,
    layout: Layout,
    step: int,
    *,
    dependent: bool,
    one_sided: bool,
    sine: bool,
    points: Numbers,
) -> Planes:
    """Samples in 1/4; points as `POINTS_SHAPE` says."""
    from fmq_embedded.dense import restore_kernels

    edges, counts = layout.tile_edges()
    samples = np.zeros_like(levels)
    restore_kernels.restore_map(
        levels,
        channels.modes,
        channels.parents,
        channels.factors,
        one_sided,
        one_sided and bool(points.any()),
        dependent,
        MANTISSAS[step % 16],
        step // 16,
        points,
        edges,
        counts,
        matrix_table(SINE if sine else COSINE),
        np.zeros((LARGEST_SIZE, LARGEST_SIZE), np.int32),
        samples,
    )
    return samples


def fitted_points(coded: Coded, layout: Layout, *, dependent: bool, one_sided: bool) -> Numbers:
    """The reconstruction points of least error: centroids, −8…7, and 0…15 for level 0."""
    from fmq_embedded.dense import restore_kernels

    edges, edge_counts = layout.tile_edges()
    sums, counts = np.zeros(POINTS_SHAPE, np.int64), np.zeros(POINTS_SHAPE, np.int64)
    restore_kernels.point_statistics(
        coded.levels,
        coded.channels.modes,
        coded.channels.parents,
        one_sided,
        dependent,
        edges,
        edge_counts,
        coded.kept,
        sums,
        counts,
    )
    unit = np.array([[8], [8], [4]]) * (2 if dependent else 1)
    means = np.rint(sums / (np.maximum(counts, 1) * unit))
    points: Numbers = np.clip(means, [[-8], [-8], [0]], [[7], [7], [15]]).astype(np.int64)
    return points
