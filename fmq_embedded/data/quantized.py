"""Real values as an input's samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.runtimes.ports import Port

Array = npt.NDArray[Any]


def as_port(values: npt.NDArray[np.float64], port: Port) -> Array:
    """Real values as an input takes them.

    Args:
        values: of any shape.
        port: the input; integers are rounded to nearest, ties to even, and kept in their type.
    """
    if port.dtype.kind not in "iu":
        return values.astype(port.dtype)
    limits: Any = np.iinfo(port.dtype)
    codes = np.rint(values / port.scale) + port.zero_point
    clipped: npt.NDArray[Any] = codes.clip(limits.min, limits.max).astype(port.dtype)
    return clipped
