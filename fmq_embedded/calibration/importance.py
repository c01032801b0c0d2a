"""How much each channel or position of a map matters to the tail, and steps by it (P10, [0201]).

The importance of a part is measured by running the tail: noise is put into that part alone, and
the squared change of the tail's outputs is taken per unit of the noise's power. The noise is what
a quantizer's is like: samples rounded at random to the step below or above them, so that 0 stays
0 and nothing is biased.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fmq_embedded.entropy import Geometry
from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.feature_map import FeatureMap

Part = Literal["channel", "region"]
PARTS: tuple[Part, ...] = ("channel", "region")

POWER = 0.35
"""Step ∝ importance^−POWER: on real networks better than the 0.5 of high rates, because a coarse
quantizer's noise stops growing where all samples have become 0."""
FINEST, COARSEST = 0.3, 5.0
QUARTERS = 4
"""Steps are told in quarter octaves."""
_LEAST_SHARE = 1e-9

Array = npt.NDArray[Any]
Reals = npt.NDArray[np.float64]
Tail = Callable[[Mapping[str, Array]], Mapping[str, Array]]
Change = Callable[[Mapping[str, Array], Mapping[str, Array]], float]


@dataclass(frozen=True)
class Importance:
    """What the parts of one tensor matter to the tail.

    Args:
        tensor: its name.
        part: "channel" or "region".
        sensitivity: float64 ≥ 0, (channels,) or (rows, columns): the mean change of the outputs
            per unit of the noise's mean square in that part; 0 where no noise came about, as in
            a dead channel.
        noise: the step of the noise.
    """

    tensor: str
    part: Part
    sensitivity: Reals
    noise: float

    @property
    def ranking(self) -> list[int]:
        """The parts' indices (of positions: row by row), the most important first."""
        return [int(index) for index in np.argsort(-self.sensitivity, axis=None, kind="stable")]

    @property
    def span(self) -> float:
        """The largest over the smallest sensitivity that is not 0; 1 without any."""
        alive = self.sensitivity[self.sensitivity > 0]
        return float(alive.max() / alive.min()) if alive.size else 1.0

    def report(self, count: int = 10) -> str:
        """The ranking as text: the first and the last parts, relative to the geometric mean."""
        relative = self.sensitivity.ravel() / geometric_mean([self])
        order = self.ranking
        names = [self._name(index) for index in order]
        shown = [f"{n} {relative[i]:.3g}" for n, i in zip(names, order, strict=True)]
        dead = int((self.sensitivity == 0).sum())
        head = f"{self.tensor}: importance of {len(order)} {self.part}s spans {self.span:.3g}"
        lines = [head + (f"; {dead} without any" if dead else "")]
        if len(order) <= 2 * count:
            lines.append(f"  all: {', '.join(shown)}")
        else:
            lines.append(f"  most: {', '.join(shown[:count])}")
            lines.append(f"  least: {', '.join(shown[-count:])}")
        return "\n".join(lines)

    def _name(self, index: int) -> str:
        if self.part == "channel":
            return str(index)
        row, column = divmod(index, self.sensitivity.shape[1])
        return f"({row}, {column})"


def measure_importance(
    tail: Tail,
    maps: Sequence[Mapping[str, FeatureMap]],
    noise: Mapping[str, float],
    *,
    part: Part = "channel",
    change: Change | None = None,
    seed: int = 0,
) -> dict[str, Importance]:
    """Run the tail on noise in one channel, or at one position, at a time.

    Args:
        tail: gives its outputs for the samples of all maps, by name.
        maps: at least one set of the tail's inputs; 100 sets give a steady ranking.
        noise: for each tensor that is measured, the step of its noise, in real values: about the
            step that it will be quantized with.
        part: "channel" or "region": positions, rows × columns; see `Geometry.of`.
        change: how much outputs differ from the reference's; by default `relative_change`.
        seed: of the random rounding; the same seed gives the same result.

    Raises:
        InputError: there are no maps, a tensor is missing from them.
    """
    if not maps:
        raise InputError("importance is measured on feature maps; give at least one set")
    if part not in PARTS:
        raise unknown_name("part to measure the importance of", part, PARTS)
    differ = change or relative_change
    totals: dict[str, tuple[Reals, Reals]] = {}
    generator = np.random.default_rng(seed)
    for inputs in maps:
        plain = {name: item.samples for name, item in inputs.items()}
        reference = tail(plain)
        for name, step in noise.items():
            if name not in inputs:
                raise unknown_name("feature map for tensor", name, inputs)
            item, shape = inputs[name], _shape(inputs[name])
            size = shape[2:] if part == "channel" else shape[:2]
            changes, powers = totals.setdefault(name, (np.zeros(size), np.zeros(size)))
            rounded = _rounded(item, step, generator).reshape(shape)
            squares = _real_difference(item, rounded) ** 2
            for index in np.ndindex(size):
                where: Any = (..., *index) if part == "channel" else index
                power = float(squares[where].sum()) / item.samples.size
                if power > 0:
                    disturbed = item.samples.reshape(shape).copy()
                    disturbed[where] = rounded[where]
                    outputs = tail(plain | {name: disturbed.reshape(item.shape)})
                    changes[index] += differ(reference, outputs)
                    powers[index] += power
    return {
        name: Importance(
            name,
            part,
            np.divide(changes, powers, out=np.zeros_like(changes), where=powers > 0),
            noise[name],
        )
        for name, (changes, powers) in totals.items()
    }


