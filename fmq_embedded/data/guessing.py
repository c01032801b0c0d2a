"""What a network wants as its input: from its metadata, by its hash, else from its shape."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from fmq_embedded.data.input_description import InputDescription, PictureInput, SoundInput
from fmq_embedded.data.model_metadata import InputMetadata, input_metadata
from fmq_embedded.model_table import MODELS
from fmq_embedded.runtimes.ports import Port, described_ports

_CHANNELS: Final = (1, 3)
_LEAST_PICTURE_SIDE: Final = 8
_LEAST_WAVE: Final = 256
_SAMPLE_RATE: Final = 16_000

_SYMMETRIC: Final = PictureInput((-1.0,), (1.0,))
_CODES: Final = SoundInput((-128.0,), (127.0,), "mel", band_limits=(125.0, 7500.0))

# What the makers of these say in words or code outside of the file.
_KNOWN: Final[dict[str, InputDescription]] = {
    "blazeface_short_range": _SYMMETRIC,
    "blazeface_full_range": _SYMMETRIC,
    "resnet8": PictureInput((-1.0,), (0.9921875,), "stretch"),
    "visual_wake_words": PictureInput((0.0,), (255.0,), "stretch"),
    "keyword_spotting_alexa": _CODES,
    "keyword_spotting_alexa_float": _CODES,
    "keyword_spotting_on_off_v3": _CODES,
    "keyword_spotting_on_off_v3_float": _CODES,
    "ssd_mobilenet_v2": replace(_SYMMETRIC, fit="stretch"),
}


def guess_input(model: Any, sha256: str) -> InputDescription | None:
    """How a model wants its input, and where that was learnt from.

    Args:
        model: from `read_model`.
        sha256: of its file.

    Returns:
        None for several inputs, and for one that is like neither a picture nor a sound: data for
        those are arrays, prepared.
    """
    ports = described_ports(model, "inputs")
    if len(ports) != 1:
        return None
    for name, known in _KNOWN.items():
        if MODELS[name].sha256 == sha256:
            return replace(known, source=f"known of the model {name}")
    found = input_metadata(model)
    by_shape = _by_shape(ports[0])
    if found is None:
        return by_shape
    return _by_metadata(found, ports[0], by_shape)


def _by_metadata(
    found: InputMetadata, port: Port, by_shape: InputDescription | None
) -> InputDescription | None:
    source = "the model's metadata"
    if found.is_sound:
        rate = found.sample_rate or _SAMPLE_RATE
        ends = _normalised(found, -1.0, 1.0)
        return SoundInput(*ends, "wave", rate, band_limits=(20.0, rate / 2), source=source)
    if not found.is_picture and not (found.mean and isinstance(by_shape, PictureInput)):
        return by_shape
    layout = by_shape.layout if isinstance(by_shape, PictureInput) else "channels last"
    colour = "grey" if found.is_grey else _colour(port, layout)
    ends = _normalised(found, 0.0, 255.0) if found.mean else _range(port)
    return PictureInput(*ends, "stretch", layout, colour, source)


def _normalised(
    found: InputMetadata, low: float, high: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    pairs = list(zip(found.mean, found.deviation, strict=True)) or [(0.0, 1.0)]
    ends = [
        tuple(float((end - mean) / deviation) for mean, deviation in pairs) for end in (low, high)
    ]
    return ends[0], ends[1]


def _by_shape(port: Port) -> InputDescription | None:
    ends, source, shape = _range(port), "guessed from the input's shape and type", port.shape
    if len(shape) == 4:
        for layout, channels, sides in (
            ("channels last", shape[3], shape[1:3]),
            ("channels first", shape[1], shape[2:4]),
        ):
            if channels in _CHANNELS and min(sides) >= _LEAST_PICTURE_SIDE:
                colour = _colour(port, layout)
                return PictureInput(*ends, layout=layout, colour=colour, source=source)
    axes = [side for side in shape if side > 1]
    if len(axes) == 1 and axes[0] >= _LEAST_WAVE:
        return SoundInput(*ends, "wave", source=source)
    if len(axes) == 2 and len(shape) > 2:
        return SoundInput(*ends, "mel", source=source)
    return None


def _colour(port: Port, layout: str) -> str:
    channels = port.shape[-1] if layout == "channels last" else port.shape[1]
    return "grey" if channels == 1 else "rgb"


def _range(port: Port) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Of integers all that their type holds; of floats what most networks are trained with."""
    if port.dtype.kind not in "iu":
        return (-1.0,), (1.0,)
    limits: Any = np.iinfo(port.dtype)
    low, high = ((int(end) - port.zero_point) * port.scale for end in (limits.min, limits.max))
    return (low,), (high,)
