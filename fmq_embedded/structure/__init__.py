"""The structure of neural networks: graphs, what they tell of a feature map, and their symbols."""

from __future__ import annotations

from pathlib import Path

from fmq_embedded.structure.features import StructureFeatures, features, joint_features
from fmq_embedded.structure.layer_types import LayerType
from fmq_embedded.structure.network import BatchNormalisation, Joint, Layer, Network, NetworkGraph
from fmq_embedded.structure.symbols import from_symbols, to_symbols

__all__ = [
    "BatchNormalisation",
    "Joint",
    "Layer",
    "LayerType",
    "Network",
    "NetworkGraph",
    "StructureFeatures",
    "features",
    "from_symbols",
    "joint_features",
    "read_onnx",
    "read_tflite",
    "to_symbols",
]


def read_tflite(source: str | Path | bytes) -> Network:
    """Read the structure of a .tflite model; see `fmq_embedded.structure.tflite`."""
    # Imported here: the schema's module is large, and few callers read models.
    from fmq_embedded.structure.tflite import read_tflite as read

    return read(source)


def read_onnx(source: str | Path | bytes) -> Network:
    """Read the structure of an ONNX model; see `fmq_embedded.structure.onnx`."""
    from fmq_embedded.structure.onnx import read_onnx as read

    return read(source)
