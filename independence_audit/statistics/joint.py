"""The joint test: one permutation of the residual width for all tensors of a component at once."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from independence_audit.statistics.aligned import AlignedTest, two_sided
from independence_audit.statistics.permutation import DenseProduct, Product, permutation_statistic
from independence_audit.statistics.scores import Floats

TOGETHER = 256
"""Rows of a role that are multiplied at a time; with 1,024 columns some 4 MB wait for each role."""


@dataclass(frozen=True, slots=True)
class JointResult:
    """The evidence of several tensors taken as one."""

    z: float
    p_value: float
    effective_rows: float
    columns: int
    left_out: str | None
    """The role that was left out, for the weakest z."""


class JointTest:
    """Collects cross-products along one shared axis, role by role, each weighted by what it can tell.

    Valid under any dependence between the tensors, and far stronger than the best of them: G = Σ w a with
    w = ‖X‖‖Y‖/‖a‖², the statistic as for one tensor.
    """

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self._products: dict[str, Floats] = {}
        self._sizes: dict[str, float] = {}
        self._waiting: dict[str, list[tuple[Floats, Floats]]] = {}

    def add(self, role: str, test: AlignedTest, product: Product) -> None:
        """Add one tensor's test and cross-product, [columns, columns]."""
        weight = math.sqrt(test.effective_rows / product.square_sum)
        self._sizes[role] = self._sizes.get(role, 0.0) + test.effective_rows
        if isinstance(product, DenseProduct):
            self._add(role, weight * product.matrix)
            return
        rows = np.atleast_2d(product.first), np.atleast_2d(product.second)
        waiting = self._waiting.setdefault(role, [])
        waiting.append((weight * rows[0], rows[1]))
        if sum(len(first) for first, _ in waiting) >= TOGETHER:
            self._multiply(role)

    def _multiply(self, role: str) -> None:
        """Add the products of all rows that wait: one large product is far faster than many thin ones."""
        waiting = self._waiting.pop(role, [])
        if waiting:
            first, second = (np.concatenate([pair[side] for pair in waiting]) for side in (0, 1))
            self._add(role, first.T @ second)

    def _add(self, role: str, matrix: Floats) -> None:
        if role in self._products:
            self._products[role] += matrix
        else:
            self._products[role] = matrix

    def result(self) -> JointResult | None:
        """The test over all roles; None where nothing was added."""
        self._finish()
        return self._result(self._total(self._products.values()), self._products, None) if self._products else None

    def weakest(self, without: Collection[str] = ()) -> JointResult | None:
        """The result nearest to nothing with any one role left out.

        One tensor that is not exchangeable must not carry the test. None with fewer than two roles.

        Args:
            without: Roles that are left out in any case.
        """
        self._finish()
        kept = {role: matrix for role, matrix in self._products.items() if role not in without}
        if len(kept) < 2:  # noqa: PLR2004  nothing would be left
            return None
        total = self._total(kept.values())
        results = (
            self._result(total - matrix, [role for role in kept if role != out], out) for out, matrix in kept.items()
        )
        return min(results, key=lambda result: abs(result.z))

    def _finish(self) -> None:
        for role in tuple(self._waiting):
            self._multiply(role)

    def _total(self, matrices: Iterable[Floats]) -> Floats:
        total = np.zeros((self.columns, self.columns))
        for matrix in matrices:
            total += matrix
        return total

    def _result(self, total: Floats, roles: Iterable[str], left_out: str | None) -> JointResult:
        size = sum(self._sizes[role] for role in roles)
        product = DenseProduct(total)
        statistic = permutation_statistic(product)
        z = statistic.z if statistic else 0.0
        effective = size**2 / product.square_sum if product.square_sum else 0.0
        return JointResult(z, two_sided(z), effective, self.columns, left_out)
