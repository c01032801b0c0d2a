"""Integer transforms: the matrices are those of the standards, the inverse gives samples back."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from fmq_embedded.errors import InputError
from fmq_embedded.transform import COSINE, LARGEST_SIZE, SINE, matrix, matrix_table
from fmq_embedded.transform.kernels import forward, inverse
from fmq_embedded.transform.matrices import LARGEST_SIZES


def exact_entry(kind: int, size: int, k: int, n: int) -> float:
    if kind == COSINE:
        scale = math.sqrt((1 if k == 0 else 2) / size)
        return 8192 * scale * math.cos(math.pi * (2 * n + 1) * k / (2 * size))
    if size == 1:
        return 8192.0
    scale = 2 / math.sqrt(2 * size + 1)
    return 8192 * scale * math.sin(math.pi * (2 * k + 1) * (n + 1) / (2 * size + 1))


@pytest.mark.parametrize("kind", [COSINE, SINE])
def test_matrices_are_the_nearest_integers_with_a_margin(kind: int) -> None:
    """No entry lies so near a tie that another machine's cosine could round it elsewhere."""
    for size in range(1, LARGEST_SIZES[kind] + 1):
        for k in range(size):
            for n in range(size):
                exact = exact_entry(kind, size, k, n)
                assert matrix(kind, size)[k, n] == math.floor(exact + 0.5)
                assert abs(exact - math.floor(exact) - 0.5) > 1e-6


@pytest.mark.parametrize("kind", [COSINE, SINE])
def test_matrices_are_orthonormal_to_their_precision(kind: int) -> None:
    for size in range(1, LARGEST_SIZES[kind] + 1):
        entries = matrix(kind, size).astype(float) / 8192
        assert np.abs(entries @ entries.T - np.eye(size)).max() < 1e-3


@pytest.mark.parametrize("arguments", [(2, 4), (COSINE, 0), (SINE, 33)])
def test_other_transforms_are_refused(arguments: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="kind 0"):
        matrix(*arguments)


def transformed(samples: np.ndarray, kind: int = COSINE) -> np.ndarray:
    height, width = samples.shape
    result = np.zeros_like(samples)
    scratch = np.zeros((3, LARGEST_SIZE, LARGEST_SIZE), np.int32)
    forward(samples, 0, 0, height, width, matrix_table(kind), scratch, result)
    return result


def restored(coefficients: np.ndarray, kind: int = COSINE) -> np.ndarray:
    height, width = coefficients.shape
    result = np.zeros_like(coefficients)
    scratch = np.zeros((3, LARGEST_SIZE, LARGEST_SIZE), np.int32)
    inverse(coefficients, 0, 0, height, width, matrix_table(kind), scratch, result)
    return result


@pytest.mark.parametrize("kind", [COSINE, SINE])
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 9), (4, 4), (5, 7), (19, 19), (8, 32), (32, 32), (16, 64), (64, 64)]
)
def test_the_forward_transform_is_the_exact_product_within_two(
    kind: int, shape: tuple[int, int]
) -> None:
    samples = np.random.default_rng(1).integers(-4095, 4096, shape).astype(np.int32)
    rows, columns = (matrix_table(kind)[0, size, :size, :size].astype(object) for size in shape)
    product = rows.dot(samples.astype(object)).dot(columns.T)
    got = transformed(samples, kind)
    errors = [
        abs(Fraction(int(exact), 2**26) - int(value))
        for exact, value in zip(product.reshape(-1), got.reshape(-1), strict=True)
    ]
    assert max(errors) < 2


@pytest.mark.parametrize("kind", [COSINE, SINE])
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (19, 4), (32, 32)])
def test_the_inverse_gives_samples_back(kind: int, shape: tuple[int, int]) -> None:
    samples = np.random.default_rng(2).integers(-4095, 4096, shape).astype(np.int32)
    back = restored(4 * transformed(samples, kind), kind)
    assert np.abs(back / 4 - samples).max() <= 5


def test_the_largest_samples_stay_within_32_bits() -> None:
    """The bound in the kernels' text: the extreme coefficient is computed, not wrapped."""
    samples = np.full((32, 32), 4095, np.int32)
    assert transformed(samples)[0, 0] == pytest.approx(32 * 4095, abs=32)
    for k, n in ((1, 1), (31, 5), (7, 30)):
        rows, columns = matrix(COSINE, 32)[k].astype(int), matrix(COSINE, 32)[n].astype(int)
        signs = np.sign(np.outer(rows, columns)).astype(np.int32)
        size = np.abs(rows).sum() * np.abs(columns).sum()
        assert transformed(4095 * signs)[k, n] == pytest.approx(4095 * size / 2**26, abs=32)


def test_whatever_a_stream_holds_is_computed_modulo_32_bits() -> None:
    extreme = np.full((32, 32), 2**20 - 1, np.int32)
    once = restored(extreme)
    exact = matrix(COSINE, 32).T.astype(object).dot(extreme.astype(object))
    wrapped = [[((int(v) + 4096 + 2**31) % 2**32 - 2**31) >> 13 for v in row] for row in exact]
    exact = np.array(wrapped, object).dot(matrix(COSINE, 32).astype(object))
    expected = [[((int(v) + 4096 + 2**31) % 2**32 - 2**31) >> 13 for v in row] for row in exact]
    np.testing.assert_array_equal(once, np.array(expected, np.int64))
