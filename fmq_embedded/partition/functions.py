"""What a network is for, and which kinds of classes suit that (Fig. 28 and 30; [0222], [0223])."""

from __future__ import annotations

from fmq_embedded.partition.class_map import Kind
from fmq_embedded.structure import LayerType, Network, NetworkGraph

FUNCTION_KINDS: dict[str, tuple[Kind, ...]] = {
    "classification": ("channel",),
    "detection": ("channel", "region", "block"),
    "segmentation": ("region", "block", "channel"),
    "tracking": ("channel", "region", "block"),
}
"""The kinds that are tried, by function. Where an object is matters to all but classification."""

_PASSED = ("softmax", "sigmoid", "quantize", "reshape")
_UPSAMPLING = ("transposed", "resize")


def network_function(network: Network | NetworkGraph) -> str | None:
    """The function of a network, as far as its outputs tell; None where they do not.

    Behind activations, reshaping and quantizing at the end: one output of a fully connected layer,
    or of a pooling layer, is a classification's; one that is resized or convolved upwards is a
    segmentation's; several, or one joined from several branches, are a detection's. Tracking is
    not to be told from detection: name it.
    """
    whole = network.joined() if isinstance(network, NetworkGraph) else network
    if len(whole.outputs) > 1:
        return "detection"
    index = whole.outputs[0]
    while whole.layers[index].kind in _PASSED and whole.layers[index].inputs:
        index = whole.layers[index].inputs[0]
    layer = whole.layers[index]
    if layer.kind == "fully_connected" or layer.type is LayerType.POOLING:
        return "classification"
    if layer.kind in _UPSAMPLING:
        return "segmentation"
    return "detection" if layer.kind == "concatenation" else None
