"""The lowering for tflite-runtime and LiteRT."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.deploy.graph_editor import GraphEditor
from fmq_embedded.deploy.lowering import LevelCode, as_codes, table_index
from fmq_embedded.deploy.lowering_float import Estimate, estimate_levels, find_estimate
from fmq_embedded.deploy.map_tables import MapTables


class TfliteLowering:
    """Integer maps: CAST, ADD, GATHER. float32: the estimate, or BUCKETIZE on the thresholds.

    int16 maps take the thresholds when those are fewer bytes than 65,536 entries.
    """

    name = "tflite"

    def level_code(self, tables: MapTables) -> LevelCode:
        """uint8 up to 8 bits; above them int16, since no runtime gathers uint16."""
        if tables.bit_depth <= 8:
            return LevelCode("uint8", 0)
        return LevelCode("int16", -32768 if tables.bit_depth == 16 else 0)

    def quantize(self, editor: GraphEditor, source: int, tables: MapTables, name: str) -> int:
        """See `Lowering`."""
        code = self.level_code(tables)
        meaning: dict[str, Any] = {"name": name, "scale": 1.0, "zero_point": code.zero_point}
        if tables.samples.is_integer and not thresholds_are_smaller(tables, code):
            lowest, size = tables.samples.lowest_code, tables.level_tables.shape[1]
            index = table_index(editor, source, tables, lowest, size)
            return editor.gather(as_codes(tables.level_tables.ravel(), code), index, **meaning)
        floats = editor.cast(source, "float32") if tables.samples.is_integer else source
        estimates = found_estimates(tables)
        if estimates is not None:
            levels = estimate_levels(editor, floats, tables, estimates, code.zero_point)
        else:
            levels = _bucketize(editor, floats, tables, code.zero_point)
        return editor.cast(levels, code.dtype, **meaning)

    def dequantize(self, editor: GraphEditor, source: int, tables: MapTables, target: int) -> None:
        """See `Lowering`."""
        code = self.level_code(tables)
        size = tables.value_tables.shape[1]
        index = table_index(editor, source, tables, code.zero_point, size)
        table = editor.constant(tables.value_tables.ravel())
        editor.operator("GATHER", [table, index], target, axis=0)

    def check_model(self, model: Any) -> None:
        """Whatever the model has, its runtimes run it."""


def thresholds_are_smaller(tables: MapTables, code: LevelCode) -> bool:
    """Whether float32 thresholds take fewer bytes than a level for each code."""
    thresholds = 4 * sum(len(limits) for limits in tables.thresholds)
    return thresholds < tables.level_tables.size * np.dtype(code.dtype).itemsize and (
        tables.samples.dtype == "int16"
    )


def found_estimates(tables: MapTables) -> list[Estimate] | None:
    """An estimate for each class; None where one has none."""
    found = [find_estimate(limits) for limits in tables.float_thresholds]
    estimates = [estimate for estimate in found if estimate is not None]
    return estimates if len(estimates) == len(found) else None


def _bucketize(editor: GraphEditor, source: int, tables: MapTables, shift: int) -> int:
    """The number of thresholds at most the sample; with classes, by those of all classes."""
    limits = np.unique(np.concatenate(tables.float_thresholds))
    if tables.class_of is None:
        limits = tables.float_thresholds[0]
    ranks = editor.tensor(source, "int32")
    editor.operator("BUCKETIZE", [source], ranks, boundaries=[float(limit) for limit in limits])
    if tables.class_of is None:
        return editor.add(ranks, np.array(tables.biases[0] + shift, np.int32))
    size = len(limits) + 1
    levels: npt.NDArray[np.int32] = np.concatenate(
        [
            np.searchsorted(own, [-np.inf, *limits], side="right") + bias + shift
            for own, bias in zip(tables.float_thresholds, tables.biases, strict=True)
        ]
    ).astype(np.int32)
    bases = tables.per_channel([k * size for k in range(len(tables.quantizers))], "int32")
    return editor.gather(levels, editor.add(ranks, bases))
