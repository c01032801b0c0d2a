"""What a deployment's partitions take of a board's flash and RAM, by the way that classes are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.profiling.elf_sizes import ElfSizes, Symbol
from fmq_embedded.deploy.c_tables import SOURCE
from fmq_embedded.deploy.deployment import Deployment
from fmq_embedded.deploy.tensor_plan import TensorPlan
from fmq_embedded.partition.dynamic import DynamicClasses
from fmq_embedded.quantizers.vector import VectorQuantizer

WHOLE = "none"
_CODE = re.compile(r"(class_|partition|quantize_partition|dequantize_partition|vector_quantizer)")
_OF_TENSOR = re.compile(r"_(\d+)(_\d+)?$")


@dataclass(frozen=True)
class PartitionSize:
    """The tables of the tensors of one mode.

    Args:
        mode: "none", "channel", "region" or "block"; "dynamic" before it where each map has
            classes of its own, "vector" behind it where a class has a codebook.
        tensors: how many there are.
        flash_bytes, ram_bytes: of their tables; where a board keeps constants in RAM, of both.
    """

    mode: str
    tensors: int
    flash_bytes: int
    ram_bytes: int


def tables_bytes(sizes: ElfSizes) -> int:
    """Bytes of a deployment's tables in flash."""
    return sum(symbol.size for symbol in _of_tables(sizes) if not symbol.in_ram)


def code_bytes(sizes: ElfSizes) -> int:
    """Bytes of the library's code for partitions in flash."""
    return sum(
        size
        for source, size in sizes.flash_by_source.items()
        if _CODE.match(Path(source).name) is not None
    )


def partition_sizes(sizes: ElfSizes, deployment: Deployment) -> tuple[PartitionSize, ...]:
    """What the tensors of each mode take; none if no tensor has a partition.

    Args:
        sizes: of a firmware of the deployment.
    """
    modes = [mode_of(plan) for plan in deployment.tensors]
    if set(modes) <= {WHOLE}:
        return ()
    found = []
    for mode in dict.fromkeys(modes):
        own = [
            symbol
            for symbol in _of_tables(sizes)
            if (match := _OF_TENSOR.search(symbol.name)) and modes[int(match[1])] == mode
        ]
        flash = sum(symbol.size for symbol in own if not symbol.in_ram)
        ram = sum(symbol.size for symbol in own if symbol.in_ram)
        found.append(PartitionSize(mode, modes.count(mode), flash, ram))
    return tuple(found)


def mode_of(plan: TensorPlan) -> str:
    """How a tensor's classes are; see `PartitionSize`."""
    partition = plan.partition
    if partition is None:
        return WHOLE
    words = ["dynamic"] if isinstance(partition, DynamicClasses) else []
    words.append(partition.kind)
    if any(isinstance(chosen, VectorQuantizer) for chosen in partition.classes):
        words.append("vector")
    return " ".join(words)


def _of_tables(sizes: ElfSizes) -> Iterable[Symbol]:
    return [symbol for symbol in sizes.symbols if Path(symbol.source).name == SOURCE]
