"""What each operator of ONNX is as a layer."""

from __future__ import annotations

from typing import Final

from fmq_embedded.structure.layer_types import LayerType

# By type and kind, the names of the ai.onnx operators (opset 21).
_OPERATORS: Final[dict[LayerType, dict[str, str]]] = {
    LayerType.CONVOLUTION: {
        "convolution": "Conv ConvInteger QLinearConv DeformConv",
        "transposed": "ConvTranspose",
        "fully_connected": "Gemm MatMul MatMulInteger QLinearMatMul",
    },
    LayerType.SAMPLING: {
        "resize": "Resize Upsample",
        "slice": "Slice Split",
        "space_depth": "SpaceToDepth DepthToSpace",
    },
    LayerType.BATCH_NORMALISATION: {"batch_normalisation": "BatchNormalization"},
    LayerType.ACTIVATION: {
        "activation": "Celu Mish Selu Shrink Softplus Softsign ThresholdedRelu Hardmax Clip Swish",
        "relu": "Relu",
        "leaky_relu": "LeakyRelu",
        "parametric_relu": "PRelu",
        "elu": "Elu",
        "gelu": "Gelu",
        "sigmoid": "Sigmoid HardSigmoid",
        "hard_swish": "HardSwish",
        "tanh": "Tanh",
        "softmax": "Softmax LogSoftmax",
    },
    LayerType.SUMMATION: {"addition": "Add Sum", "concatenation": "Concat"},
    LayerType.POOLING: {
        "pooling": "MaxRoiPool RoiAlign",
        "max": "MaxPool GlobalMaxPool",
        "average": "AveragePool GlobalAveragePool ReduceMean",
        "l2": "LpPool GlobalLpPool",
    },
    LayerType.OTHER: {
        "padding": "Pad",
        "reshape": "Reshape Flatten Squeeze Unsqueeze Expand Tile Shape Size",
        "transpose": "Transpose ReverseSequence",
        "quantize": "QuantizeLinear DequantizeLinear DynamicQuantizeLinear Cast CastLike",
        "multiplication": "Mul",
        "subtraction": "Sub",
        "arithmetic": (
            "Div Floor Ceil Round Exp Log Sin Cos Tan Sqrt Reciprocal Pow Neg Abs Sign Max Min Mod "
            "Erf CumSum Mean Einsum"
        ),
        "comparison": "Less LessOrEqual Greater GreaterOrEqual Equal Where And Or Not Xor",
        "reduction": (
            "ReduceSum ReduceProd ReduceMax ReduceMin ReduceL1 ReduceL2 ReduceLogSum "
            "ReduceLogSumExp ReduceSumSquare ArgMax ArgMin TopK Unique NonMaxSuppression NonZero"
        ),
        "normalisation": (
            "InstanceNormalization LayerNormalization GroupNormalization RMSNormalization LRN "
            "LpNormalization MeanVarianceNormalization"
        ),
        "lookup": "Gather GatherElements GatherND Scatter ScatterElements ScatterND OneHot",
        "recurrent": "LSTM GRU RNN",
        "control_flow": "If Loop Scan",
        "state": "Range RandomNormal RandomUniform RandomNormalLike RandomUniformLike Bernoulli",
    },
}

ONNX_LAYERS: Final[dict[str, tuple[LayerType, str]]] = {
    operator: (layer_type, kind)
    for layer_type, kinds in _OPERATORS.items()
    for kind, operators in kinds.items()
    for operator in operators.split()
}

PASSED_THROUGH: Final = frozenset({"Identity", "Dropout"})
"""Operators that give their first input as it is when a trained network runs."""

DRAWN: Final = frozenset(
    {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli"}
)
"""Operators that give something else each time, so that they are never constants."""
