"""Where TFLite's own QUANTIZE operator would have given another level, for information.

QUANTIZE has a scale and a zero point, rounds as its runtime does, and is not the same function in
each. It gets the scale and zero point nearest to the quantizer, and its codes are clipped to the
quantizer's levels: the differences left are its rounding and its coarse zero point.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from firmware_tools.verifying_rows import Check
from fmq_embedded.deploy.graft import passing_model
from fmq_embedded.deploy.graph_editor import GraphEditor
from fmq_embedded.deploy.lowering_npu import rounded_products
from fmq_embedded.deploy.map_tables import MapTables
from fmq_embedded.errors import InputError
from fmq_embedded.quantizers import Quantizer, SampleType, reference
from fmq_embedded.quantizers.verification import decisive_samples
from fmq_embedded.runtimes import open_engine
from fmq_embedded.tflite_file import read_model, write_model

LOWEST: Final = -128
_TIES: Final = (0.5, 1.5, 2.5, -0.5)
_ROUNDED_TIES: Final = {
    (0, 2, 2, 0): "half to even",
    (1, 2, 3, -1): "half away from zero",
    (1, 2, 3, 0): "half up",
}
_PROBE_RATIOS: Final = (0.3, 0.5)  # in (¼, ½], where one and two roundings differ most; ½ has ties
_ROUNDINGS: Final = {
    "single": "single rounding",
    "double": "double rounding",
    "half_even": "half to even",
    "half_away": "half away from zero",
}

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class StockCheck(Check):
    """A row for information: `mismatches` is 0, and nothing fails by it.

    Args:
        rounding: how this engine's QUANTIZE rounds samples of this type.
        differences: on how many of the inputs QUANTIZE gives another level.
        example: the one nearest to 0, in words.
    """

    rounding: str = ""
    differences: int = 0
    example: str | None = None

    def line(self, width: int) -> str:
        """The row as text."""
        text = (
            f"{self.target:<{width}}  {self.stage:<10}  {self.inputs_checked:>13,} inputs  "
            f"a stock QUANTIZE ({self.rounding}) differs on {self.differences:,}  {self.tensor}"
        )
        return f"{text}; {self.example}" if self.example else text


def stock_check(tables: MapTables, engine: str, label: str) -> StockCheck | None:
    """The comparison; None where QUANTIZE cannot stand in for the quantizer at all.

    That is for classes, for explicit and constant quantizers, above 8 bits, and for sample types
    that the engine's QUANTIZE does not take.
    """
    quantizer, samples = tables.quantizers[0], tables.samples
    has_line = not quantizer.is_explicit and not quantizer.is_constant
    if tables.class_of is not None or not has_line or tables.bit_depth > 8:
        return None
    values = quantizer.dequantize(np.array([0, quantizer.maximum_level]))
    scale = float((values[1] - values[0]) / quantizer.maximum_level)
    # Below a step size of 1 the top level cannot be told from the one below: no line.
    if not scale > 0:
        return None
    zero_point = int(np.clip(round(LOWEST - float(values[0]) / scale), -128, 127))
    inputs = decisive_samples(quantizer, samples)
    try:
        codes = _quantized(inputs, samples, (scale, zero_point), engine)
        rounding = _rounding(samples.dtype, engine)
    except InputError:
        return None
    got = np.minimum(codes.astype(np.int32) - LOWEST, quantizer.maximum_level)
    expected = _expected(quantizer, samples, inputs)
    wrong = np.flatnonzero(got != expected)
    example = None
    if wrong.size:
        at = int(wrong[np.argmin(np.abs(inputs[wrong].astype(np.float64)))])
        example = f"{inputs[at]!r}: QUANTIZE {got[at]}, the quantizer {expected[at]}"
    return StockCheck(
        label, tables.name, "stock", inputs.size, 0, None, rounding, int(wrong.size), example
    )


def _expected(quantizer: Quantizer, samples: SampleType, inputs: Array) -> Array:
    return reference.quantize(
        quantizer, inputs, scale=samples.scale, zero_point=samples.zero_point
    ).astype(np.int32)


def _quantized(inputs: Array, samples: SampleType, output: tuple[float, int], engine: str) -> Array:
    """What the engine's QUANTIZE makes of samples: int8 codes."""
    block = inputs.reshape(1, 1, -1, 1)
    model = read_model(passing_model("map", samples, block.shape))
    editor = GraphEditor(model)
    scale, zero_point = output
    target = editor.tensor(0, "int8", name="codes", scale=scale, zero_point=zero_point)
    editor.operator("QUANTIZE", [0], target)
    editor.rename_ports(0, target, "outputs")
    editor.append()
    return open_engine(write_model(model), engine).run(block)["codes"].ravel()


@functools.cache
def _rounding(dtype: str, engine: str) -> str:
    """How an engine's QUANTIZE rounds, found out by inputs on which the ways differ."""
    if dtype == "float32":
        ties = np.array(_TIES, np.float32)
        found = _quantized(ties, SampleType(), (1.0, 1), engine).astype(int) - 1
        return _ROUNDED_TIES.get(tuple(found.tolist()), f"{_TIES} to {tuple(found.tolist())}")
    info = np.iinfo(dtype)
    codes = np.arange(max(info.min, -200), min(info.max, 200) + 1)
    centre = 128 if dtype == "uint8" else 0
    same = dict(_ROUNDINGS)
    for ratio in _PROBE_RATIOS:
        samples = SampleType(dtype, 2 * ratio, centre)
        found = _quantized(codes.astype(dtype), samples, (2.0, 0), engine)
        ways = rounded_products(codes.astype(np.int64) - centre, samples.scale / 2)
        for way, products in ways.items():
            if not np.array_equal(found, products):
                same.pop(way, None)
    return " or ".join(same.values()) or "in a way of its own"
