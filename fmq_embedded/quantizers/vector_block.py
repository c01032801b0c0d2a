"""The inner loop of the float32 quantizer, as vectors of eight 32-bit integers.

Numba widens 32-bit integers to 64 bits, which halves what a vector holds, so this one loop is
written in LLVM's own instructions. They are of no particular processor; each step has its
counterpart in `estimate.FixedPointEstimate`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8
GROUP = 32
"""Samples in a turn of the loop: four vectors, so that their levels fill one store."""

PREFETCH_DISTANCE = 1024
"""Samples read ahead of the loop, which keeps pace with memory only so."""
LINE = 16
"""Samples in a cache line."""

_INT32 = ir.IntType(32)
_INT64 = ir.IntType(64)
_VECTOR = ir.VectorType(_INT32, LANES)
_PAIRS = ir.VectorType(_INT64, LANES // 2)


def _constant(value: int) -> ir.Constant:
    return ir.Constant(_VECTOR, [value] * LANES)


def _splat(builder: Any, scalar: Any) -> Any:
    undefined = ir.Constant(_VECTOR, ir.Undefined)
    first = builder.insert_element(undefined, scalar, _INT32(0))
    return builder.shuffle_vector(first, undefined, _constant(0))


def _call(builder: Any, name: str, *arguments: Any) -> Any:
    kind = ir.FunctionType(_VECTOR, [_VECTOR] * len(arguments))
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v8i32")
    return builder.call(function, arguments)


def _reduced(builder: Any, name: str, vector: Any) -> Any:
    kind = ir.FunctionType(_INT32, [_VECTOR])
    name = f"llvm.vector.reduce.{name}.v8i32"
    value = builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [vector])
    return builder.zext(value, _INT64)


def _prefetch(builder: Any, pointer: Any) -> None:
    """Asks for the line at `pointer`; no harm where there is none."""
    address = ir.IntType(8).as_pointer()
    kind = ir.FunctionType(ir.VoidType(), [address, _INT32, _INT32, _INT32])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    to_read, keep, data = _INT32(0), _INT32(3), _INT32(1)
    builder.call(function, [builder.bitcast(pointer, address), to_read, keep, data])


def _high_product(builder: Any, vector: Any, multiplier: Any) -> Any:
    """(vector · multiplier) >> 32 of unsigned lanes: even and odd lanes as 64-bit products."""
    low, half = ir.Constant(_PAIRS, [0xFFFFFFFF] * 4), ir.Constant(_PAIRS, [32] * 4)
    factor = builder.and_(builder.bitcast(multiplier, _PAIRS), low)
    pairs = builder.bitcast(vector, _PAIRS)
    even = builder.lshr(builder.mul(builder.and_(pairs, low), factor), half)
    odd = builder.mul(builder.lshr(pairs, half), factor)
    lanes = ir.Constant(_VECTOR, [0, 9, 2, 11, 4, 13, 6, 15])
    return builder.shuffle_vector(
        builder.bitcast(even, _VECTOR), builder.bitcast(odd, _VECTOR), lanes
    )


def _scaled_levels(builder: Any, bits: Any, magnitude: Any, fields: dict[str, Any]) -> Any:
    """t of eight samples."""
    significand = builder.or_(builder.shl(magnitude, _constant(8)), _constant(0x80000000))
    exponent = builder.lshr(magnitude, _constant(23))
    shift = builder.sub(fields["exponent"], exponent)
    is_held = builder.icmp_unsigned("<", shift, _constant(32))
    fixed = builder.select(is_held, builder.lshr(significand, shift), _constant(0))
    product = _high_product(builder, fixed, fields["multiplier"])
    sign = builder.ashr(bits, _constant(31))
    scaled = builder.add(builder.xor(product, sign), fields["base"])
    if "pivot" in fields:
        is_left = builder.icmp_signed("<", scaled, fields["pivot"])
        step = builder.select(is_left, fields["dead_zone"], _constant(0))
        scaled = builder.add(scaled, step)
    return scaled


def _joined(builder: Any, parts: list[Any]) -> Any:
    def pair(left: Any, right: Any, count: int) -> Any:
        lanes = ir.Constant(ir.VectorType(_INT32, count), list(range(count)))
        return builder.shuffle_vector(left, right, lanes)

    low, high = pair(parts[0], parts[1], 16), pair(parts[2], parts[3], 16)
    return pair(low, high, GROUP)


def _make_block(names: tuple[str, ...]) -> Callable[..., Any]:
    """An intrinsic that quantizes whole groups of 32 samples.

    Its arguments are the bits, the levels to write, the first sample, the number of samples
    (a multiple of 32), and what `names` says. It returns, as one uint64, the largest magnitude
    (upper half) and the smallest fraction of a t (lower half).
    """

    def block(context: Any, bits: Any, levels: Any, start: Any, count: Any, fields: Any) -> Any:
        width = levels.dtype.bitwidth
        signature = types.uint64(bits, levels, types.int64, types.int64, fields)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointers = [
                builder.gep(context.make_array(kind)(context, builder, array).data, [arguments[2]])
                for kind, array in zip(signature.args[:2], arguments[:2], strict=True)
            ]
            scalars = cgutils.unpack_tuple(builder, arguments[4], len(names))
            vectors = dict(zip(names, (_splat(builder, each) for each in scalars), strict=True))
            return _emit_loop(builder, pointers, arguments[3], vectors, width)

        return signature, generate

    made: Callable[..., Any] = intrinsic(block)
    return made


def _emit_loop(
    builder: Any, pointers: list[Any], count: Any, fields: dict[str, Any], width: int
) -> Any:
    largest = cgutils.alloca_once_value(builder, _constant(0))
    smallest = cgutils.alloca_once_value(builder, _constant(0xFFFFFFFF))
    groups = builder.udiv(count, ir.Constant(count.type, GROUP))
    with cgutils.for_range(builder, groups) as loop:
        first = builder.mul(loop.index, ir.Constant(loop.index.type, GROUP))
        for line in range(0, GROUP, LINE):
            ahead = builder.add(first, ir.Constant(first.type, PREFETCH_DISTANCE + line))
            _prefetch(builder, builder.gep(pointers[0], [ahead]))
        parts = []
        for lane in range(0, GROUP, LANES):
            place = builder.add(first, ir.Constant(first.type, lane))
            address = builder.bitcast(builder.gep(pointers[0], [place]), _VECTOR.as_pointer())
            bits = builder.load(address, align=4)
            magnitude = builder.and_(bits, _constant(0x7FFFFFFF))
            builder.store(_call(builder, "umax", builder.load(largest), magnitude), largest)
            scaled = _scaled_levels(builder, bits, magnitude, fields)
            scaled = _call(builder, "smax", scaled, fields["lowest"])
            fraction = builder.and_(scaled, fields["fraction_mask"])
            builder.store(_call(builder, "umin", builder.load(smallest), fraction), smallest)
            shift = builder.and_(fields["fraction_bits"], _constant(31))
            level = _call(builder, "smin", builder.ashr(scaled, shift), fields["maximum_level"])
            # Says that a level fits its type, so that vectors are packed with saturation.
            level = _call(builder, "smax", level, _constant(0))
            parts.append(_call(builder, "smin", level, _constant((1 << width) - 1)))
        narrow = builder.trunc(_joined(builder, parts), ir.VectorType(ir.IntType(width), GROUP))
        address = builder.bitcast(builder.gep(pointers[1], [first]), narrow.type.as_pointer())
        builder.store(narrow, address, align=width // 8)
    upper = builder.shl(_reduced(builder, "umax", builder.load(largest)), _INT64(32))
    return builder.or_(upper, _reduced(builder, "umin", builder.load(smallest)))


FLOOR_FIELDS = (
    "exponent",
    "multiplier",
    "base",
    "lowest",
    "fraction_mask",
    "fraction_bits",
    "maximum_level",
)
CENTRE_FIELDS = (*FLOOR_FIELDS, "pivot", "dead_zone")

floor_block = _make_block(FLOOR_FIELDS)
centre_block = _make_block(CENTRE_FIELDS)
