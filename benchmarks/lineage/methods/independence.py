"""CSU and MATCH: Zhu, Ahmed, Kuditipudi and Liang, *Independence Tests for Language Models* (ICML 2025), sections 2, 3.

Both match units by a linear assignment on cosines (their Algorithm 2, MATCH), correlate the matching with another
permutation by Spearman (Algorithm 3), and combine the layers by Fisher (Algorithm 4).

CSU matches the rows of the up projections of a layer, against the identity. MATCH (the paper's robust test) matches the
activations of gate and of up on the same text, and correlates the two matchings. The paper compares layers of equal
number; so does this.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import chi2, pearsonr
from torch import Tensor

from benchmarks.lineage.manipulations.model import Model
from benchmarks.lineage.methods.running import activations

LARGEST = 300.0
"""-log10 of the smallest p that is told apart from nought."""


def csu(subject: Model, reference: Model) -> float | None:
    """-log10 of Fisher's p over all up projections of equal name and shape; experts count like layers."""
    logs = []
    for name, mine in subject.weights.items():
        theirs = reference.weights.get(name)
        if not name.endswith("up_proj.weight") or theirs is None or theirs.shape != mine.shape:
            continue
        matched = match(theirs, mine)
        logs.append(spearman(matched, np.arange(len(matched))))
    return fisher(logs)


def robust_match(subject: Model, reference: Model) -> float | None:
    """-log10 of Fisher's p over the layers, from activations on text; None where a model does not run."""
    mine, theirs = activations(subject, reference)
    if not mine or not theirs:
        return None
    logs = []
    for layer in sorted(mine.keys() & theirs.keys()):
        gate = match(theirs[layer][0], mine[layer][0])
        up = match(theirs[layer][1], mine[layer][1])
        logs.append(spearman(gate, up))
    return fisher(logs)


def match(first: Tensor, second: Tensor) -> NDArray[np.int64]:
    """For each row of the first matrix [m, n] its partner in the second [k, n], m <= k or rows left out: assignment."""
    x = torch.nn.functional.normalize(first.double(), dim=1)
    y = torch.nn.functional.normalize(second.double(), dim=1)
    rows, columns = linear_sum_assignment((x @ y.T).numpy(), maximize=True)
    return columns[np.argsort(rows)].astype(np.int64)


def spearman(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """Natural logarithm of the p-value of two permutations' rank correlation.

    The permutations are ranks already. p is two-sided, as in the authors' code; it underflows near 1e-308.
    """
    p = float(pearsonr(first, second).pvalue)
    return math.log(max(p, 10**-LARGEST))


def fisher(logs: Sequence[float]) -> float | None:
    """-log10 of Fisher's combined p of natural logarithms of p-values."""
    if not logs:
        return None
    log_p = float(chi2.logsf(-2 * sum(logs), 2 * len(logs)))
    return min(-log_p / math.log(10), LARGEST)
