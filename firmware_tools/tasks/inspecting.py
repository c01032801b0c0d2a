"""What `inspect` shows: the headers of a stream, the decision for a map, pictures of classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from firmware_tools.drawing import Drawing, class_texts, draw_partitions, drawing_of
from fmq_embedded.bitstream.headers import TensorHeader
from fmq_embedded.codec import read_stream
from fmq_embedded.dense import DenseTensor
from fmq_embedded.dense.steps import step_size
from fmq_embedded.errors import InputError, unknown_name
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.files import read_array, read_bytes
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.quantizing import choose_quantizer
from fmq_embedded.settings import PARTITIONS, Settings
from fmq_embedded.structure import Network

if TYPE_CHECKING:
    from fmq_embedded.partition import Partition


def inspect_stream(path: Path, network: Network | None) -> tuple[str, Any, list[Drawing]]:
    """The text and the data of a bitstream's contents, and what can be drawn of it."""
    data = read_bytes(path)
    stream = read_stream(data, network=network)
    structure = len(stream.preamble.structure or b"")
    lines = [f"{path}: {len(data):,} bytes, version 1, {len(stream.tensors)} tensor(s)"]
    if stream.structure is not None:
        lines.append(f"  structure in the stream: {structure} bytes")
    rows: list[dict[str, Any]] = []
    drawings: list[Drawing] = []
    for tensor in stream.tensors:
        header = tensor.header
        bits = 8 * (tensor.header_bytes + tensor.payload_bytes) / max(header.count, 1)
        lines += [
            f"  {header.name or 'map'}: {header.dtype} {'×'.join(map(str, header.shape))}",
            f"    {tensor.coding}: header {tensor.header_bytes} + payload "
            f"{tensor.payload_bytes:,} bytes, {bits:.3f} bits per element",
        ]
        if tensor.dense is not None:
            lines.append(f"    {describe_dense(tensor.dense)}")
        if header.quantizer is not None:
            lines.append(f"    chosen by {header.method}: {describe(header.quantizer)}")
        if header.partition is not None:
            samples = (tensor.samples().astype(np.float64) - header.zero_point) * header.scale
            drawings.append(drawing_of(header.name or "map", samples, header.partition))
            lines += _partition_lines(header.partition)
        rows.append(
            {
                **_header_row(header),
                "coding": tensor.coding,
                "header_bytes": tensor.header_bytes,
                "payload_bytes": tensor.payload_bytes,
                "bits_per_element": bits,
            }
        )
    whole = {
        "bytes": len(data),
        "version": 1,
        "structure_bytes": structure,
        "tensors": rows,
    }
    return "\n".join(lines), whole, drawings


def describe_dense(tensor: DenseTensor) -> str:
    """How a dense tensor was coded, in a line."""
    names = ("dead", "spatial", "whole", "tiled", "predicted")
    counts = np.bincount(tensor.channels.modes, minlength=len(names))
    modes = ", ".join(f"{n} {name}" for n, name in zip(counts, names, strict=True) if n)
    if tensor.lossless:
        return f"lossless; channels: {modes}"
    kind = "dependent quantization" if tensor.dependent else "scalar quantization"
    return f"step {step_size(tensor.step) * 2.0**tensor.exponent:.6g}, {kind}; channels: {modes}"


def inspect_array(
    path: Path,
    bit_depth: int,
    method: str,
    network: Network | None,
    tensor: str,
    partition: str = "none",
) -> tuple[str, Any, list[Drawing]]:
    """The text and the data of the quantizer and the classes that a map would get."""
    array = read_array(path)
    if isinstance(array, dict):
        raise InputError(f"{path} holds several maps; inspect one .npy file at a time")
    item = FeatureMap(array, name=tensor)
    if partition not in PARTITIONS:
        raise unknown_name("partition", partition, PARTITIONS)
    settings = Settings(
        bit_depth=bit_depth,
        method=method,
        network=network,
        partition=partition,
        uniform_first=False if method == "uniform_first" else None,
    )
    decision, quantizer = choose_quantizer(item, settings)
    lines = [f"{path}: {array.dtype.name} {'×'.join(map(str, array.shape))}"]
    lines += [f"  {line}" for line in str(decision).splitlines()]
    lines.append(f"  {describe(quantizer)}")
    row: dict[str, Any] = {
        "shape": list(array.shape),
        "dtype": array.dtype.name,
        "method": method,
        "why": decision.why if decision else "",
        "signalled": list(decision.signalled) if decision else [],
        "quantizer": _quantizer_row(quantizer),
    }
    if decision and decision.histogram is not None:
        row["histogram"] = [int(count) for count in decision.histogram.counts]
    drawings: list[Drawing] = []
    if partition != "none":
        from fmq_embedded.partition.choosing import choose_partition

        chosen = choose_partition(item, quantizer, settings)
        lines += _partition_lines(chosen) if chosen else ["    quantized as a whole"]
        row["partition"] = _partition_row(chosen) if chosen else None
        drawings = [drawing_of(tensor or path.stem, array, chosen)] if chosen else []
    return "\n".join(lines), row, drawings


def write_plot(path: Path, drawings: Sequence[Drawing]) -> None:
    """Draw the classes of each tensor that has some.

    Raises:
        InputError: none has, or the file is not to be a .png.
        MissingToolError: Pillow is not installed.
    """
    if path.suffix != ".png":
        raise InputError(f"--plot writes a .png file; got {path}")
    draw_partitions(path, drawings)


def describe(quantizer: Quantizer) -> str:
    """A quantizer in a line."""
    names = {"uniform": ("minimum", "maximum"), "laplace": ("scale",)}
    second = "span" if quantizer.span_is_fitted else "variance"
    labels = names.get(quantizer.distribution, ("mean", second))
    values = ", ".join(
        f"{label} {value:.6g}" for label, value in zip(labels, quantizer.parameters, strict=False)
    )
    kind = f"explicit ({quantizer.distribution})" if quantizer.is_explicit else values
    return (
        f"{quantizer.distribution}, {quantizer.bit_depth} bits, {kind}, step "
        f"{quantizer.step_size:.6g}, offset {quantizer.rounding_offset:.6g}, rounding "
        f"{quantizer.rounding}"
    )


def _header_row(header: TensorHeader) -> dict[str, Any]:
    return {
        "name": header.name,
        "shape": list(header.shape),
        "dtype": header.dtype,
        "scale": header.scale,
        "zero_point": header.zero_point,
        "method": header.method,
        "centre": header.centre,
        "quantizer": _quantizer_row(header.quantizer) if header.quantizer else None,
        "partition": _partition_row(header.partition) if header.partition else None,
    }


def _quantizer_row(quantizer: Quantizer) -> dict[str, Any]:
    return {
        "distribution": quantizer.distribution,
        "bit_depth": quantizer.bit_depth,
        "step_size": quantizer.step_size,
        "rounding_offset": quantizer.rounding_offset,
        "rounding": quantizer.rounding,
        "parameters": list(quantizer.parameters),
        "span_is_fitted": quantizer.span_is_fitted,
        "explicit": quantizer.is_explicit,
    }


def _partition_lines(partition: Partition) -> list[str]:
    count = len(partition.classes)
    head = f"    {count} classes by {partition.kind}, joint levels of {partition.bit_depth} bits"
    return [head, *(f"      {text}" for text in class_texts(partition))]


def _partition_row(partition: Partition) -> dict[str, Any]:
    return {
        "kind": partition.kind,
        "bit_depth": partition.bit_depth,
        "classes": list(class_texts(partition)),
        "class_of": partition.class_of.tolist(),
    }
