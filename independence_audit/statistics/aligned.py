"""The aligned test: do the same rows of two tensors agree, column by column, beyond relabelling?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.statistics.permutation import Product, cross_product, permutation_statistic
from independence_audit.statistics.scores import Floats, normal_scores

_ROUNDING = 1e-24
"""Square sum of a cross-product, relative to its factors', that is nothing but rounding errors."""


@dataclass(frozen=True, slots=True)
class AlignedTest:
    """One tensor's evidence for shared weights or a shared initial draw."""

    z: float
    p_value: float
    """Two-sided."""
    r: float
    """Correlation of the normal scores."""
    effective_rows: float
    """How many independent rows the rows are worth: ‖X‖²‖Y‖²/‖XᵀY‖²."""
    jump: float
    columns: int


def aligned_test(first: NDArray[np.floating], second: NDArray[np.floating]) -> tuple[AlignedTest, Product] | None:
    """Test the same rows of the same tensor of two models, columns along the exchangeable axis.

    Valid because training commutes with relabelling hidden units: a model from an independent initialisation is
    exchangeable under it (Zhu et al., *Independence Tests for Language Models*, 2025).

    Args:
        first: X [r, n].
        second: Y [r, n].

    Returns:
        The test and the cross-product of the normal scores, for the joint test; None where a side is constant or the
        scores never meet (no power at all).
    """
    return aligned_test_of_scores(normal_scores(first), normal_scores(second))


def aligned_test_of_scores(scores: Floats, other: Floats) -> tuple[AlignedTest, Product] | None:
    """The aligned test of normal scores, [r, n] each, for callers that have them already."""
    product = cross_product(scores, other)
    statistic = permutation_statistic(product)
    if statistic is None:
        return None
    size = norm(scores) * norm(other)
    if product.square_sum <= _ROUNDING * size**2:
        return None
    test = AlignedTest(
        z=statistic.z,
        p_value=two_sided(statistic.z),
        r=float(product.diagonal.sum()) / size,
        effective_rows=size**2 / product.square_sum,
        jump=statistic.jump,
        columns=product.columns,
    )
    return test, product


def norm(matrix: Floats) -> float:
    """Frobenius norm."""
    flat = matrix.ravel()
    return math.sqrt(float(flat @ flat))


def two_sided(z: float) -> float:
    """Two-sided p-value of a standard normal z; at least 1e-300, so that it never reads as zero."""
    return max(math.erfc(abs(z) / math.sqrt(2)), 1e-300)
