"""Class maps as decisions of the range coder, compiled by Numba; twin of libfmq's class_map.c.

Each function goes over a map in coding order, both ways: with room in `decisions` it lists the
decisions of the classes that are there; with none it decodes them from `data` and writes them.
`coder` is that of the level coder's decoder (low, range, position) and, fourth, the number of
decisions listed.
"""

from __future__ import annotations

import numba
import numpy as np

from fmq_embedded.entropy import kernels as entropy_kernels

COUNT = 3
CODER_WORDS = 4
FLAGS_OF_CHANNELS = 2
EQUALS_NORTH = 4
FLAGS_OF_REGIONS = 5
SPLIT_SYMBOL_BITS = 4
SPLIT_CONTEXTS = 4 << SPLIT_SYMBOL_BITS
FLAGS_OF_BLOCKS = SPLIT_CONTEXTS + 1

LEAF, THREE, FOUR, EIGHT, MAIN_DIAGONAL, OTHER_DIAGONAL = 0, 4, 5, 6, 7, 8
LARGEST_DEPTH = 8
BOX_WORDS = 7
STACK_BOXES = 8 * LARGEST_DEPTH
"""At each depth all parts but one wait, seven at most, and the last is being looked at."""

POSITION = entropy_kernels.POSITION
_jit = numba.njit(
    cache=True,
    nogil=True,
    _nrt=False,
    error_model="numpy",
    no_cfunc_wrapper=True,
    no_rewrites=True,
)


@_jit
def code(coder, data, states, decisions, context, bit):  # type: ignore[no-untyped-def]
    """List one decision, or decode it; the bit."""
    if decisions.size > 0:
        decisions[coder[COUNT]] = 2 * context + bit
        coder[COUNT] += 1
        return bit
    return entropy_kernels.decode(coder, data, states, context)


@_jit
def code_index(coder, data, states, decisions, base, bits, index):  # type: ignore[no-untyped-def]
    """An index as a tree of `bits` decisions, most significant first; a context per node."""
    node = 1
    remaining = bits
    while remaining > 0:
        remaining -= 1
        bit = (index >> remaining) & 1
        node = 2 * node + code(coder, data, states, decisions, base + node, bit)
    return node - (1 << bits)


@_jit
def code_channels(classes, class_count, bits, coder, data, states, decisions):  # type: ignore[no-untyped-def]
    """The class of each channel.

    Args:
        classes: uint8, one for each channel.
        class_count: at least 2.
        bits: of class_count − 2: an index among the other classes.

    Returns:
        Whether every index can be.
    """
    previous = np.int64(0)
    last = np.int64(0)
    channel = 0
    while channel < classes.size and coder[POSITION] - 2 <= data.size:
        own = np.int64(classes[channel])
        last = code(coder, data, states, decisions, last, 1 if own == previous else 0)
        if not last:
            index = own - 1 if own > previous else own
            index = code_index(coder, data, states, decisions, FLAGS_OF_CHANNELS, bits, index)
            if index >= class_count - 1:
                return False
            previous = index + 1 if index >= previous else index
        classes[channel] = previous
        channel += 1
    return True


@_jit
def code_regions(classes, columns, class_count, bits, coder, data, states, decisions):  # type: ignore[no-untyped-def]
    """The class of each position, row by row.

    Args:
        classes: uint8, rows·columns.
        class_count: at least 2.
        bits: of class_count − 1.

    Returns:
        Whether every class can be.
    """
    column = 0
    cell = 0
    while cell < classes.size and coder[POSITION] - 2 <= data.size:
        west, north, northwest = np.int64(0), np.int64(0), np.int64(0)
        if cell >= columns:
            north = np.int64(classes[cell - columns])
            west = np.int64(classes[cell - 1]) if column > 0 else north
            northwest = np.int64(classes[cell - columns - 1]) if column > 0 else north
        elif column > 0:
            west = np.int64(classes[cell - 1])
            north = west
            northwest = west
        own = np.int64(classes[cell])
        context = (2 if west == north else 0) + (1 if west == northwest else 0)
        if code(coder, data, states, decisions, context, 1 if own == west else 0):
            own = west
        elif north != west and code(
            coder, data, states, decisions, EQUALS_NORTH, 1 if own == north else 0
        ):
            own = north
        else:
            own = code_index(coder, data, states, decisions, FLAGS_OF_REGIONS, bits, own)
            if own >= class_count:
                return False
        classes[cell] = own
        cell += 1
        column = column + 1 if column + 1 < columns else 0
    return True


@_jit
def part_start(size, parts, index):  # type: ignore[no-untyped-def]
    """Where part `index` of an axis begins: of one, two or three (1:2:1)."""
    if index == 0:
        return 0
    if index == parts:
        return size
    if parts == 2:
        return (size + 1) >> 1
    return (size + 1) >> 2 if index == 1 else size - ((size + 1) >> 2)


