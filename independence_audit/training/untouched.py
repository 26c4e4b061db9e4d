"""Parts of one checkpoint that training has not touched: constants, matrices on their law, unused rows, grids."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Axis
from independence_audit.core.number_types import DTYPES
from independence_audit.evidence.measurement import Message, Value
from independence_audit.evidence.training_evidence import Finding
from independence_audit.fingerprint import Sample, SampleKey
from independence_audit.statistics.laws import Floats, fit_law, kolmogorov, row_dependence
from independence_audit.training.initialisers import DEPENDENCE, KOLMOGOROV, OnLaw, known_rule, on_law, scale_error

SHOWN = 20
"""Tensors that a finding names; the figure says how many there are."""
INITIAL_CONSTANTS = (0.0, 1.0)
SAME_SCALE = 3
"""Layers of one role that must share a scale where it is no known one: training moves every layer's on its own."""
TRAINED_ALL_THE_SAME = ("rope_rows", "classes", "no_exchangeable_axis", "merged_patches")
"""Reasons why an axis is not exchangeable although the values are trained; other reasons stand for buffers."""
COMPUTED = ("sinusoid", "computed")
"""Reasons of tables that a formula gives."""
FEWEST_ROWS, FEWEST_SHARE = 16, 0.1
"""Rows that must look untouched, and their share, before anything is said: chance leaves a few of any trained table."""
ROW_CHANCE = 4.0
ROW_DISTANCE = 0.01
MOST_ROUNDS = 10
ROW_BAND = 4.0
"""Half width, in deviations of chance, of the band of lengths in which untouched rows lie."""
ROW_DEPENDENCE = 0.15
"""Excess of the dependence ratio among untouched rows that is let pass."""


@dataclass(frozen=True, slots=True)
class Untouched:
    """What of one component is still at its initial values."""

    findings: tuple[Finding, ...]
    share: float
    """Share of the component's parameters that were looked at and are untouched."""


def untouched(samples: Sequence[Sample]) -> Untouched:
    """Look for untouched parts among the samples of one component."""
    weights = [sample for sample in samples if is_weight(sample)]
    constants = {sample.key: value for sample in weights if (value := constant(sample)) is not None}
    laws = _plausible({sample.key: law for sample in weights if (law := on_law(sample))}, weights)
    findings = [*_constant_findings(weights, constants)]
    trained = _contradicted(weights, constants)
    findings += [] if trained else _law_findings(weights, laws)
    findings += _row_findings([sample for sample in weights if sample.key not in laws])
    total = sum(sample.parameters for sample in weights)
    still = sum(s.parameters for s in weights if s.key in constants or (s.key in laws and not trained))
    return Untouched(tuple(findings), still / total if total else 0.0)


def constant(sample: Sample) -> float | None:
    """The value that all sampled values of a tensor have, where it is one that libraries start from."""
    values = sample.values()
    if values.size < 2:  # noqa: PLR2004  one value is always constant
        return None
    first = float(values.flat[0])
    is_scale = sample.role.startswith("layer_scale")
    if not math.isfinite(first) or not (values == values.flat[0]).all():
        return None
    return first if is_scale or first in INITIAL_CONSTANTS else None


def is_weight(sample: Sample) -> bool:
    """Whether somebody trains such a tensor: it has values, and is no buffer."""
    if sample.raw is None or sample.raw.size == 0:
        return False
    return sample.axis != Axis.NONE or sample.reason in TRAINED_ALL_THE_SAME


def _contradicted(weights: Sequence[Sample], constants: dict[SampleKey, float]) -> bool:
    """Whether gains of the component were trained: then its matrices were as well, whatever their values look like.

    Fully trained matrices of a real network (a llama of 260,000 parameters) cannot be told from a draw one by one.
    """
    gains = [sample for sample in weights if sample.shape[0] == 1 and not sample.role.endswith("bias")]
    return sum(sample.key in constants or is_drawn(sample) for sample in gains) < len(gains) / 2


def computed(samples: Sequence[Sample]) -> list[Finding]:
    """Tables of one component that are computed and never trained, such as sinusoidal positions."""
    tables = [sample for sample in samples if sample.reason in COMPUTED]
    if not tables:
        return []
    data = {"tensors": len(tables)}
    return [Finding(Message("finding.computed", data), tensors=_names(tables))]


def is_drawn(vector: Sample) -> bool:
    """Whether a vector lies on a law that a few libraries draw gains from.

    One about zero with a known scale, or uniform on [0, 1] (torch's batch normalisation before 1.2).
    """
    values = np.sort(np.asarray(vector.values(), dtype=np.float64).ravel())
    limit = KOLMOGOROV / math.sqrt(max(1, values.size))
    if values.size and values[0] >= 0.0 and values[-1] <= 1.0:
        return kolmogorov(values, lambda each: each) <= limit
    fit = fit_law(values)
    return fit is not None and fit.distance <= limit and bool(known_rule(fit, vector.shape))


