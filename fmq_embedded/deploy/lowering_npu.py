"""The lowering for Arm Ethos-U: int8 maps by one DEPTHWISE_CONV_2D where that is exact.

The convolution is 1×1 with one weight: level = clip(round((w · (code − zero point) + bias) · m)).
Runtimes and the NPU round that product in different ways (once or twice, ties to even or away
from 0), so it is taken only where every code is so far from a tie that all ways agree. Where no
such line exists, the map takes the tables of `lowering_micro`, which run on the processor beside
the NPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from fmq_embedded.deploy.graph_editor import GraphEditor
from fmq_embedded.deploy.lowering import LevelCode
from fmq_embedded.deploy.lowering_micro import MicroLowering
from fmq_embedded.deploy.map_tables import MapTables
from fmq_embedded.errors import InputError

WEIGHTS: Final = range(127, 63, -1)
"""The weights that are tried: with another weight the bias falls on another grid."""
MARGIN: Final = 2.0**-12
"""How far each product stays from a tie. A multiplier in float32, or in fixed point of 31 bits,
moves a product of up to 255 by less than 2^-13."""
RELU6: Final = 3  # ActivationFunctionType: clips to 0 and to 6, which the scale makes the top level
VALID: Final = 1  # Padding
SEARCH_STEPS: Final = 100
LARGEST_MULTIPLIER: Final = 256.0
LARGEST_BIAS: Final = 1 << 30

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Line:
    """slope · x + offset, rounded and clipped, is the table; `margin` from every tie."""

    slope: float
    offset: float
    margin: float


@dataclass(frozen=True)
class Convolution:
    """clip(round((weight · x + bias) · multiplier)) of one class; x is the code less zero point.

    Args:
        weight_scale: a float32; multiplier = input scale · weight scale / output scale.
    """

    weight: int
    bias: int
    weight_scale: float
    multiplier: float


@dataclass(frozen=True)
class Task:
    """What a convolution has to give.

    Args:
        inputs: x, rising.
        targets: for each; not falling.
        lowest, highest: where the output is clipped.
        input_scale, output_scale: of the tensors; float32.
    """

    inputs: IntArray
    targets: IntArray
    lowest: int
    highest: int
    input_scale: float
    output_scale: float


class NpuLowering(MicroLowering):
    """int8 maps with levels of up to 8 bits."""

    name = "npu"

    def level_code(self, tables: MapTables) -> LevelCode:
        """int8, from the lowest code."""
        return LevelCode("int8", -128)

    def quantize(self, editor: GraphEditor, source: int, tables: MapTables, name: str) -> int:
        """See `Lowering`."""
        _check_map(tables)
        found = level_convolutions(tables) if _has_four_axes(editor, source) else None
        if found is None:
            return super().quantize(editor, source, tables, name)
        scale, activation = level_scale(tables)
        target = editor.tensor(source, "int8", name=name, scale=scale, zero_point=-128)
        return _convolve(editor, source, target, found, tables, activation)

    def dequantize(self, editor: GraphEditor, source: int, tables: MapTables, target: int) -> None:
        """See `Lowering`."""
        found = value_convolutions(tables) if _has_four_axes(editor, source) else None
        if found is None:
            super().dequantize(editor, source, tables, target)
        else:
            _convolve(editor, source, target, found, tables, 0)


def level_scale(tables: MapTables) -> tuple[float, int]:
    """The scale of a tensor of levels, and the activation that clips them to the top level."""
    top = tables.maximum_level
    return (6 / top, RELU6) if top < 255 else (1.0, 0)


def level_convolutions(tables: MapTables) -> list[Convolution] | None:
    """For each class, the convolution that gives its levels; None where one has none."""
    if any(tables.biases) or len(set(tables.tops)) != 1:
        return None  # the activation clips all channels alike
    samples, top = tables.samples, tables.maximum_level
    codes = np.arange(samples.lowest_code, samples.highest_code + 1) - samples.zero_point
    scales = (samples.scale, float(np.float32(level_scale(tables)[0])))
    rows = tables.level_tables.astype(np.int64)
    return _all([find_convolution(Task(codes, row, 0, top, *scales)) for row in rows])


def value_convolutions(tables: MapTables) -> list[Convolution] | None:
    """For each class, the convolution from levels to samples; None where one has none."""
    samples = tables.samples
    levels = np.arange(tables.maximum_level + 1)
    rows = tables.value_tables[:, : len(levels)].astype(np.int64) - samples.zero_point
    ends = (samples.lowest_code - samples.zero_point, samples.highest_code - samples.zero_point)
    return _all([find_convolution(Task(levels, row, *ends, 1.0, samples.scale)) for row in rows])


def _all(found: list[Convolution | None]) -> list[Convolution] | None:
    kept = [convolution for convolution in found if convolution is not None]
    return kept if len(kept) == len(found) else None


def find_convolution(task: Task) -> Convolution | None:
    """The first convolution that is proved; None when there is none.

    Rounding twice rounds to parts of 1/64 or so first: what lies that little below a tie goes up.
    So beside each weight the biases to both sides of the line's are tried.
    """
    line = fit_line(task)
    if line is None or line.margin < MARGIN:
        return None
    ratio = task.input_scale / task.output_scale
    for weight in WEIGHTS:
        scale = float(np.float32(line.slope / (weight * ratio)))
        multiplier = scale * ratio
        middle = line.offset / multiplier if multiplier > 0 else math.inf
        if not (multiplier < LARGEST_MULTIPLIER and abs(middle) < LARGEST_BIAS):
            continue
        for bias in (math.floor(middle), math.floor(middle) + 1):
            found = Convolution(weight, bias, scale, multiplier)
            if is_proved(found, task):
                return found
    return None


def is_proved(convolution: Convolution, task: Task) -> bool:
    """Whether every input gets its target in each way of rounding, far from a tie."""
    sums = task.inputs * convolution.weight + convolution.bias
    exact = sums * convolution.multiplier
    inner = (exact > task.lowest - 0.5) & (exact < task.highest + 0.5)
    inner |= (np.abs(exact - (task.lowest - 0.5)) < MARGIN) | (
        np.abs(exact - (task.highest + 0.5)) < MARGIN
    )
    if np.any(np.abs(exact - np.floor(exact) - 0.5)[inner] < MARGIN):
        return False
    ways = rounded_products(sums, convolution.multiplier).values()
    return all(
        np.array_equal(np.clip(way, task.lowest, task.highest), task.targets) for way in ways
    )


def fit_line(task: Task) -> Line | None:
    """The line farthest from every tie; None without inner targets to lay it through.

    The margin is concave in the slope, and a ternary search finds its maximum.
    """
    inputs, targets = task.inputs, task.targets
    above, below = targets > task.lowest, targets < task.highest
    if not (above.any() and below.any()) or targets[0] == targets[-1]:
        return None

    def bounds(slope: float) -> tuple[float, float]:
        low = np.max((targets - 0.5 - slope * inputs)[above])
        high = np.min((targets + 0.5 - slope * inputs)[below])
        return float(low), float(high)

    left, right = 0.0, float(task.highest - task.lowest + 1)
    for _ in range(SEARCH_STEPS):
        first, second = left + (right - left) / 3, right - (right - left) / 3
        margins = [high - low for low, high in (bounds(first), bounds(second))]
        left, right = (first, right) if margins[0] < margins[1] else (left, second)
    low, high = bounds(left)
    return Line(left, (low + high) / 2, (high - low) / 2)


def rounded_products(accumulators: IntArray, multiplier: float) -> dict[str, IntArray]:
    """The product of each accumulator and the multiplier, rounded in each of the ways in use.

    Returns:
        By name: "single" and "double" as in TensorFlow Lite's MultiplyByQuantizedMultiplier with
        single and double rounding, "half_even" and "half_away" of the product as a float64.
    """
    mantissa, exponent = math.frexp(multiplier)
    integer = round(mantissa * 2**31)
    if integer == 2**31:
        integer, exponent = 2**30, exponent + 1
    shift = 31 - exponent
    single = (accumulators * integer + (1 << (shift - 1))) >> shift
    left, right = max(exponent, 0), max(-exponent, 0)
    product = (accumulators << left) * integer
    nudged = product + np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    high = np.sign(nudged) * (np.abs(nudged) >> 31)
    remainder, half = high & ((1 << right) - 1), ((1 << right) - 1) >> 1
    double = (high >> right) + (remainder > half + (high < 0))
    exact = accumulators * multiplier
    away = np.sign(exact) * np.floor(np.abs(exact) + 0.5)
    return {
        "single": single,
        "double": double,
        "half_even": np.rint(exact).astype(np.int64),
        "half_away": away.astype(np.int64),
    }


def _convolve(
    editor: GraphEditor,
    source: int,
    target: int,
    found: list[Convolution],
    tables: MapTables,
    activation: int,
) -> int:
    channels = int(editor.graph.tensors[source].shape[-1])
    input_scale = float(editor.graph.tensors[source].quantization.scale[0])

    def spread(values: list[int], dtype: str) -> npt.NDArray[Any]:
        return np.array(np.broadcast_to(tables.per_channel(values, dtype), channels))

    def scales(values: list[float]) -> float | list[float]:
        if tables.class_of is None:
            return values[0]
        return [float(value) for value in tables.per_channel(values, "float64")]

    weights = editor.constant(
        spread([c.weight for c in found], "int8").reshape(1, 1, 1, channels),
        scale=scales([c.weight_scale for c in found]),
        axis=3,
    )
    bias = editor.constant(
        spread([c.bias for c in found], "int32"),
        scale=scales([c.weight_scale * input_scale for c in found]),
    )
    return editor.operator(
        "DEPTHWISE_CONV_2D",
        [source, weights, bias],
        target,
        padding=VALID,
        strideW=1,
        strideH=1,
        depthMultiplier=1,
        fusedActivationFunction=activation,
        dilationWFactor=1,
        dilationHFactor=1,
    )


def _has_four_axes(editor: GraphEditor, source: int) -> bool:
    shape = editor.graph.tensors[source].shape
    return shape is not None and len(shape) == 4


def _check_map(tables: MapTables) -> None:
    if tables.samples.dtype != "int8" or tables.bit_depth > 8:
        raise InputError(
            f"tensor {tables.name!r} is {tables.samples.dtype} with levels of {tables.bit_depth} "
            "bits; Ethos-U takes int8 maps with levels of up to 8 bits: convert the model to "
            "int8, or use --lowering micro"
        )
