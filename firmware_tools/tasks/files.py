"""Files of feature maps and bitstreams."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from invoke.context import Context

from firmware_tools.tasks.console import emit, fmq_task
from fmq_embedded.errors import InputError
from fmq_embedded.files import read_array, read_bytes, write_atomically


@fmq_task(
    positional=["source", "target"],
    help={
        "source": "an .npy file with one feature map, or an .npz file with several",
        "target": "the bitstream to write",
        "bit-depth": "bits of a level, 1 to 16",
        "method": "histogram, next_layer, previous_layer or uniform_first",
        "model": "the .tflite model that the maps come from, for the methods by structure",
        "uniform": "with uniform_first: quantize uniformly",
        "span": "fitted or literal",
        "rounding": "floor or centre",
        "scale": "of integer samples: the real value of one code",
        "zero-point": "of integer samples: the code of 0",
        "saturate": "accept infinities as the end levels",
        "nan-level": "with --saturate: the level of NaN",
    },
)
def encode(
    context: Context,
    source: str,
    target: str,
    bit_depth: int = 8,
    method: str = "histogram",
    model: str = "",
    uniform: bool = False,
    span: str = "fitted",
    rounding: str = "floor",
    scale: float = 1.0,
    zero_point: int = 0,
    saturate: bool = False,
    nan_level: int = -1,
    json: str | None = None,
) -> None:
    """Code a feature map (.npy), or several (.npz), into a bitstream."""
    from fmq_embedded.codec import encode as encode_maps
    from fmq_embedded.codec import read_stream
    from fmq_embedded.feature_map import FeatureMap
    from fmq_embedded.settings import Settings
    from fmq_embedded.structure import read_tflite

    settings = Settings(
        bit_depth=bit_depth,
        method=method,
        span=_one_of("span", span, ("fitted", "literal")),
        rounding=_one_of("rounding", rounding, ("floor", "centre")),
        uniform_first=uniform if method == "uniform_first" else None,
        network=read_tflite(model) if model else None,
        nonfinite="saturate" if saturate else "error",
        nan_level=nan_level if nan_level >= 0 else None,
    )
    maps: Any = read_array(Path(source))
    if isinstance(maps, dict):
        maps = {name: FeatureMap(a, scale, zero_point, name) for name, a in maps.items()}
        raw = sum(item.samples.nbytes for item in maps.values())
    else:
        maps = FeatureMap(maps, scale, zero_point)
        raw = maps.samples.nbytes
    data = encode_maps(maps, settings)
    write_atomically(Path(target), data)
    count = sum(tensor.header.count for tensor in read_stream(data).tensors)
    bits = 8 * len(data) / max(count, 1)
    emit(
        f"{target}: {len(data):,} bytes for {raw:,} raw, {bits:.3f} bits per element",
        {
            "target": target,
            "raw_bytes": raw,
            "coded_bytes": len(data),
            "elements": count,
            "bits_per_element": bits,
        },
        json,
    )


@fmq_task(
    positional=["source", "target"],
    help={
        "source": "a bitstream",
        "target": "the .npy file to write, .npz where the stream has names",
        "model": "the model whose structure both ends agreed on",
    },
)
def decode(
    context: Context, source: str, target: str, model: str = "", json: str | None = None
) -> None:
    """Decode a bitstream into an .npy file, or .npz where it holds several maps."""
    import numpy as np

    from fmq_embedded.codec import decode as decode_maps
    from fmq_embedded.structure import read_tflite

    maps = decode_maps(read_bytes(Path(source)), network=read_tflite(model) if model else None)
    out = io.BytesIO()
    if isinstance(maps, dict):
        if not target.endswith(".npz"):
            raise InputError(f"{source} holds {len(maps)} maps; give an .npz file, not {target}")
        np.savez(out, **maps)  # type: ignore[arg-type]
    else:
        np.save(out, maps)
        maps = {"": maps}
    write_atomically(Path(target), out.getvalue())
    rows = [
        {"name": name, "shape": list(array.shape), "dtype": array.dtype.name}
        for name, array in maps.items()
    ]
    text = "\n".join(
        f"{target}: {row['name'] or 'map'} {row['dtype']} {'×'.join(map(str, row['shape']))}"
        for row in rows
    )
    emit(text, rows, json)


@fmq_task(
    positional=["source"],
    help={
        "source": "a bitstream, or an .npy file",
        "bit-depth": "for an .npy file: bits of a level",
        "method": "for an .npy file: how the quantizer is chosen",
        "model": "for an .npy file: the model it comes from; for a stream: the one agreed on",
        "tensor": "for an .npy file with a model: the map's name in it",
    },
)
def inspect(
    context: Context,
    source: str,
    bit_depth: int = 8,
    method: str = "histogram",
    model: str = "",
    tensor: str = "",
    json: str | None = None,
) -> None:
    """Show what a bitstream holds, or which quantizer a feature map would get, and why."""
    from firmware_tools.tasks.inspecting import inspect_array, inspect_stream
    from fmq_embedded.structure import read_tflite

    network = read_tflite(model) if model else None
    path = Path(source)
    if path.suffix == ".npy":
        text, data = inspect_array(path, bit_depth, method, network, tensor)
    else:
        text, data = inspect_stream(path, network)
    emit(text, data, json)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> Any:
    if value not in allowed:
        raise InputError(f"--{name} is {' or '.join(allowed)}; got {value!r}")
    return value


TASKS = (encode, decode, inspect)
