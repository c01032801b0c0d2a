"""How kernels are compiled that only other kernels call.

They have no wrapper for Python, whose compilation takes longer than that of many a body. What is
the same in all calls of one is to be of the same type in all: a literal makes a second kernel, so
`NOTHING` and `NEVER` stand for 0 and False.
"""

from __future__ import annotations

import numba
import numpy as np

_OPTIONS = dict.fromkeys(
    ("cache", "nogil", "no_cfunc_wrapper", "no_cpython_wrapper", "no_rewrites"), True
)
inner = numba.njit(**_OPTIONS, _nrt=False, error_model="numpy")
inlined = numba.njit(**_OPTIONS, _nrt=False, error_model="numpy", forceinline=True)
"""For what is done for each level: a call hands over each of an array's seven words."""
merged = numba.njit(**_OPTIONS, _nrt=False, error_model="numpy", inline="always")
"""For a part of one other kernel: it is never compiled by itself, for a part of a part is compiled
again in every part that it is in."""

NOTHING = np.int64(0)
NEVER = np.bool_(False)
