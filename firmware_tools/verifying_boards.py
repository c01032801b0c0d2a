"""The checks of `verify` on emulated boards: as many at once as there are processors.

A board that cannot hold a deployment's maps gets its quantizers in smaller maps, if need be a few
at a time: what a quantizer does with a sample does not depend on the map around it.
"""

from __future__ import annotations

import dataclasses
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from firmware_tools.boards import Board, load_board
from firmware_tools.firmware import (
    DEFAULT_BOARD,
    board_for,
    build_firmware,
    emulators_of,
    run_emulated,
)
from firmware_tools.verifying_devices import device_checks
from firmware_tools.verifying_rows import Check
from fmq_embedded.deploy.c_dense import dense_work_size
from fmq_embedded.deploy.c_tables import CELL_BYTES, END_BYTES
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.entropy import Geometry, static_work_size
from fmq_embedded.partition import Partition
from fmq_embedded.partition.class_map import map_shape
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.payloads import centre_of, level_bits
from fmq_embedded.settings import Profile

# Smaller maps, the largest first: (rows, columns, channels).
SMALLER = ((8, 8, 8), (4, 8, 8), (4, 8, 4), (4, 4, 4), (2, 4, 4))

# FMQ_APP_MAX_TENSORS of the firmware.
MOST_TENSORS = 16

# Bytes of RAM that the command loop takes besides the buffers for maps.
LOOP_BYTES = 1536
# The coder's state, and of each tensor its header in the bitstream and the rounding up of buffers.
CODER_BYTES = 1800
HEADER_BYTES = 48
NUMBER_BYTES = 2  # of a dense plan's fixed-point sample
# Constants, where they lie in RAM: the library's and the loop's, and beside a tensor's tables.
LIBRARY_CONSTANT_BYTES = 1024
DESCRIPTION_BYTES = 128


def boards_checks(
    deployment: Deployment, board_ids: Sequence[str], step: Callable[[str], None]
) -> list[Check]:
    """Check a deployment on boards, each under its first emulator, the default one under every.

    Args:
        deployment: calibrated.
        board_ids: boards that an installed emulator runs.
        step: called with the name of each board as it begins.

    Returns:
        The checks, in the order of the boards.
    """

    def check(board_id: str) -> list[Check]:
        step(board_id)
        return list(board_checks(deployment, load_board(board_id)))

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return [check for found in pool.map(check, board_ids) for check in found]


def board_checks(deployment: Deployment, board: Board) -> Iterator[Check]:
    """Check a deployment on one board; a tensor that it cannot hold is a row of no inputs."""
    for part in parts_that_fit(deployment, board):
        with tempfile.TemporaryDirectory() as folder:
            build = build_firmware(part, Path(folder), board.id)
            for name in _emulators_for(board):
                with run_emulated(build, name) as running:
                    yield from device_checks(running.device, part, f"{board.id} ({name})")
    for plan in deployment.tensors:
        smallest = dataclasses.replace(deployment, tensors=(_smallest(plan),))
        if not _fits(smallest, board):
            takes, has = _needed(smallest, board), board.memory.ram_size
            why = f"{plan.name}: a map takes {takes:,} bytes of RAM, and the board has {has:,}"
            yield Check(board.id, why, "too large", 0, 0, None)


def _emulators_for(board: Board) -> list[str]:
    """The emulators that check a board.

    What firmware does with samples depends on the core, not on the emulator: that the emulators
    agree is checked on one board, where the slower one takes most of the time of all of them.
    """
    found = emulators_of(board)
    return found if board.id == DEFAULT_BOARD else found[:1]


def parts_that_fit(deployment: Deployment, board: Board) -> list[Deployment]:
    """The deployment, or what stands for it on a board with less memory.

    A tensor that does not fit in the smallest map either is in none of the parts.
    """
    if _fits(deployment, board):
        return [deployment]
    for shape in SMALLER:
        smaller = dataclasses.replace(
            deployment, tensors=tuple(_in_map(plan, shape) for plan in deployment.tensors)
        )
        if _fits(smaller, board):
            return [smaller]
    smallest = tuple(map(_smallest, deployment.tensors))
    return tensors_that_fit(dataclasses.replace(deployment, tensors=smallest), board)


