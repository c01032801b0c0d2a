"""What each builtin operator of TFLite is as a layer."""

from __future__ import annotations

from typing import Final

from fmq_embedded.structure.layer_types import LayerType

# By type and kind, the names in schema.fbs (enum BuiltinOperator).
_OPERATORS: Final[dict[LayerType, dict[str, str]]] = {
    LayerType.CONVOLUTION: {
        "convolution": "CONV_2D CONV_3D STABLEHLO_CONVOLUTION",
        "depthwise": "DEPTHWISE_CONV_2D",
        "transposed": "TRANSPOSE_CONV CONV_3D_TRANSPOSE",
        "fully_connected": "FULLY_CONNECTED BATCH_MATMUL STABLEHLO_DOT_GENERAL",
    },
    LayerType.SAMPLING: {
        "resize": "RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR",
        "slice": "SLICE STRIDED_SLICE SPLIT SPLIT_V STABLEHLO_SLICE STABLEHLO_DYNAMIC_SLICE",
        "space_depth": "SPACE_TO_DEPTH DEPTH_TO_SPACE SPACE_TO_BATCH_ND BATCH_TO_SPACE_ND",
        "sampling": "DILATE",
    },
    LayerType.ACTIVATION: {
        "relu": "RELU",
        "relu6": "RELU6",
        "relu_n1_to_1": "RELU_N1_TO_1",
        "relu_0_to_1": "RELU_0_TO_1",
        "leaky_relu": "LEAKY_RELU",
        "parametric_relu": "PRELU",
        "elu": "ELU",
        "gelu": "GELU",
        "sigmoid": "LOGISTIC STABLEHLO_LOGISTIC",
        "hard_swish": "HARD_SWISH",
        "tanh": "TANH STABLEHLO_TANH",
        "softmax": "SOFTMAX LOG_SOFTMAX",
    },
    LayerType.SUMMATION: {
        "addition": "ADD ADD_N STABLEHLO_ADD",
        "concatenation": "CONCATENATION PACK STABLEHLO_CONCATENATE",
    },
    LayerType.POOLING: {
        "max": "MAX_POOL_2D",
        "average": "AVERAGE_POOL_2D MEAN",
        "l2": "L2_POOL_2D",
        "pooling": "REDUCE_WINDOW STABLEHLO_REDUCE_WINDOW",
    },
    LayerType.OTHER: {
        "padding": "PAD PADV2 MIRROR_PAD STABLEHLO_PAD",
        "reshape": (
            "RESHAPE SQUEEZE EXPAND_DIMS UNPACK BROADCAST_TO TILE SHAPE RANK BROADCAST_ARGS "
            "STABLEHLO_RESHAPE STABLEHLO_BROADCAST_IN_DIM"
        ),
        "transpose": "TRANSPOSE REVERSE_V2 REVERSE_SEQUENCE STABLEHLO_TRANSPOSE",
        "quantize": (
            "QUANTIZE DEQUANTIZE FAKE_QUANT CAST BITCAST BUCKETIZE DENSIFY SPARSE_TO_DENSE "
            "STABLEHLO_CONVERT"
        ),
        "multiplication": "MUL STABLEHLO_MULTIPLY",
        "subtraction": "SUB STABLEHLO_SUBTRACT",
        "arithmetic": (
            "DIV FLOOR FLOOR_DIV FLOOR_MOD CEIL ROUND EXP LOG SIN COS SQRT RSQRT SQUARE POW NEG "
            "ABS SIGN MAXIMUM MINIMUM SQUARED_DIFFERENCE ATAN2 IMAG REAL COMPLEX_ABS RFFT2D "
            "BITWISE_XOR RIGHT_SHIFT CUMSUM STABLEHLO_DIVIDE STABLEHLO_MAXIMUM "
            "STABLEHLO_MINIMUM STABLEHLO_ABS STABLEHLO_COSINE STABLEHLO_EXPONENTIAL "
            "STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_NEGATE STABLEHLO_POWER STABLEHLO_REMAINDER "
            "STABLEHLO_RSQRT STABLEHLO_CBRT STABLEHLO_CLAMP STABLEHLO_SHIFT_LEFT"
        ),
        "comparison": (
            "LESS LESS_EQUAL GREATER GREATER_EQUAL EQUAL NOT_EQUAL SELECT SELECT_V2 LOGICAL_AND "
            "LOGICAL_OR LOGICAL_NOT WHERE STABLEHLO_COMPARE STABLEHLO_SELECT STABLEHLO_AND "
            "STABLEHLO_OR"
        ),
        "reduction": (
            "SUM REDUCE_PROD REDUCE_MAX REDUCE_MIN REDUCE_ANY REDUCE_ALL ARG_MAX ARG_MIN TOPK_V2 "
            "UNIQUE SEGMENT_SUM UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM "
            "UNSORTED_SEGMENT_MIN NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 "
            "STABLEHLO_REDUCE STABLEHLO_SORT"
        ),
        "normalisation": "L2_NORMALIZATION LOCAL_RESPONSE_NORMALIZATION",
        "lookup": (
            "GATHER GATHER_ND SCATTER_ND EMBEDDING_LOOKUP EMBEDDING_LOOKUP_SPARSE "
            "CONCAT_EMBEDDINGS HASHTABLE_LOOKUP HASHTABLE_FIND LSH_PROJECTION SKIP_GRAM ONE_HOT "
            "DYNAMIC_UPDATE_SLICE MATRIX_DIAG MATRIX_SET_DIAG STABLEHLO_GATHER STABLEHLO_SCATTER "
            "STABLEHLO_DYNAMIC_UPDATE_SLICE"
        ),
        "recurrent": (
            "LSTM RNN SVDF UNIDIRECTIONAL_SEQUENCE_LSTM UNIDIRECTIONAL_SEQUENCE_RNN "
            "BIDIRECTIONAL_SEQUENCE_LSTM BIDIRECTIONAL_SEQUENCE_RNN"
        ),
        "control_flow": (
            "IF WHILE CALL CALL_ONCE STABLEHLO_WHILE STABLEHLO_CASE STABLEHLO_COMPOSITE"
        ),
        "state": (
            "VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE HASHTABLE HASHTABLE_IMPORT HASHTABLE_SIZE "
            "RANDOM_STANDARD_NORMAL RANDOM_UNIFORM MULTINOMIAL STABLEHLO_RNG_BIT_GENERATOR FILL "
            "RANGE ZEROS_LIKE STABLEHLO_IOTA"
        ),
        "custom": "CUSTOM STABLEHLO_CUSTOM_CALL DELEGATE PLACEHOLDER_FOR_GREATER_OP_CODES",
    },
}

OPERATOR_LAYERS: Final[dict[str, tuple[LayerType, str]]] = {
    operator: (layer_type, kind)
    for layer_type, kinds in _OPERATORS.items()
    for kind, operators in kinds.items()
    for operator in operators.split()
}

# ActivationFunctionType: the activation that an operator does after its own work.
FUSED_ACTIVATIONS: Final[dict[int, str]] = {
    1: "relu",
    2: "relu_n1_to_1",
    3: "relu6",
    4: "tanh",
    5: "activation",
}


def operator_layer(name: str) -> tuple[LayerType, str]:
    """The layer type and kind of an operator; OTHER for one that the table does not have."""
    return OPERATOR_LAYERS.get(name, (LayerType.OTHER, "other"))
