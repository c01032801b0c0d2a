"""Separable integer transforms of tiles: DCT-II of every size up to 64, DST-VII up to 32."""

from fmq_embedded.transform.matrices import (
    COSINE,
    FRACTION_BITS,
    LARGEST_SIZE,
    SINE,
    matrix,
    matrix_table,
)

__all__ = ["COSINE", "FRACTION_BITS", "LARGEST_SIZE", "SINE", "matrix", "matrix_table"]
