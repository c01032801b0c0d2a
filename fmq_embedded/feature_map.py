"""A feature map: the tensor that crosses from one part of a network to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from fmq_embedded.errors import InputError

INTEGER_DTYPES = ("int8", "uint8", "int16")
FLOAT_DTYPES = ("float32", "float16", "bfloat16", "float64")


@lru_cache(len(INTEGER_DTYPES + FLOAT_DTYPES))
def dtype_name(dtype: np.dtype[Any]) -> str:
    """The name of a dtype, which NumPy spells anew each time that it is asked."""
    return dtype.name


@dataclass(frozen=True)
class FeatureMap:
    """Samples and what they mean.

    Args:
        samples: an array of any shape and strides; float32, float16, bfloat16, float64,
            int8, uint8 or int16.
        scale: for integer samples, the real value of one code; rounded once to float32.
            Real value = (code − zero_point) × scale. Not allowed for floating-point samples.
        zero_point: for integer samples, the code of the real value 0.
        name: the tensor's name in its network; empty where it has none.

    Raises:
        InputError: for any other dtype, or a scale that is not finite and positive.
    """

    samples: npt.NDArray[np.generic]
    scale: float = field(default=1.0)
    zero_point: int = field(default=0)
    name: str = field(default="")

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples)
        object.__setattr__(self, "samples", samples)
        name = dtype_name(samples.dtype)
        if name not in INTEGER_DTYPES + FLOAT_DTYPES:
            raise InputError(
                f"a feature map's samples are {', '.join(FLOAT_DTYPES + INTEGER_DTYPES)}; "
                f"got {name}; convert them with astype first"
            )
        scale = float(np.float32(self.scale))
        if not (np.isfinite(scale) and scale > 0):
            raise InputError(f"scale must be finite and above 0 as a float32; got {self.scale!r}")
        object.__setattr__(self, "scale", scale)
        if not self.is_integer and (scale != 1.0 or self.zero_point != 0):
            raise InputError("scale and zero_point belong to integer samples only")
        if self.is_integer:
            info = np.iinfo(name)
            if not info.min <= self.zero_point <= info.max:
                raise InputError(
                    f"zero_point must be a code of {name} "
                    f"({info.min}..{info.max}); got {self.zero_point}"
                )

    @property
    def is_integer(self) -> bool:
        """Whether the samples are integer codes."""
        return dtype_name(self.samples.dtype) in INTEGER_DTYPES

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the samples."""
        return self.samples.shape
