"""Stores that go to memory past the caches, for results larger than the caches.

An ordinary store first reads the line that it writes to; a streaming one does not, and half of
the traffic of a large table look-up is gone. The hint changes no value.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic


def _store_streaming(context: Any, array: Any, index: Any, value: Any) -> Any:
    """array[index] = value, without bounds checks; the array is contiguous and aligned."""
    signature = types.void(array, types.int64, array.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        store = builder.store(arguments[2], builder.gep(data, [arguments[1]]))
        one = builder.module.add_metadata([ir.IntType(32)(1)])
        store.set_metadata("nontemporal", one)
        return context.get_dummy_value()

    return signature, generate


def _finish_streaming(context: Any) -> Any:
    """Orders streaming stores before whatever follows, as seen by other threads."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


store_streaming: Any = intrinsic(_store_streaming)
finish_streaming: Any = intrinsic(_finish_streaming)
