"""The types of layers, and the kinds of each type.

Source: the application's paragraphs 0083–0088 and 0196.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class LayerType(IntEnum):
    """What a layer does. The numbers are part of the bitstream: never change them."""

    INPUT = 0
    CONVOLUTION = 1
    OFFSET = 2
    SAMPLING = 3
    BATCH_NORMALISATION = 4
    ACTIVATION = 5
    SUMMATION = 6
    POOLING = 7
    OTHER = 8


# The kinds of each type. Their places are part of the bitstream: add at the end only. The first
# of each type is the plain one.
KINDS: Final[dict[LayerType, tuple[str, ...]]] = {
    LayerType.INPUT: ("input",),
    LayerType.CONVOLUTION: ("convolution", "depthwise", "transposed", "fully_connected"),
    LayerType.OFFSET: ("offset",),
    LayerType.SAMPLING: ("sampling", "resize", "slice", "space_depth"),
    LayerType.BATCH_NORMALISATION: ("batch_normalisation",),
    LayerType.ACTIVATION: (
        "activation",
        "relu",
        "relu6",
        "relu_n1_to_1",
        "relu_0_to_1",
        "leaky_relu",
        "parametric_relu",
        "elu",
        "gelu",
        "sigmoid",
        "hard_swish",
        "tanh",
        "softmax",
    ),
    LayerType.SUMMATION: ("addition", "concatenation"),
    LayerType.POOLING: ("pooling", "max", "average", "median", "dct", "l2"),
    LayerType.OTHER: (
        "other",
        "padding",
        "reshape",
        "transpose",
        "quantize",
        "multiplication",
        "scaling",
        "subtraction",
        "arithmetic",
        "comparison",
        "reduction",
        "normalisation",
        "lookup",
        "recurrent",
        "control_flow",
        "state",
        "custom",
    ),
}