def tensors_that_fit(deployment: Deployment, board: Board) -> list[Deployment]:
    """As many tensors in each part as fit, as they are and in their order.

    A tensor that does not fit by itself is in none of the parts.
    """
    parts: list[Deployment] = []
    held: tuple[TensorPlan, ...] = ()
    for plan in deployment.tensors:
        if not _fits(dataclasses.replace(deployment, tensors=(plan,)), board):
            continue
        more = dataclasses.replace(deployment, tensors=(*held, plan))
        if held and (len(held) == MOST_TENSORS or not _fits(more, board)):
            parts.append(dataclasses.replace(deployment, tensors=held))
            held = ()
        held = (*held, plan)
    return [*parts, dataclasses.replace(deployment, tensors=held)] if held else parts


def _smallest(plan: TensorPlan) -> TensorPlan:
    return _in_map(plan, SMALLER[-1])


def _in_map(plan: TensorPlan, shape: tuple[int, ...]) -> TensorPlan:
    """The tensor's quantizer in a map of that shape, if the tensor's own is larger.

    Static classes belong to the places of their own map: such a tensor stays as it is. What is
    made of a place's channels belongs to so many of them.
    """
    if plan.dense is not None and plan.dense.stage is not None:
        shape = (*shape[:-1], plan.shape[-1])
    if isinstance(plan.partition, Partition) or math.prod(plan.shape) <= math.prod(shape):
        return plan
    return dataclasses.replace(plan, shape=(1, *shape))


def _fits(deployment: Deployment, board: Board) -> bool:
    return _needed(deployment, board) <= board.memory.ram_size


def _needed(deployment: Deployment, board: Board) -> int:
    """Bytes of RAM, about, never less."""
    stack_size = board_for(deployment, board).memory.stack_size
    needed = _buffer_bytes(deployment) + LOOP_BYTES + stack_size
    if board.has_constants_in_ram:
        needed += LIBRARY_CONSTANT_BYTES + sum(map(_table_bytes, deployment.tensors))
    return needed


def _table_bytes(plan: TensorPlan) -> int:
    """About what a tensor's quantizers, dequantizers and description take, never less."""
    if plan.dense is not None:
        return DESCRIPTION_BYTES
    partition = plan.any_partition
    total, item = 0, np.dtype(plan.dtype).itemsize
    for quantizer in (plan.chosen_quantizer, *(partition.quantizers if partition else ())):
        levels = 1 << quantizer.bit_depth
        table = 256 * (1 if levels <= 256 else 2) if item == 1 else 4 * levels
        total += DESCRIPTION_BYTES + table + item * levels
    return total


def _buffer_bytes(deployment: Deployment) -> int:
    """About what the firmware's buffers for maps take, never less."""
    total = CODER_BYTES
    for plan in deployment.tensors:
        count, sample = math.prod(plan.shape), np.dtype(plan.dtype).itemsize
        if plan.dense is not None:
            total += HEADER_BYTES + count * (sample + NUMBER_BYTES) + plan.dense.limit(count)
            continue
        depth = 16 if plan.partition is not None else plan.chosen_quantizer.bit_depth
        per_element = sample + (1 if depth <= 8 else 2) + depth / 8
        total += HEADER_BYTES + math.ceil(count * per_element)
        if isinstance(plan.partition, DynamicClasses):
            # its cells, and the most that they take in a stream
            cells = map_shape(plan.partition.kind, Geometry.of(plan.shape))
            total += (1 + CELL_BYTES) * math.prod(cells) + END_BYTES
    return total + max(_work_bytes(plan, deployment.profile) for plan in deployment.tensors)


def _work_bytes(plan: TensorPlan, profile: Profile) -> int:
    """What coding a tensor takes beside the coder's state."""
    geometry = Geometry.of(plan.shape)
    if profile == "dense":
        return dense_work_size(geometry, own_levels=plan.dense is not None)
    if profile == "fast":
        return static_work_size(geometry, centre_of(plan.header), level_bits(plan.header))
    return math.prod(plan.shape[-2:]) + 8 * plan.shape[-1]