def _plausible(laws: dict[SampleKey, OnLaw], weights: Sequence[Sample]) -> dict[SampleKey, OnLaw]:
    """Those whose scale is a known one, or the same in several layers of the role."""
    by_role: dict[str, list[OnLaw]] = defaultdict(list)
    for sample in weights:
        if sample.key in laws:
            by_role[sample.role].append(laws[sample.key])
    kept = {}
    for sample in weights:
        law = laws.get(sample.key)
        if law is None:
            continue
        peers = by_role[sample.role]
        alike = sum(abs(peer.fit.scale / law.fit.scale - 1.0) <= scale_error(law.fit) for peer in peers)
        if law.rule or alike >= max(SAME_SCALE, len(peers)):
            kept[sample.key] = law
    return kept


def _constant_findings(weights: Sequence[Sample], constants: dict[SampleKey, float]) -> list[Finding]:
    groups: dict[tuple[str, float], list[Sample]] = defaultdict(list)
    for sample in weights:
        if sample.key in constants:
            groups[sample.role, constants[sample.key]].append(sample)
    return [
        Finding(
            Message(
                "finding.constant",
                {
                    "role": role,
                    "value": f"{value:g}",
                    "tensors": len(members),
                    "of": sum(1 for sample in weights if sample.role == role),
                },
            ),
            effect=0.0,
            tolerance=0.0,
            tensors=_names(members),
            alternatives=(Message("alternative.not_trained_by_design"), Message("alternative.balancing_bias"))
            if role.endswith("bias")
            else (Message("alternative.not_trained_by_design"),),
        )
        for (role, value), members in groups.items()
    ]


def _law_findings(weights: Sequence[Sample], laws: dict[SampleKey, OnLaw]) -> list[Finding]:
    by_role: dict[str, list[Sample]] = defaultdict(list)
    for sample in weights:
        if sample.key in laws:
            by_role[sample.role].append(sample)
    total = Counter(sample.role for sample in weights)
    return [_law_finding(members, [laws[sample.key] for sample in members], total) for members in by_role.values()]


def _law_finding(members: Sequence[Sample], laws: Sequence[OnLaw], total: Counter[str]) -> Finding:
    ratio = max(law.dependence.ratio for law in laws)
    data: dict[str, Value] = {
        "role": members[0].role,
        "law": Counter(law.fit.law for law in laws).most_common(1)[0][0],
        "scale": f"{median(law.fit.scale for law in laws):.4g}",
        "tensors": len(members),
        "of": total[members[0].role],
        "ratio": ratio,
    }
    return Finding(
        Message("finding.on_initial_law", data),
        effect=ratio,
        tolerance=1.0 + DEPENDENCE + max(5.0 * law.dependence.deviation for law in laws),
        tensors=_names(members),
        alternatives=(Message("alternative.trained_a_little"), Message("alternative.not_trained_by_design")),
    )


def _names(samples: Sequence[Sample]) -> tuple[str, ...]:
    return tuple(sample.name for sample in samples[:SHOWN])


def _row_findings(weights: Sequence[Sample]) -> list[Finding]:
    """Rows of the input embedding that no token ever used; a tied table gets gradients in every row and is left out."""
    findings = []
    for sample in weights:
        if sample.role != "embed" or not any(other.role == "head" for other in weights):
            continue
        values = np.asarray(sample.values(), dtype=np.float64)
        zero = ~values.any(axis=1)
        if zero.any():
            data = {"rows": int(zero.sum()), "of": len(values)}
            findings.append(
                Finding(
                    Message("finding.zero_rows", data),
                    effect=float(zero.mean()),
                    tensors=(sample.name,),
                    alternatives=(Message("alternative.padding"),),
                )
            )
        rows = untouched_rows(values)
        if rows.size and (fit := fit_law(values[rows])):
            findings.append(
                Finding(
                    Message(
                        "finding.untouched_rows",
                        {"rows": len(rows), "of": len(values), "law": fit.law, "scale": f"{fit.scale:.4g}"},
                    ),
                    effect=row_dependence(values[rows]).ratio,
                    tolerance=1.0 + ROW_DEPENDENCE,
                    tensors=(sample.name,),
                    alternatives=(Message("alternative.rare_tokens"),),
                )
            )
    return findings


