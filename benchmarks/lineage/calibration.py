"""How the audit's statistics behave between unrelated models: per role, and for the tests of units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kstest, norm

from benchmarks.lineage.bases import BASES, Base, related
from benchmarks.lineage.cases import model_of
from benchmarks.lineage.manipulations.model import Model, depth
from benchmarks.lineage.names import Weights
from benchmarks.lineage.train import folder
from independence_audit.statistics.aligned import aligned_test
from independence_audit.statistics.anchors import whitened_responses
from independence_audit.statistics.units import UnitTests, strict_lis, unit_tests

LEAST, MOST = 0.9, 1.1
"""Between these the standard deviation of z has to lie in every role."""
FEWEST = 60
"""Statistics of a role from which on its standard deviation says anything: its error is 9% there."""
TAILS = (0.05, 1e-2, 1e-3, 1e-4)
ANCHORS, UNITS = 192, 64
ROWS, REPEATS = 16, 16
"""Rows of one statistic, as many as the sampler reads of a large matrix; and samples of embeddings and head."""
REDRAWN = 1000
"""Times that pairs of models are drawn anew."""
SIMULATED = 20_000
"""Permutations that give the law of the order test."""
ROLES = {
    "attn_norm": "model.layers.{}.input_layernorm.weight",
    "mlp_norm": "model.layers.{}.post_attention_layernorm.weight",
    "q": "model.layers.{}.self_attn.q_proj.weight",
    "k": "model.layers.{}.self_attn.k_proj.weight",
    "v": "model.layers.{}.self_attn.v_proj.weight",
    "gate": "model.layers.{}.mlp.gate_proj.weight",
    "up": "model.layers.{}.mlp.up_proj.weight",
    "down": "model.layers.{}.mlp.down_proj.weight",
    "embed": "model.embed_tokens.weight",
    "head": "lm_head.weight",
}
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How z behaves in one role.

    Attributes:
        role: The role, or ``all``.
        count: How many null statistics.
        mean: Of z.
        sd: Of z.
        interval: Between these the standard deviation lies at 95%: statistics of one pair of models are not
            independent, so pairs are drawn anew.
        largest: Of absolute values.
        tails: Observed share over expected share of two-sided p at most each of ``TAILS``.
    """

    role: str
    count: int
    mean: float
    sd: float
    interval: tuple[float, float]
    largest: float
    tails: tuple[float, ...]

    @property
    def fits(self) -> bool | None:
        """Whether the spread is that of a standard normal; None where it cannot be said.

        That is where there are too few, or where it is not and its error reaches to where it would be.
        """
        if self.count < FEWEST:
            return None
        if LEAST <= self.sd <= MOST:
            return True
        return None if self.interval[0] <= MOST and self.interval[1] >= LEAST else False


def calibrations(statistics: Sequence[dict[str, Any]]) -> list[Calibration]:
    """One for each role, and the last for all together."""
    roles: dict[str, list[dict[str, Any]]] = {}
    for one in statistics:
        roles.setdefault(one["role"], []).append(one)
    found = [calibration(role, own) for role, own in sorted(roles.items())]
    return [*found, calibration("all", statistics)] if found else []


def calibration(role: str, statistics: Sequence[dict[str, Any]]) -> Calibration:
    """Mean, spread and tails of null statistics ``z``, each of one ``pair``."""
    by_pair: dict[str, list[float]] = {}
    for one in statistics:
        by_pair.setdefault(one["pair"], []).append(one["z"])
    groups = [np.array(values) for values in by_pair.values()]
    z = np.concatenate(groups)
    p = 2 * norm.sf(np.abs(z))
    tails = tuple(float((p <= level).mean() / level) for level in TAILS)
    return Calibration(role, len(z), float(z.mean()), float(z.std()), _interval(groups), float(np.abs(z).max()), tails)


