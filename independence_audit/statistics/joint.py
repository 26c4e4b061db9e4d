"""The joint test: one permutation of the residual width for all tensors of a component at once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from independence_audit.statistics.aligned import AlignedTest, two_sided
from independence_audit.statistics.permutation import DenseProduct, OuterProduct, Product, permutation_statistic
from independence_audit.statistics.scores import Floats


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

    def add(self, role: str, test: AlignedTest, product: Product) -> None:
        """Add one tensor's test and cross-product, [columns, columns]."""
        matrix = np.outer(product.first, product.second) if isinstance(product, OuterProduct) else product.matrix
        weight = math.sqrt(test.effective_rows / product.square_sum)
        if role in self._products:
            self._products[role] += weight * matrix
        else:
            self._products[role] = weight * matrix
        self._sizes[role] = self._sizes.get(role, 0.0) + test.effective_rows

    def result(self) -> JointResult | None:
        """The test over all roles; None where nothing was added."""
        return self._result(self._total(), None) if self._products else None

    def weakest(self) -> JointResult | None:
        """The result nearest to nothing with any one role left out.

        One tensor that is not exchangeable must not carry the test. None with fewer than two roles.
        """
        if len(self._products) < 2:  # noqa: PLR2004  nothing would be left
            return None
        total = self._total()
        results = (self._result(total - matrix, role) for role, matrix in self._products.items())
        return min(results, key=lambda result: abs(result.z))

    def _total(self) -> Floats:
        total = np.zeros((self.columns, self.columns))
        for matrix in self._products.values():
            total += matrix
        return total

    def _result(self, total: Floats, left_out: str | None) -> JointResult:
        size = sum(size for role, size in self._sizes.items() if role != left_out)
        product = DenseProduct(total)
        statistic = permutation_statistic(product)
        z = statistic.z if statistic else 0.0
        effective = size**2 / product.square_sum if product.square_sum else 0.0
        return JointResult(z, two_sided(z), effective, self.columns, left_out)
