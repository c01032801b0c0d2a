"""The lowering for TFLite Micro."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from fmq_embedded.deploy.graph_editor import GraphEditor
from fmq_embedded.deploy.lowering import LevelCode, as_codes, table_index
from fmq_embedded.deploy.lowering_float import estimate_levels, search_levels
from fmq_embedded.deploy.lowering_tflite import found_estimates, thresholds_are_smaller
from fmq_embedded.deploy.map_tables import MapTables
from fmq_embedded.errors import InputError
from fmq_embedded.tflite_file import operator_name, schema, tensor_name

# Source: the AddX calls of tensorflow/lite/micro/micro_mutable_op_resolver.h.
_OPERATOR_NAMES: Final = """
ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND
BROADCAST_ARGS BROADCAST_TO CALL_ONCE CAST CEIL CONCATENATION CONV_2D COS CUMSUM CUSTOM
DEPTH_TO_SPACE DEPTHWISE_CONV_2D DEQUANTIZE DIV DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP EQUAL
EXP EXPAND_DIMS FILL FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER GATHER_ND GREATER
GREATER_EQUAL HARD_SWISH IF L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOG
LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM
MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PADV2 PRELU QUANTIZE READ_VARIABLE REDUCE_ALL REDUCE_MAX
REDUCE_MIN RELU RELU6 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT
SELECT_V2 SHAPE SIN SLICE SOFTMAX SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE
SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM SVDF TANH TRANSPOSE TRANSPOSE_CONV
UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK VAR_HANDLE WHILE ZEROS_LIKE
"""
OPERATORS: Final = frozenset(_OPERATOR_NAMES.split())

_REFUSED_TYPES: Final = {
    "UINT8": "TFLite Micro's operators take int8; convert the model to int8",
    "UINT16": "TFLite Micro has no uint16; convert the model to int8",
    "FLOAT16": "TFLite Micro unpacks no float16 weights; convert the model with float32 weights, "
    "or to int8",
    "BFLOAT16": "TFLite Micro has no bfloat16; convert the model with float32 weights, or to int8",
    "FLOAT64": "TFLite Micro has no float64; convert the model to float32 or int8",
}


class MicroLowering:
    """int8 maps: CAST, ADD, GATHER. float32 and int16: the estimate, or a binary search.

    TFLite Micro gathers from int8 and float32 tables with int32 indices, and has no uint8.
    Levels of more than 8 bits and int16 samples pass through float32, which holds them exactly.
    """

    name = "micro"

    def level_code(self, tables: MapTables) -> LevelCode:
        """int8 up to 8 bits, else int16; from the lowest code where it takes all codes."""
        dtype, bits = ("int8", 8) if tables.bit_depth <= 8 else ("int16", 16)
        return LevelCode(dtype, -(1 << (bits - 1)) if tables.bit_depth == bits else 0)

    def quantize(self, editor: GraphEditor, source: int, tables: MapTables, name: str) -> int:
        """See `Lowering`."""
        if tables.samples.dtype == "uint8":
            raise InputError(f"tensor {tables.name!r} is uint8; {_REFUSED_TYPES['UINT8']}")
        code = self.level_code(tables)
        meaning: dict[str, Any] = {"name": name, "scale": 1.0, "zero_point": code.zero_point}
        if tables.samples.is_integer and not thresholds_are_smaller(tables, code):
            lowest, size = tables.samples.lowest_code, tables.level_tables.shape[1]
            index = table_index(editor, source, tables, lowest, size)
            levels = tables.level_tables.ravel()
            if code.dtype == "int8":
                return editor.gather(as_codes(levels, code), index, **meaning)
            codes = editor.gather(as_codes(levels, code, "float32"), index)
            return editor.cast(codes, code.dtype, **meaning)
        floats = editor.cast(source, "float32") if tables.samples.is_integer else source
        estimates = found_estimates(tables)
        if estimates is not None:
            found = estimate_levels(editor, floats, tables, estimates, code.zero_point)
        else:
            found = search_levels(editor, floats, tables, code.zero_point)
        return editor.cast(found, code.dtype, **meaning)

    def dequantize(self, editor: GraphEditor, source: int, tables: MapTables, target: int) -> None:
        """See `Lowering`."""
        code = self.level_code(tables)
        values = tables.value_tables
        index = table_index(editor, source, tables, code.zero_point, values.shape[1])
        if values.dtype.name in ("int8", "float32"):
            table = editor.constant(values.ravel())
            editor.operator("GATHER", [table, index], target, axis=0)
            return
        codes = editor.gather(values.ravel().astype(np.float32), index)
        editor.operator("CAST", [codes], target)

    def check_model(self, model: Any) -> None:
        """See `Lowering`."""
        types = {number: name for name, number in vars(schema().TensorType).items()}
        for graph in model.subgraphs:
            for operator in graph.operators:
                name = operator_name(model, operator)
                if name not in OPERATORS:
                    raise InputError(
                        f"TFLite Micro has no {name}, which the head needs; cut before it, or use "
                        "--lowering tflite"
                    )
            for tensor in graph.tensors:
                reason = _REFUSED_TYPES.get(str(types.get(tensor.type)))
                if reason:
                    kind = str(types[tensor.type]).lower()
                    raise InputError(f"tensor {tensor_name(tensor)!r} is {kind}; {reason}")
