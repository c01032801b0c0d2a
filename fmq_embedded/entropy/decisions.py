"""Lists of binary decisions to bytes and back, for what is not levels: class maps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fmq_embedded.entropy import contexts
from fmq_embedded.entropy.levels import _FREE_BYTES, _LEAD, Bytes, _last_bytes


def encode_decisions(decisions: npt.NDArray[np.uint16]) -> bytes:
    """Entropy-code a list of decisions, 2·context + bit each, with fresh contexts.

    Args:
        decisions: of contexts below `contexts.CONTEXT_COUNT`.

    Returns:
        The bytes, with no length: a decoder that knows when to stop finds their end.
    """
    from fmq_embedded.entropy import kernels

    out = np.empty(2 * decisions.size + _LEAD, np.uint8)
    coder = np.zeros(kernels.CODER_WORDS, np.int64)
    coder[kernels.RANGE], coder[kernels.POSITION] = kernels.FULL_RANGE, -1
    kernels.encode_decisions(decisions, decisions.size, fresh_states(), coder, out)
    low, _, position, cache, pending = (int(word) for word in coder)
    return out[: max(position, 0)].tobytes() + _last_bytes(low, cache, pending, position)


def decoder_at(data: Bytes, start: int) -> npt.NDArray[np.int64]:
    """A decoder that stands at the first decision of what was coded at `start`."""
    from fmq_embedded.entropy import kernels

    first = data[start : start + _LEAD].tobytes().ljust(_LEAD, b"\0")
    return np.array([int.from_bytes(first, "big"), kernels.FULL_RANGE, start + _LEAD], np.int64)


def decoder_end(coder: npt.NDArray[np.int64]) -> int:
    """The position behind what a decoder has read."""
    from fmq_embedded.entropy import kernels

    return int(coder[kernels.POSITION]) - _FREE_BYTES


def fresh_states() -> npt.NDArray[np.int64]:
    """The states of all contexts as they begin."""
    return np.full(contexts.CONTEXT_COUNT, contexts.PROBABILITY_START << 8, np.int64)