def step_exponents(
    importances: Sequence[Importance],
    *,
    power: float = POWER,
    finest: float = FINEST,
    coarsest: float = COARSEST,
) -> dict[str, npt.NDArray[np.int64]]:
    """Steps by importance: factor = clip(finest, coarsest, (S / mean of S)^−power).

    The geometric mean is over all tensors, so that they share one scale.

    Args:
        importances: of the tensors that cross the link together.
        power: 0 gives all parts the same step.
        finest, coarsest: the least and the largest factor.

    Returns:
        For each tensor an int64 array like its sensitivity: e of the factor 2^(e/4).
    """
    mean = geometric_mean(importances)
    return {one.tensor: _exponents(one, mean, power, finest, coarsest) for one in importances}


def geometric_mean(importances: Sequence[Importance]) -> float:
    """The geometric mean of the sensitivities that are not 0; 1 without any."""
    values = np.concatenate([one.sensitivity.ravel() for one in importances])
    alive = values[values > 0]
    return float(np.exp(np.log(alive).mean())) if alive.size else 1.0


def relative_change(reference: Mapping[str, Array], outputs: Mapping[str, Array]) -> float:
    """Σ over the outputs of Σ(o − ô)² / Σo², each with its mean taken off; 0 for a constant one."""
    total = 0.0
    for name, exact in reference.items():
        wide = exact.astype(np.float64)
        energy = float(((wide - wide.mean()) ** 2).sum())
        if energy > 0:
            total += float(((wide - outputs[name]) ** 2).sum()) / energy
    return total


def _exponents(
    one: Importance, mean: float, power: float, finest: float, coarsest: float
) -> npt.NDArray[np.int64]:
    relative = np.maximum(one.sensitivity / mean, _LEAST_SHARE)
    factor = np.clip(relative**-power, finest, coarsest)
    exponents: npt.NDArray[np.int64] = np.rint(QUARTERS * np.log2(factor)).astype(np.int64)
    return exponents


def _shape(item: FeatureMap) -> tuple[int, int, int]:
    geometry = Geometry.of(item.shape)
    return geometry.rows, geometry.columns, geometry.channels


def _rounded(item: FeatureMap, step: float, generator: np.random.Generator) -> Array:
    """The samples, each at random at a multiple of the step beside it, as the tail takes them."""
    scaled = _real(item) / step
    whole = np.floor(scaled + generator.random(scaled.shape)) * step
    dtype = item.samples.dtype
    if not item.is_integer:
        return np.asarray(whole.astype(dtype))
    limits: Any = np.iinfo(dtype)
    codes = np.rint(whole / item.scale) + item.zero_point
    return np.asarray(codes.clip(limits.min, limits.max).astype(dtype))


def _real(item: FeatureMap) -> Reals:
    wide = item.samples.astype(np.float64)
    return (wide - item.zero_point) * item.scale if item.is_integer else wide


def _real_difference(item: FeatureMap, samples: Array) -> Reals:
    """Samples less the item's, in real values, of the samples' shape."""
    before = item.samples.reshape(samples.shape).astype(np.float64)
    difference: Reals = samples.astype(np.float64) - before
    return difference * np.float64(item.scale if item.is_integer else 1.0)