def untouched_rows(values: Floats) -> NDArray[np.int64]:
    """Rows of an embedding [r, n] that keep the direction of their draw: one length, one law, independent.

    Decay shrinks all of them by one factor, so their lengths agree within chance; training gives rows lengths and
    directions of their own.
    """
    none = np.zeros(0, dtype=np.int64)
    rows = _of_one_length(values)
    for _ in range(MOST_ROUNDS):
        if len(rows) < max(FEWEST_ROWS, FEWEST_SHARE * len(values)):
            return none
        kept = rows[_independent(values[rows])]
        if len(kept) == len(rows):
            break
        rows = kept
    pooled = row_dependence(values[rows])
    fit = fit_law(values[rows])
    is_draw = fit is not None and fit.distance <= ROW_DISTANCE + KOLMOGOROV / math.sqrt(fit.values)
    return rows if is_draw and pooled.ratio <= 1.0 + ROW_DEPENDENCE + 5.0 * pooled.deviation else none


def _of_one_length(values: Floats) -> NDArray[np.int64]:
    """The largest set of rows whose lengths agree within chance."""
    lengths = np.sqrt((values**2).mean(axis=1))
    kept = np.flatnonzero(np.isfinite(lengths) & (lengths > 0.0))
    if not kept.size:
        return kept
    order = kept[np.argsort(lengths[kept])]
    ratio = 1.0 + 2.0 * ROW_BAND / math.sqrt(2.0 * values.shape[1])
    ends = np.searchsorted(lengths[order], lengths[order] * ratio, side="right")
    best = int(np.argmax(ends - np.arange(len(order))))
    return np.sort(order[best : ends[best]])


def _independent(rows: Floats) -> NDArray[np.int64]:
    """Which rows have no more to do with the others than chance allows.

    The chance is that of meeting the directions that the others share: with R of them worth being called independent
    the ratio of an unrelated model scatters by sqrt(2 / R).
    """
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    products, expected = (unit @ unit.T) ** 2, (unit**2) @ (unit**2).T
    np.fill_diagonal(products, 0.0)
    np.fill_diagonal(expected, 0.0)
    count = len(rows)
    worth = count**2 / (count + max(0.0, float(products.sum() - expected.sum())))
    ratios = products.sum(axis=1) / expected.sum(axis=1)
    return np.flatnonzero(ratios <= 1.0 + ROW_CHANCE * math.sqrt(2.0 / worth))


LOOKED_AT = ("F64", "F32", "BF16", "F16")
"""Stored types whose values may lie on a coarser grid."""
COARSE = ("F8_E5M2", "F8_E4M3", "BF16", "F16")
"""Grids, the coarsest first; a scale that is a power of two keeps a value on its grid."""
DISTINCT = 64
"""Fewer distinct values lie on a grid by themselves: 64 values miss a bit by chance once in 2**64."""


def used_bits(sample: Sample) -> int | None:
    """Mantissa bits that the values of a tensor need; None where they say nothing (few, or a type without a grid)."""
    known = DTYPES[sample.dtype]
    stored = known.mantissa if sample.dtype in LOOKED_AT else None
    if stored is None or sample.raw is None or not is_weight(sample):
        return None
    codes = np.ascontiguousarray(sample.raw).reshape(-1).view(f"<u{known.bits // 8}")
    codes = codes[(codes << 1) != 0] if codes.size else codes
    if len(np.unique(codes[: 16 * DISTINCT])) < DISTINCT:
        return None
    bits = int(np.bitwise_or.reduce(codes)) & ((1 << stored) - 1)
    return stored - ((bits & -bits).bit_length() - 1) if bits else 0


def _mantissa(dtype: str) -> int:
    return DTYPES[dtype].mantissa or 0


def on_coarser_grids(samples: Iterable[Sample]) -> dict[str, list[Finding]]:
    """By component: tensors on a coarser grid than their type, where others of that type in the model use all of it.

    A model that was cast as a whole is no finding: the cast happened after training, to all tensors alike.
    """
    used: dict[str, list[tuple[Sample, int]]] = defaultdict(list)
    for sample in samples:
        bits = used_bits(sample)
        if bits is not None:
            used[sample.dtype].append((sample, bits))
    findings: dict[str, list[Finding]] = defaultdict(list)
    for dtype, members in used.items():
        widest = max(bits for _, bits in members)
        by_grid: dict[tuple[str, str], list[Sample]] = defaultdict(list)
        for sample, bits in members:
            grid = next((name for name in COARSE if bits <= _mantissa(name) < min(widest, _mantissa(dtype))), None)
            if grid is not None:
                by_grid[sample.component, grid].append(sample)
        for (component, grid), coarse in by_grid.items():
            findings[component].append(
                _finding(dtype, grid, coarse, sum(one.component == component for one, _ in members))
            )
    return findings


def _finding(dtype: str, grid: str, coarse: Sequence[Sample], total: int) -> Finding:
    return Finding(
        Message("finding.coarse_grid", {"type": dtype, "grid": grid, "tensors": len(coarse), "of": total}),
        effect=1.0,
        tolerance=1.0,
        tensors=tuple(sample.name for sample in coarse[:SHOWN]),
        alternatives=(Message("alternative.mixed_precision"), Message("alternative.loaded_and_frozen")),
    )
