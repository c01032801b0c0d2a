"""Files of feature maps and bitstreams."""

from __future__ import annotations

import io
import sys
import warnings
from pathlib import Path
from typing import Any

from invoke.context import Context

from firmware_tools.tasks.console import emit, fmq_task
from fmq_embedded.errors import InputError, TargetWarning
from fmq_embedded.files import read_array, read_bytes, write_atomically


@fmq_task(
    positional=["source", "target"],
    help={
        "source": "an .npy file with one feature map, or an .npz file with several",
        "target": "the bitstream to write",
        "bit-depth": "bits of a level, 1 to 16",
        "method": "histogram, next_layer, previous_layer or uniform_first",
        "model": "the .tflite model that the maps come from, for the methods by structure",
        "tensor": "for an .npy file with a model: the map's name in it",
        "uniform": "with uniform_first: quantize uniformly",
        "span": "fitted or literal",
        "rounding": "floor or centre",
        "scale": "of integer samples: the real value of one code",
        "zero-point": "of integer samples: the code of 0",
        "saturate": "accept infinities as the end levels",
        "nan-level": "with --saturate: the level of NaN",
        "partition": "none, channel, region, block or auto",
        "classes": "how many classes, 1 to 256; as many as pay if left out",
        "function": "classification, detection, segmentation or tracking, for --partition auto",
        "profile": "fast, standard or dense: few instructions, or few bits",
        "target-bytes": "what the stream may take, at most",
        "target-bits": "the same in bits",
        "target-sqnr": "the signal-to-noise ratio that each map reaches, in dB",
        "lossless": "with --profile dense: integer maps come back exactly",
        "rate-distortion": "with --profile dense: auto, plain, rdo or trellis",
    },
)
def encode(
    context: Context,
    source: str,
    target: str,
    bit_depth: int = 8,
    method: str = "histogram",
    model: str = "",
    tensor: str = "",
    uniform: bool = False,
    span: str = "fitted",
    rounding: str = "floor",
    scale: float = 1.0,
    zero_point: int = 0,
    saturate: bool = False,
    nan_level: int = -1,
    partition: str = "none",
    classes: int = 0,
    function: str = "",
    profile: str = "standard",
    target_bytes: int = 0,
    target_bits: int = 0,
    target_sqnr: float = 0.0,
    lossless: bool = False,
    rate_distortion: str = "auto",
    json: str | None = None,
) -> None:
    """Code a feature map (.npy), or several (.npz), into a bitstream."""
    from fmq_embedded.codec import encode as encode_maps
    from fmq_embedded.codec import read_stream
    from fmq_embedded.feature_map import FeatureMap
    from fmq_embedded.model_store import find_model
    from fmq_embedded.settings import PARTITIONS, PROFILES, RATE_DISTORTIONS, Settings
    from fmq_embedded.structure import read_tflite

    if uniform and method != "uniform_first":
        raise InputError("--uniform belongs to --method uniform_first; give that too")
    settings = Settings(
        bit_depth=bit_depth,
        method=method,
        span=_one_of("span", span, ("fitted", "literal")),
        rounding=_one_of("rounding", rounding, ("floor", "centre")),
        uniform_first=uniform if method == "uniform_first" else None,
        network=read_tflite(find_model(model)) if model else None,
        nonfinite="saturate" if saturate else "error",
        nan_level=nan_level if nan_level >= 0 else None,
        partition=_one_of("partition", partition, PARTITIONS),
        classes=classes or None,
        function=function or None,
        profile=_one_of("profile", profile, PROFILES),
        target_bytes=target_bytes or None,
        target_bits=target_bits or None,
        target_sqnr=target_sqnr or None,
        lossless=lossless,
        rate_distortion=_one_of("rate-distortion", rate_distortion, RATE_DISTORTIONS),
    )
    maps: Any = read_array(Path(source))
    if isinstance(maps, dict):
        maps = {name: FeatureMap(a, scale, zero_point, name) for name, a in maps.items()}
        raw = sum(item.samples.nbytes for item in maps.values())
    else:
        if method != "histogram" and not tensor:
            raise InputError(
                f"--method {method} looks for the map's layer in the model; name it with --tensor"
            )
        maps = FeatureMap(maps, scale, zero_point, tensor)
        raw = maps.samples.nbytes
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", TargetWarning)
        data = encode_maps(maps, settings)
    for warning in said:
        print(f"warning: {warning.message}", file=sys.stderr)
    write_atomically(Path(target), data)
    count = sum(item.header.count for item in read_stream(data).tensors)
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
    from fmq_embedded.model_store import find_model
    from fmq_embedded.structure import read_tflite

    maps: Any = decode_maps(
        read_bytes(Path(source)), network=read_tflite(find_model(model)) if model else None
    )
    out = io.BytesIO()
    if isinstance(maps, dict):
        if not target.endswith(".npz"):
            names = ", ".join(maps)
            raise InputError(f"{source} holds maps by name ({names}); give an .npz file for them")
        np.savez(out, **maps)
    else:
        if target.endswith(".npz"):
            raise InputError(f"{source} holds one map without a name; give an .npy file for it")
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
        "partition": "for an .npy file: none, channel, region, block or auto",
        "plot": "a .png file to draw the classes into: the channels' classes, the class map or "
        "the coding tree, over the map",
    },
)
def inspect(
    context: Context,
    source: str,
    bit_depth: int = 8,
    method: str = "histogram",
    model: str = "",
    tensor: str = "",
    partition: str = "none",
    plot: str = "",
    json: str | None = None,
) -> None:
    """Show what a bitstream holds, or which quantizer a feature map would get, and why."""
    from firmware_tools.tasks.inspecting import inspect_array, inspect_stream, write_plot
    from fmq_embedded.model_store import find_model
    from fmq_embedded.structure import read_tflite

    network = read_tflite(find_model(model)) if model else None
    path = Path(source)
    if path.suffix in (".npy", ".npz"):
        text, data, drawings = inspect_array(path, bit_depth, method, network, tensor, partition)
    else:
        text, data, drawings = inspect_stream(path, network)
    if plot:
        write_plot(Path(plot), drawings)
        text += f"\n{plot}: the classes, drawn"
    emit(text, data, json)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> Any:
    if value not in allowed:
        raise InputError(f"--{name} is {' or '.join(allowed)}; got {value!r}")
    return value


TASKS = (encode, decode, inspect)
