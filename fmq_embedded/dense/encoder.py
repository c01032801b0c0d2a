"""The dense encoder: one map at a step, with the decisions that its settings ask for."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fmq_embedded.dense.contexts import SPATIAL, TILED, WHOLE
from fmq_embedded.dense.layout import Layout
from fmq_embedded.dense.numbers import (
    LARGEST_SAMPLE,
    LOWEST_EXPONENT,
    fixed_point,
    real_values,
)
from fmq_embedded.dense.payload import Coded, Planes, encode_exact, encode_samples
from fmq_embedded.dense.prior import default_prior
from fmq_embedded.dense.reconstruction import fitted_points
from fmq_embedded.dense.records import Numbers
from fmq_embedded.dense.search import Search
from fmq_embedded.dense.steps import nearest_step
from fmq_embedded.dense.tensor import DenseTensor, write_dense
from fmq_embedded.dense.workspace import POINTS_SHAPE
from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap

PLAIN = Search(search=0, rounding=128)
RATE_DISTORTION = Search()
TRIED_MODES = ((SPATIAL,), (SPATIAL, WHOLE), (SPATIAL, TILED))
LARGEST_TRIAL = 1 << 17
"""Samples of the largest map that is coded again with fewer modes, to see whether it pays."""
TRELLIS = Search(
    dependent=True, search=2, rounding=50, multiplier=80, biases=(0, 256, 256, 256, 256)
)


@dataclass(frozen=True)
class DenseMap:
    """A map as the dense encoder sees it; from `prepare`.

    Args:
        item: the map.
        values: its samples as numbers, of its shape; see `real_values`.
        planes: fixed-point samples, int32, channels × rows × columns.
        exponent: theirs.
        layout: of the shape.
    """

    item: FeatureMap
    values: npt.NDArray[np.float64]
    planes: Planes
    exponent: int
    layout: Layout

    @property
    def one_sided(self) -> bool:
        """Whether no sample is negative."""
        return int(self.planes.min(initial=0)) >= 0

    @property
    def is_flat(self) -> bool:
        """Whether there is nothing to code: one value alone, or subnormal samples."""
        width = int(self.planes.max()) - int(self.planes.min())
        return width == 0 or (self.exponent == LOWEST_EXPONENT and width < LARGEST_SAMPLE // 2)

    @property
    def energy(self) -> float:
        """Σf²."""
        return float(np.square(self.values).sum())

    def step_of_depth(self, bit_depth: int) -> int:
        """The step of 2^bit_depth levels over the range of the samples."""
        width = int(self.planes.max()) - int(self.planes.min())
        return nearest_step(width / ((1 << bit_depth) - 1))

    def middle_step(self) -> int:
        """A step about half as large as the root mean square."""
        root_mean_square = float(np.sqrt(self.energy / self.values.size))
        return nearest_step(0.5 * float(np.ldexp(root_mean_square, -self.exponent)))


@dataclass(frozen=True)
class DenseResult:
    """A coded map.

    Args:
        tensor: what a decoder reads.
        payload: `coding`, the dense fields and the payload.
        sqnr: what its decoder's samples reach, in dB; infinite if exact.
    """

    tensor: DenseTensor
    payload: bytes
    sqnr: float


def prepare(item: FeatureMap, nonfinite: str = "error") -> DenseMap:
    """A map in fixed point.

    Raises:
        InputError: see `real_values`.
    """
    values = real_values(item, nonfinite)
    samples, exponent = fixed_point(values)
    layout = Layout.of(item.shape)
    return DenseMap(item, values, layout.planar(samples), exponent, layout)


def encode_map(source: DenseMap, step: int, search: Search) -> DenseResult:
    """Code a map with a step, 0…255."""
    prior = default_prior()
    coded = encode_samples(source.planes, source.layout, step, source.one_sided, search, prior)
    known = points = np.zeros(POINTS_SHAPE, np.int64)
    if search.search:
        points = _fitted(source, coded, search)
    if coded.channels.are_predicted and points.any():
        # What a channel is predicted from depends on the points: they must be known before.
        known = points
        coded = encode_samples(
            source.planes, source.layout, step, source.one_sided, search, prior, points=points
        )
        if not coded.channels.are_predicted:
            points = _fitted(source, coded, search)
    tensor = DenseTensor(
        source.exponent,
        step,
        search.dependent,
        source.one_sided,
        False,
        search.sine,
        points,
        coded.levels,
        coded.channels,
    )
    item = source.item
    dtype = item.samples.dtype.name if item.is_integer else "float32"
    planes = coded.restored if np.array_equal(points, known) else None
    error = tensor.samples(item.shape, dtype, item.zero_point, restored=planes).astype(float)
    error -= item.zero_point
    error -= source.values
    noise = float(np.square(error, out=error).sum())
    sqnr = 10 * np.log10(source.energy / noise) if noise else np.inf
    return DenseResult(tensor, write_dense(tensor, coded), float(sqnr))


def _fitted(source: DenseMap, coded: Coded, search: Search) -> Numbers:
    return fitted_points(
        coded, source.layout, dependent=search.dependent, one_sided=source.one_sided
    )


def encode_exactly(item: FeatureMap) -> DenseResult:
    """Code an integer map without loss.

    Raises:
        InputError: the map is of floating point.
    """
    if not item.is_integer:
        raise InputError(
            f"only integer maps can be coded without loss; got {item.samples.dtype.name}: "
            "quantize it first, or leave lossless out"
        )
    layout = Layout.of(item.shape)
    centre = _centre(item)
    codes = np.subtract(item.samples, centre, dtype=np.int32)  # of one sample NumPy 1 made int64
    planes = layout.planar(np.asarray(codes))
    one_sided = int(planes.min()) >= 0
    coded = encode_exact(planes, layout, one_sided)
    tensor = DenseTensor(
        0,
        0,
        False,
        one_sided,
        True,
        False,
        np.zeros(POINTS_SHAPE, np.int64),
        coded.levels,
        coded.channels,
        None if centre == item.zero_point else centre,
    )
    return DenseResult(tensor, write_dense(tensor, coded), np.inf)


def _centre(item: FeatureMap) -> int:
    """The zero point, or the most frequent code where it is twice as frequent."""
    codes, counts = np.unique(item.samples, return_counts=True)
    most = int(counts.argmax())
    zeros = int(counts[codes == item.zero_point].sum())
    return int(codes[most]) if counts[most] > 2 * zeros else item.zero_point


def searches(source: DenseMap, rate_distortion: str, *, for_sqnr: bool) -> tuple[Search, ...]:
    """The decisions that are tried for a map; see `Settings.rate_distortion`."""
    if rate_distortion == "auto":
        if for_sqnr:
            return RATE_DISTORTION, TRELLIS
        return (PLAIN,) if source.one_sided else (TRELLIS,)
    return ({"plain": PLAIN, "rdo": RATE_DISTORTION, "trellis": TRELLIS}[rate_distortion],)


def variants(source: DenseMap, search: Search) -> tuple[Search, ...]:
    """Other decisions about modes that are worth a trial; none for a map that is not small."""
    if source.values.size > LARGEST_TRIAL:
        return ()
    fewer = tuple(replace(search, allowed=allowed) for allowed in TRIED_MODES)
    return (*fewer, replace(search, sine=True))


def with_tuning(search: Search, tuning: float) -> Search:
    """A search that gives fewer bits with a larger `tuning`; 1 leaves it as it is.

    Rounding takes a wider dead zone; the others weigh bits more.
    """
    if search.search == 0:
        return replace(search, rounding=int(np.clip(round(128 / tuning), 0, 128)))
    return replace(search, multiplier=max(1, round(search.multiplier * tuning)))
