"""Counts emulated Thumb instructions exactly, in machine code that Unicorn calls per block.

A hook per instruction would miss the instructions that an IT block skips; on the core they take
their time, and QEMU counts them. A hook per block is told the block's address and size, and
counts what lies there.
"""

from __future__ import annotations

import ctypes

import numba
import numpy as np
import numpy.typing as npt

TOTAL, REGIONS = 0, 1
# A region is three words: first address, size in bytes, where its bytes lie in this process.
WORDS_PER_REGION = 3
REGION_COUNT = 2
WORDS = 1 + WORDS_PER_REGION * REGION_COUNT

_SIGNATURE = numba.types.void(
    numba.types.voidptr, numba.types.uint64, numba.types.uint32, numba.types.voidptr
)


@numba.extending.intrinsic
def _as_pointer(context, address):  # type: ignore[no-untyped-def]
    """A pointer from an integer address."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        target = context.get_value_type(signature.return_type)
        return builder.inttoptr(arguments[0], target)

    return numba.types.voidptr(address), generate


@numba.cfunc(_SIGNATURE, cache=True)
def count_block(engine, address, size, state_address):  # type: ignore[no-untyped-def]
    """Add the instructions of a block; `state_address` points to the words described above.

    A Thumb instruction is one halfword, or two if its first five bits are 11101, 11110 or
    11111 (Arm v7-M Architecture Reference Manual, A5.1).
    """
    state = numba.carray(state_address, WORDS, dtype=np.uint64)
    count = np.uint64(0)
    for region in range(REGION_COUNT):
        word = REGIONS + region * WORDS_PER_REGION
        offset = np.uint64(address) - state[word]
        if offset < state[word + 1]:
            memory = numba.carray(
                _as_pointer(state[word + 2]), state[word + 1] >> np.uint64(1), dtype=np.uint16
            )
            position = offset >> np.uint64(1)
            end = (offset + np.uint64(size)) >> np.uint64(1)
            while position < end:
                position += np.uint64(2 if memory[position] >= 0xE800 else 1)
                count += np.uint64(1)
    state[TOTAL] += count


class InstructionCounter:
    """The count of one emulated core.

    `hook` and `state_address` are what Unicorn's uc_hook_add takes; `memories` holds, for each
    region of code, its first address and its bytes, which the emulator shares.
    """

    def __init__(self, memories: list[tuple[int, npt.NDArray[np.uint8]]]) -> None:
        self._state = np.zeros(WORDS, np.uint64)
        self._memories = memories
        for index, (address, memory) in enumerate(memories):
            first = REGIONS + index * WORDS_PER_REGION
            self._state[first : first + WORDS_PER_REGION] = (
                address,
                memory.nbytes,
                memory.ctypes.data,
            )
        self.hook = ctypes.c_void_p(count_block.address)
        self.state_address = ctypes.c_void_p(self._state.ctypes.data)

    @property
    def total(self) -> int:
        """Instructions up to the end of the block that runs now."""
        return int(self._state[TOTAL])