def _interval(groups: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """The middle 95% of the standard deviation when whole groups are drawn anew, with replacement."""
    generator = np.random.default_rng(0)
    drawn = [
        np.concatenate([groups[number] for number in generator.integers(len(groups), size=len(groups))]).std()
        for _ in range(REDRAWN)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def distinct(statistics: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each value of a pair's tensor once: small tensors are read whole, whatever the salt."""
    return list({(one["pair"], one["name"], one["role"], round(one["z"], 9)): one for one in statistics}.values())


def layer_null() -> list[dict[str, Any]]:
    """The aligned test on every layer of a model against every layer of an independent one of its config.

    Between unrelated models any two layers are as good a pair as equal ones, which gives many more null statistics than
    audits do. Rows are drawn anew for each pair, as the sampler draws them.
    """
    found = []
    for mine, theirs in combinations(_dense(), 2):
        if related(mine, theirs) is not None:
            continue
        subject, reference = model_of(mine.name).weights, model_of(theirs.name).weights
        generator = np.random.default_rng([mine.draw, mine.order, theirs.draw])
        for role, tensor in ROLES.items():
            for name, other in _places(subject, tensor):
                rows = _sampled(subject, name, generator)
                test = aligned_test(_rows(subject, name, rows), _rows(reference, other, rows))
                if test is not None:
                    pair = f"{mine.name} / {theirs.name}"
                    found.append({"pair": pair, "role": role, "name": f"{name} {other}", "z": test[0].z})
    return found


def _dense() -> list[Base]:
    return [one for one in BASES if one.family == "llama" and (folder(one) / "training.json").is_file()]


def _places(weights: Weights, tensor: str) -> list[tuple[str, str]]:
    """Every layer against every layer; what stands outside the layers against itself, several times with other rows."""
    if "{}" not in tensor:
        return [(tensor, tensor)] * (REPEATS if weights[tensor].ndim > 1 else 1)
    layers = range(depth(weights))
    return [(tensor.format(i), tensor.format(j)) for i in layers for j in layers]


def _sampled(weights: Weights, name: str, generator: np.random.Generator) -> NDArray[np.int64]:
    """Some rows of a matrix, in order; the one row that a vector is."""
    count = len(weights[name]) if weights[name].ndim > 1 else 1
    return np.sort(generator.choice(count, min(ROWS, count), replace=False))


def _rows(weights: Weights, name: str, rows: NDArray[np.int64]) -> Matrix:
    tensor = weights[name] if weights[name].ndim > 1 else weights[name][None]
    result: Matrix = tensor.double().numpy()[rows]
    return result


@dataclass(frozen=True, slots=True)
class UnitNull:
    """How the tests of units behave between layers of unrelated models.

    Attributes:
        count: Layer pairs.
        order_uniform: p of the two-sided Kolmogorov-Smirnov test that the order test's p, from the law of the longest
            increasing subsequence of random permutations and made continuous within its steps, is uniform.
        order_small_p: p of the one-sided test that it is not smaller than uniform: the side that would accuse.
        order_share: Share of it at most 0.05.
        order_least: The least p that the audit's order test gives.
        sign_sd: Standard deviation of the up-sign z.
        sign_largest: Its largest absolute value.
        agreement_largest: The largest agreement count among ``UNITS`` units.
    """

    count: int
    order_uniform: float
    order_small_p: float
    order_share: float
    order_least: float
    sign_sd: float
    sign_largest: float
    agreement_largest: int


def unit_null() -> UnitNull | None:
    """The tests of units on all layers of all ordered pairs of independent dense models of one config."""
    found: list[UnitTests] = []
    for mine, theirs in permutations(_dense(), 2):
        if related(mine, theirs) is None:
            found += _layer_tests(mine, theirs)
    if not found:
        return None
    order = _continuous_p([one.order for one in found])
    z = np.array([one.up_sign_z for one in found if one.up_sign_z is not None])
    return UnitNull(
        count=len(found),
        order_uniform=float(kstest(order, "uniform").pvalue),
        order_small_p=float(kstest(order, "uniform", alternative="greater").pvalue),
        order_share=float((order <= 0.05).mean()),
        order_least=min(one.order_p for one in found),
        sign_sd=float(z.std()),
        sign_largest=float(np.abs(z).max()),
        agreement_largest=max((one.agreement for one in found if one.agreement is not None), default=0),
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
        found.append(unit_tests(sampled, whole, symmetric=True))
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


def _continuous_p(lengths: Sequence[int]) -> NDArray[np.float64]:
    """P(L >= k) of random permutations of ``UNITS``, drawn uniformly between P(L > k) and P(L >= k): uniform if exact.

    By simulation: the audit's exact sum begins where p is small, and a bound stands in above.
    """
    generator = np.random.default_rng(1)
    simulated = np.array([strict_lis(generator.permutation(UNITS).tolist()) for _ in range(SIMULATED)])
    k = np.array(lengths)[:, None]
    above, at_least = (simulated > k).mean(1), (simulated >= k).mean(1)
    result: NDArray[np.float64] = above + generator.random(len(k)) * (at_least - above)
    return result
