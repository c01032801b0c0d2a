"""Exact thresholds of float32 samples in stock operators.

Two forms beside BUCKETIZE, both made of comparisons with the thresholds themselves:

- estimate: e = trunc(min(relu(x · m + b), top)) is the level or one below it, and
  level = e + (x ≥ T[e + 1]). It exists where the thresholds lie near a line; that e is never
  another is proved at every threshold, with a margin that no rounding of two float32
  operations, fused or not, comes near.
- search: b steps of a binary search, for any thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fmq_embedded.deploy.graph_editor import GraphEditor
from fmq_embedded.deploy.map_tables import MapTables

MARGIN: Final = 1 / 64
SMALLEST_SLOPE: Final = 2.0**-120
LARGEST_SLOPE: Final = 2.0**120
RELU: Final = 1  # ActivationFunctionType

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Estimate:
    """e = trunc(min(relu(x · slope + offset), top)), for one class; float32 values."""

    slope: float
    offset: float
    top: float


def find_estimate(thresholds: FloatArray) -> Estimate | None:
    """The estimate for finite thresholds that lie near a line; None where there is none."""
    count = len(thresholds)
    finite = thresholds.astype(np.float64)
    if not np.isfinite(finite).all() or np.any(finite[1:] == finite[:-1]):
        return None
    width = finite[-1] - finite[0]
    slope = (count - 1) / width if count > 1 else 1.0
    if not SMALLEST_SLOPE < slope < LARGEST_SLOPE:
        return None
    slope = float(np.float32(slope))
    # At threshold k (from 1) and just below it, e must be k − 1: its line lies in (k − 1, k).
    places = np.arange(count) - finite * slope
    low, high = float(places.max()), float(places.min()) + 1
    offset = 0.0 if low + MARGIN <= 0 <= high - MARGIN else float(np.float32((low + high) / 2))
    found = Estimate(slope, offset, count - 0.5)
    return found if _is_proved(found, thresholds) else None


def _is_proved(estimate: Estimate, thresholds: FloatArray) -> bool:
    """Whether e is level − 1 at each threshold and one step below it, whatever the rounding.

    e does not fall as x rises, so the thresholds stand for all samples. Each of the two
    operations is off by at most 2^-24 of its result; the margin is twice the sum.
    """
    slope, offset = np.float64(estimate.slope), np.float64(estimate.offset)
    below = np.nextafter(thresholds, np.float32(-np.inf))
    places = np.arange(len(thresholds), dtype=np.float64)
    for samples in (thresholds.astype(np.float64), below.astype(np.float64)):
        product = samples * slope
        line = product + offset
        margin = np.maximum(MARGIN, (np.abs(product) + np.abs(line) + 1) * 2.0**-22)
        if np.any(line - places < margin) or np.any(line - places > 1 - margin):
            return False
    return True


def estimate_levels(
    editor: GraphEditor, source: int, tables: MapTables, estimates: Sequence[Estimate], shift: int
) -> int:
    """The int32 levels, plus `shift`, of float32 samples, by an estimate for each class."""
    slopes = tables.per_channel([e.slope for e in estimates], "float32")
    offsets = tables.per_channel([e.offset for e in estimates], "float32")
    tops = tables.per_channel([e.top for e in estimates], "float32")
    product = editor.tensor(source, "float32")
    inputs = [source, editor.constant(slopes)]
    if offsets.any():
        editor.operator("MUL", inputs, product)
        line = editor.add(product, offsets, fusedActivationFunction=RELU)
    else:
        line = editor.operator("MUL", inputs, product, fusedActivationFunction=RELU)
    # The minimum comes last: its second operand is what a NaN becomes in TFLite Micro, which
    # does not check the index of a GATHER.
    clipped = editor.tensor(source, "float32")
    editor.operator("MINIMUM", [line, editor.constant(tops)], clipped)
    estimate = editor.cast(clipped, "int32")
    bases = np.cumsum([0, *map(len, tables.float_thresholds[:-1])]).tolist()
    index = editor.add(estimate, tables.per_channel(bases, "int32"))
    limit = editor.gather(np.concatenate(tables.float_thresholds), index)
    reached = _at_least(editor, source, limit)
    levels = editor.tensor(source, "int32")
    editor.operator("ADD", [estimate, reached], levels)
    shifts = tables.per_channel([bias + shift for bias in tables.biases], "int32")
    return editor.add(levels, shifts)


def search_levels(editor: GraphEditor, source: int, tables: MapTables, shift: int) -> int:
    """The int32 levels, plus `shift`, of float32 samples, by binary search."""
    depth = max(len(limits) for limits in tables.float_thresholds).bit_length()
    size = 1 << depth
    rows = []
    for limits in tables.float_thresholds:
        row = np.full(size, np.inf, np.float32)
        row[: len(limits)] = limits
        rows.append(row)
    table = np.concatenate(rows)
    bases = [k * size for k in range(len(rows))]
    first = [row[size // 2 - 1] for row in rows]
    limit = editor.constant(tables.per_channel(first, "float32"))
    place = _times(editor, _at_least(editor, source, limit), size // 2)
    place = editor.add(place, tables.per_channel(bases, "int32"))
    step = size // 4
    while step:
        index = editor.add(place, np.array(step - 1, np.int32))
        passed = _times(editor, _at_least(editor, source, editor.gather(table, index)), step)
        total = editor.tensor(source, "int32")
        place = editor.operator("ADD", [place, passed], total)
        step //= 2
    ends: list[Any] = [b + shift - base for b, base in zip(tables.biases, bases, strict=True)]
    return editor.add(place, tables.per_channel(ends, "int32"))


def _at_least(editor: GraphEditor, source: int, limit: int) -> int:
    """1 where the sample reaches the limit, else 0; int32."""
    reached = editor.tensor(source, "bool")
    editor.operator("GREATER_EQUAL", [source, limit], reached)
    return editor.cast(reached, "int32")


def _times(editor: GraphEditor, source: int, factor: int) -> int:
    if factor == 1:
        return source
    product = editor.tensor(source, "int32")
    inputs = [source, editor.constant(np.array(factor, np.int32))]
    return editor.operator("MUL", inputs, product)
