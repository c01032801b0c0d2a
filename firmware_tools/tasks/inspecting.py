"""What `inspect` shows: the headers of a stream, the decision for a map."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fmq_embedded.bitstream.headers import TensorHeader
from fmq_embedded.codec import choose_quantizer, read_stream
from fmq_embedded.errors import InputError
from fmq_embedded.feature_map import FeatureMap
from fmq_embedded.files import read_array, read_bytes
from fmq_embedded.quantizers import Quantizer
from fmq_embedded.settings import Settings
from fmq_embedded.structure import Network


def inspect_stream(path: Path, network: Network | None) -> tuple[str, Any]:
    """The text and the data of a bitstream's contents."""
    data = read_bytes(path)
    stream = read_stream(data, network=network)
    structure = len(stream.preamble.structure or b"")
    lines = [f"{path}: {len(data):,} bytes, version 1, {len(stream.tensors)} tensor(s)"]
    if stream.structure is not None:
        lines.append(f"  structure in the stream: {structure} bytes")
    rows = []
    for tensor in stream.tensors:
        header = tensor.header
        bits = 8 * (tensor.header_bytes + tensor.payload_bytes) / max(header.count, 1)
        lines += [
            f"  {header.name or 'map'}: {header.dtype} {'×'.join(map(str, header.shape))}",
            f"    {tensor.coding}: header {tensor.header_bytes} + payload "
            f"{tensor.payload_bytes:,} bytes, {bits:.3f} bits per element",
        ]
        if header.quantizer is not None:
            lines.append(f"    chosen by {header.method}: {describe(header.quantizer)}")
        rows.append(
            {
                **_header_row(header),
                "coding": tensor.coding,
                "header_bytes": tensor.header_bytes,
                "payload_bytes": tensor.payload_bytes,
                "bits_per_element": bits,
            }
        )
    return "\n".join(lines), {
        "bytes": len(data),
        "version": 1,
        "structure_bytes": structure,
        "tensors": rows,
    }


def inspect_array(
    path: Path, bit_depth: int, method: str, network: Network | None, tensor: str
) -> tuple[str, Any]:
    """The text and the data of the quantizer that a map would get."""
    array = read_array(path)
    if isinstance(array, dict):
        raise InputError(f"{path} holds several maps; inspect one .npy file at a time")
    item = FeatureMap(array, name=tensor)
    settings = Settings(
        bit_depth=bit_depth,
        method=method,
        network=network,
        uniform_first=False if method == "uniform_first" else None,
    )
    decision, quantizer = choose_quantizer(item, settings)
    lines = [f"{path}: {array.dtype.name} {'×'.join(map(str, array.shape))}"]
    lines += [f"  {line}" for line in str(decision).splitlines()]
    lines.append(f"  {describe(quantizer)}")
    row = {
        "shape": list(array.shape),
        "dtype": array.dtype.name,
        "method": method,
        "why": decision.why if decision else "",
        "signalled": list(decision.signalled) if decision else [],
        "quantizer": _quantizer_row(quantizer),
    }
    if decision and decision.histogram is not None:
        row["histogram"] = [int(count) for count in decision.histogram.counts]
    return "\n".join(lines), row


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
