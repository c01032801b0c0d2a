"""Separable integer transforms of tiles: DCT-II and DST-VII of every size up to 32."""

from fmq_embedded.transform.matrices import (
    COSINE,
    LARGEST_SIZE,
    SINE,
    matrix,
    matrix_table,
)

__all__ = ["COSINE", "LARGEST_SIZE", "SINE", "matrix", "matrix_table"]
