"""The dense coder: transforms, mixed contexts and rate–distortion decisions, in integers."""

from fmq_embedded.dense.encoder import (
    DenseMap,
    DenseResult,
    encode_exactly,
    encode_map,
    prepare,
    searches,
    with_tuning,
)
from fmq_embedded.dense.levels import decode_dense, encode_dense
from fmq_embedded.dense.numbers import real_values
from fmq_embedded.dense.prior import Prior, default_prior
from fmq_embedded.dense.targets import within_sqnr
from fmq_embedded.dense.tensor import DenseTensor, read_dense

__all__ = [
    "DenseMap",
    "DenseResult",
    "DenseTensor",
    "Prior",
    "decode_dense",
    "default_prior",
    "encode_dense",
    "encode_exactly",
    "encode_map",
    "prepare",
    "read_dense",
    "real_values",
    "searches",
    "with_tuning",
    "within_sqnr",
]