@_jit
def code_leaf_class(predicted, own, class_count, bits, coder, data, states, decisions):  # type: ignore[no-untyped-def]
    """The class of a leaf, as the difference from its prediction; class_count if it cannot be."""
    same = 1 if own == predicted else 0
    if code(coder, data, states, decisions, SPLIT_CONTEXTS, same):
        return predicted
    own = code_index(coder, data, states, decisions, FLAGS_OF_BLOCKS, bits, own)
    return own if own < class_count else class_count


@_jit
def fill(classes, all_columns, all_channels, box, symbol, first, second):  # type: ignore[no-untyped-def]
    """Give a box its class; below and left of a diagonal the first one, beyond it the second."""
    rows, columns = box[3], box[4]
    row = 0
    while row < rows:
        column = 0
        while column < columns:
            own = first
            down, right = (2 * row + 1) * columns, (2 * column + 1) * rows
            if (symbol == MAIN_DIAGONAL and down < right) or (
                symbol == OTHER_DIAGONAL and down + right > 2 * rows * columns
            ):
                own = second
            cell = ((box[0] + row) * all_columns + box[1] + column) * all_channels + box[2]
            end = cell + box[5]
            while cell < end:
                classes[cell] = own
                cell += 1
            column += 1
        row += 1


@_jit
def code_tree(  # type: ignore[no-untyped-def]
    nodes,
    classes,
    rows,
    columns,
    channels,
    class_count,
    bits,
    stack,
    coder,
    data,
    states,
    decisions,
):
    """A coding tree and the classes of its leaves, depth first.

    Args:
        nodes: uint8, the symbols: of a leaf 0 and its class, of two triangles 7 or 8 and both
            classes, of another split 1..6 and then its parts. Read, or written.
        classes: uint8, rows·columns·channels, written.
        bits: of class_count − 1.
        stack: int64, STACK_BOXES × BOX_WORDS: row, column, channel, their counts, depth.

    Returns:
        The number of nodes; −1 for a split that its box or depth cannot have, a class that cannot
        be, or nodes that end too early.
    """
    writing = decisions.size > 0
    stack[0, 0], stack[0, 1], stack[0, 2] = 0, 0, 0
    stack[0, 3], stack[0, 4], stack[0, 5], stack[0, 6] = rows, columns, channels, 0
    waiting = 1
    node = 0
    while waiting > 0 and coder[POSITION] - 2 <= data.size:
        waiting -= 1
        box = stack[waiting]
        row, column, channel, depth = box[0], box[1], box[2], box[6]
        if node + 3 > nodes.size and (not writing or node + 2 > nodes.size):
            return -1
        context = (depth if depth < 3 else 3) << SPLIT_SYMBOL_BITS
        symbol = np.int64(nodes[node])
        symbol = code_index(coder, data, states, decisions, context, SPLIT_SYMBOL_BITS, symbol)
        is_split = LEAF < symbol < MAIN_DIAGONAL
        if symbol > OTHER_DIAGONAL or (is_split and depth == LARGEST_DEPTH):
            return -1
        nodes[node] = symbol
        node += 1
        if not is_split:
            predicted = np.int64(0)
            cell = (row * columns + column) * channels + channel
            if column > 0:
                predicted = np.int64(classes[cell - channels])
            elif row > 0:
                predicted = np.int64(classes[cell - columns * channels])
            elif channel > 0:
                predicted = np.int64(classes[cell - 1])
            count = 1
            if symbol >= MAIN_DIAGONAL:
                count = 2
                if box[3] < 2 or box[4] < 2 or node + 2 > nodes.size:
                    return -1
            first = code_leaf_class(
                predicted, np.int64(nodes[node]), class_count, bits, coder, data, states, decisions
            )
            second = first
            if count == 2:
                second = np.int64(nodes[node + 1])
                second = code_leaf_class(
                    predicted, second, class_count, bits, coder, data, states, decisions
                )
            if first >= class_count or second >= class_count:
                return -1
            nodes[node] = first
            nodes[node + count - 1] = second
            node += count
            fill(classes, columns, channels, box, symbol, first, second)
            continue
        row_parts = 2 if symbol == 1 or symbol >= FOUR else 1
        column_parts = 2 if symbol == 2 or symbol >= FOUR else 1
        channel_parts = 2 if symbol in (3, EIGHT) else 1
        if symbol == THREE:
            if box[3] >= box[4]:
                row_parts = 3
            else:
                column_parts = 3
        high, wide, deep = box[3], box[4], box[5]
        if high < row_parts or wide < column_parts or deep < channel_parts:
            return -1
        # the last part first, so that the first is the next to be looked at
        part = row_parts * column_parts * channel_parts
        while part > 0:
            part -= 1
            i = part // (column_parts * channel_parts)
            j = part // channel_parts % column_parts
            k = part % channel_parts
            box = stack[waiting]
            box[0] = row + part_start(high, row_parts, i)
            box[1] = column + part_start(wide, column_parts, j)
            box[2] = channel + part_start(deep, channel_parts, k)
            box[3] = row + part_start(high, row_parts, i + 1) - box[0]
            box[4] = column + part_start(wide, column_parts, j + 1) - box[1]
            box[5] = channel + part_start(deep, channel_parts, k + 1) - box[2]
            box[6] = depth + 1
            waiting += 1
    return node
