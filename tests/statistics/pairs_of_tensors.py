"""Pairs of matrices that the tests of the statistics are tried on: every shape with every kind of values."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from tests.statistics.specification import Matrix

Pair = tuple[Matrix, Matrix]

SHAPES = ((1, 64), (1, 700), (3, 50), (16, 1024), (128, 128))
"""Vectors, a matrix of few columns, a sampled matrix, a square one."""


def _normal(generator: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return generator.normal(size=shape)


def _heavy_tailed(generator: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return generator.standard_cauchy(size=shape)


def _outlier_columns(generator: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    values = generator.normal(size=shape)
    values[:, [1, shape[1] // 2]] += 50.0
    return values


def _tied(generator: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return np.round(generator.normal(size=shape) * 3.0)


def _bf16(generator: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    bits = generator.normal(1.0, 0.02, size=shape).astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return bits.view(np.float32).astype(np.float64)


def _near_constant(generator: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    values = np.ones(shape)
    values[:, : max(2, shape[1] // 20)] += generator.normal(size=(shape[0], max(2, shape[1] // 20)))
    return generator.permuted(values, axis=1)


def _low_rank(generator: np.random.Generator, shape: tuple[int, int]) -> Matrix:
    return generator.normal(size=(shape[0], 2)) @ generator.normal(size=(2, shape[1]))


KINDS: dict[str, Callable[[np.random.Generator, tuple[int, int]], Matrix]] = {
    "normal": _normal,
    "heavy_tailed": _heavy_tailed,
    "outlier_columns": _outlier_columns,
    "tied": _tied,
    "bf16": _bf16,
    "near_constant": _near_constant,
    "low_rank": _low_rank,
}


def strangers(kind: str, shape: tuple[int, int]) -> Pair:
    """Two matrices drawn apart from each other, the same ones every time."""
    generator = np.random.default_rng(zlib.crc32(f"{kind}{shape}".encode()))
    return KINDS[kind](generator, shape), KINDS[kind](generator, shape)


def relatives(kind: str, shape: tuple[int, int]) -> Pair:
    """A matrix and one that shares half of its variation, the same ones every time."""
    first, second = strangers(kind, shape)
    return first, first + second
