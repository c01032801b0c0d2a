"""Lowerings: which stock operators turn a feature map into levels, and levels into a map.

A lowering is chosen by where the model runs:

    tflite   tflite-runtime and LiteRT
    micro    TFLite Micro: GATHER from int8 and float32 tables alone, no BUCKETIZE, no uint8
    npu      Ethos-U: int8 maps by DEPTHWISE_CONV_2D where that is exact, else as micro
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from fmq_embedded.deploy.graph_editor import GraphEditor
from fmq_embedded.deploy.map_tables import MapTables
from fmq_embedded.errors import unknown_name

LOWERINGS: Final = ("tflite", "micro", "npu")


@dataclass(frozen=True)
class LevelCode:
    """How levels are kept in a tensor: level = code − zero_point.

    Args:
        dtype: "uint8", "int8" or "int16".
        zero_point: also that of the tensor's quantization, whose scale is 1 unless the operator
            that makes it needs another.
    """

    dtype: str
    zero_point: int


class Lowering(Protocol):
    """What a lowering does; `name` is of `LOWERINGS`."""

    name: str

    def level_code(self, tables: MapTables) -> LevelCode:
        """How it keeps the levels of a map."""
        ...

    def quantize(self, editor: GraphEditor, source: int, tables: MapTables, name: str) -> int:
        """Add operators from the map `source` to its levels, a tensor called `name`.

        Raises:
            InputError: the target cannot do that; it says what can be done instead.
        """
        ...

    def dequantize(self, editor: GraphEditor, source: int, tables: MapTables, target: int) -> None:
        """Add operators from the levels `source` to the map `target`, which is there already."""
        ...

    def check_model(self, model: Any) -> None:
        """Refuse a head with operators or types that the target does not run.

        Raises:
            InputError: it names what is refused and the way out.
        """
        ...


def lowering(name: str) -> Lowering:
    """A lowering by its name.

    Raises:
        InputError: for an unknown name.
    """
    from fmq_embedded.deploy.lowering_micro import MicroLowering
    from fmq_embedded.deploy.lowering_npu import NpuLowering
    from fmq_embedded.deploy.lowering_tflite import TfliteLowering

    known: dict[str, Lowering] = {
        "tflite": TfliteLowering(),
        "micro": MicroLowering(),
        "npu": NpuLowering(),
    }
    if name not in known:
        raise unknown_name("lowering", name, known)
    return known[name]


def table_index(editor: GraphEditor, source: int, tables: MapTables, lowest: int, size: int) -> int:
    """The int32 place of each element in tables of `size` entries, one behind the other.

    Args:
        lowest: the code of the first entry.
    """
    bases = tables.per_channel([k * size - lowest for k in range(len(tables.quantizers))], "int32")
    return editor.add(editor.cast(source, "int32"), bases)


def as_codes(levels: Any, code: LevelCode, dtype: str | None = None) -> Any:
    """Levels as they are kept: codes, as an array of `dtype`, or of the code's own."""
    return (np.asarray(levels) + code.zero_point).astype(dtype or code.dtype)
