"""How the audit's statistics behave between strangers: per role, and for the tests of units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kstest, norm

from benchmarks.lineage.bases import BASES, Base, related
from benchmarks.lineage.cases import model_of
from benchmarks.lineage.manipulations.model import Model, depth
from benchmarks.lineage.train import folder
from independence_audit.statistics.anchors import whitened_responses
from independence_audit.statistics.units import UnitTests, unit_tests

LEAST, MOST = 0.9, 1.1
"""Between these the standard deviation of z has to lie in every role."""
FEWEST = 60
"""Statistics of a role from which on its standard deviation says anything: its error is 9% there."""
TAILS = (0.05, 1e-2, 1e-3, 1e-4)
ANCHORS, UNITS = 192, 64


@dataclass(frozen=True, slots=True)
class Calibration:
    """How z behaves in one role.

    Attributes:
        role: The role, or ``all``.
        count: How many null statistics.
        mean: Of z.
        sd: Of z.
        largest: Of absolute values.
        tails: Observed share over expected share of two-sided p at most each of ``TAILS``.
    """

    role: str
    count: int
    mean: float
    sd: float
    largest: float
    tails: tuple[float, ...]

    @property
    def fits(self) -> bool | None:
        """Whether the spread is that of a standard normal; None where there are too few to say."""
        return LEAST <= self.sd <= MOST if self.count >= FEWEST else None


def calibrations(statistics: Sequence[dict[str, Any]]) -> list[Calibration]:
    """One for each role, and the last for all together."""
    roles: dict[str, list[float]] = {}
    for one in statistics:
        roles.setdefault(one["role"], []).append(one["z"])
    found = [calibration(role, values) for role, values in sorted(roles.items())]
    return [*found, calibration("all", [one["z"] for one in statistics])] if found else []


def calibration(role: str, values: Iterable[float]) -> Calibration:
    """Mean, spread and tails of null statistics."""
    z = np.array(list(values))
    p = 2 * norm.sf(np.abs(z))
    tails = tuple(float((p <= level).mean() / level) for level in TAILS)
    return Calibration(role, len(z), float(z.mean()), float(z.std()), float(np.abs(z).max()), tails)


@dataclass(frozen=True, slots=True)
class UnitNull:
    """How the tests of units behave between layers of strangers.

    Attributes:
        count: Layer pairs.
        order_ks_p: p of a Kolmogorov-Smirnov test that holds the order test's p (made uniform within its steps) to be
            uniform.
        order_small: Observed share of order p at most 0.01, over 0.01.
        order_least: The least order p.
        sign_sd: Standard deviation of the up-sign z.
        sign_largest: Its largest absolute value.
        agreement_largest: The largest agreement count among ``UNITS`` units.
    """

    count: int
    order_ks_p: float
    order_small: float
    order_least: float
    sign_sd: float
    sign_largest: float
    agreement_largest: int


def unit_null() -> UnitNull | None:
    """The tests of units on all layers of all ordered pairs of independent dense models of one config."""
    dense = [one for one in BASES if one.family == "llama" and (folder(one) / "training.json").is_file()]
    found: list[UnitTests] = []
    for mine, theirs in permutations(dense, 2):
        if related(mine, theirs) is None:
            found += _layer_tests(mine, theirs)
    if not found:
        return None
    generator = np.random.default_rng(1)
    jittered = np.array([_spread_out(one, generator) for one in found])
    order = np.array([one.order_p for one in found])
    z = np.array([one.up_sign_z for one in found if one.up_sign_z is not None])
    return UnitNull(
        count=len(found),
        order_ks_p=float(kstest(jittered, "uniform").pvalue),
        order_small=float((order <= 0.01).mean() / 0.01),
        order_least=float(order.min()),
        sign_sd=float(z.std()),
        sign_largest=float(np.abs(z).max()),
        agreement_largest=max(one.agreement for one in found),
    )


def _layer_tests(mine: Base, theirs: Base) -> list[UnitTests]:
    """A sample of each layer's units of one model among all of the same layer of another."""
    subject, reference = model_of(mine.name), model_of(theirs.name)
    found = []
    for layer in range(depth(reference.weights)):
        chosen = np.random.default_rng(layer).choice(512, UNITS, replace=False)
        chosen.sort()
        whole = _responses(subject, layer)
        sampled = {role: matrix[chosen] for role, matrix in _responses(reference, layer).items()}
        found.append(unit_tests(sampled, whole))
    return found


def _responses(model: Model, layer: int) -> dict[str, NDArray[np.floating]]:
    """Whitened anchor responses of a layer's units, its norm's gain folded in; anchors are the first tokens."""
    weights = model.weights
    stem = f"model.layers.{layer}."
    gain = weights[f"{stem}post_attention_layernorm.weight"].double().numpy()
    anchors = weights["model.embed_tokens.weight"][-ANCHORS:].double().numpy()
    matrices = {
        "gate": weights[f"{stem}mlp.gate_proj.weight"].double().numpy() * gain,
        "up": weights[f"{stem}mlp.up_proj.weight"].double().numpy() * gain,
        "down": weights[f"{stem}mlp.down_proj.weight"].double().numpy().T,
    }
    return {role: whitened_responses(anchors, matrix) for role, matrix in matrices.items()}


def _spread_out(test: UnitTests, generator: np.random.Generator) -> float:
    """The order test's discrete p made continuous: uniform between P(L > k) and P(L >= k)."""
    from independence_audit.statistics.sequence import order_p

    above = order_p(test.units, test.order + 1)
    return above + generator.random() * (test.order_p - above)
