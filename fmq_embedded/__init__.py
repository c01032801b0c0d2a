"""fmq-embedded: feature maps quantized and coded in integers, the same bits on every machine.

    import fmq_embedded as fmq
    data = fmq.encode(feature_map)
    back = fmq.decode(data)

Names are loaded when they are first used, so that importing the package is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fmq_embedded.codec import DecodedStream, decode, encode, read_stream
    from fmq_embedded.errors import (
        BitstreamError,
        FmqError,
        InputError,
        LinkError,
        MismatchError,
        MissingToolError,
    )
    from fmq_embedded.feature_map import FeatureMap
    from fmq_embedded.quantizers import Quantizer, reference
    from fmq_embedded.settings import Settings
    from fmq_embedded.structure import Network, NetworkGraph, read_tflite

__version__ = "0.1.0"

_HOMES = {
    "DecodedStream": "codec",
    "decode": "codec",
    "encode": "codec",
    "read_stream": "codec",
    "BitstreamError": "errors",
    "FmqError": "errors",
    "InputError": "errors",
    "LinkError": "errors",
    "MismatchError": "errors",
    "MissingToolError": "errors",
    "FeatureMap": "feature_map",
    "Quantizer": "quantizers",
    "reference": "quantizers",
    "Settings": "settings",
    "Network": "structure",
    "NetworkGraph": "structure",
    "read_tflite": "structure",
}

__all__ = [
    "BitstreamError",
    "DecodedStream",
    "FeatureMap",
    "FmqError",
    "InputError",
    "LinkError",
    "MismatchError",
    "MissingToolError",
    "Network",
    "NetworkGraph",
    "Quantizer",
    "Settings",
    "decode",
    "encode",
    "read_stream",
    "read_tflite",
    "reference",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
