"""Results of the tail as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

DEFAULT_VALUES: Final = 16

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Result:
    """What became of one bitstream.

    Args:
        device: where it came from.
        number: how many of this device came before it.
        size: of the bitstream, in bytes.
        outputs: of the tail, by name; empty where the bitstream was refused.
        refused: why, in words; else "".
    """

    device: str
    number: int
    size: int
    outputs: Mapping[str, Array]
    refused: str = ""


def result_line(result: Result, values: int = DEFAULT_VALUES) -> str:
    """A result as one line of JSON.

    An output of at most `values` samples is there as "values"; of a larger one "largest" has as
    many [place, value], the place counting in C order.

    Args:
        result: of a bitstream.
        values: 0 for all samples of all outputs.
    """
    line: dict[str, Any] = {
        "device": result.device,
        "number": result.number,
        "bytes": result.size,
    }
    if result.refused:
        line["refused"] = result.refused
    else:
        line["outputs"] = {
            name: _plain(array, values) for name, array in sorted(result.outputs.items())
        }
    return json.dumps(line, ensure_ascii=False)


def _plain(array: Array, values: int) -> dict[str, Any]:
    flat, shape = array.reshape(-1), list(array.shape)
    if not values or flat.size <= values:
        return {"shape": shape, "values": [_number(value) for value in flat]}
    largest = np.argsort(-flat.astype(np.float64), kind="stable")[:values]
    return {"shape": shape, "largest": [[int(place), _number(flat[place])] for place in largest]}


def _number(value: Any) -> int | float | None:
    """The shortest number that is this one; JSON has no NaN and no infinity."""
    if value.dtype.kind in "iub":
        return int(value)
    return float(str(value)) if np.isfinite(value) else None
