"""Numeric grids: tensors whose values all lie on a coarser grid than their type, while those beside them do not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from independence_audit.core.number_types import DTYPES
from independence_audit.evidence.measurement import Message
from independence_audit.evidence.training import Finding
from independence_audit.fingerprint import Sample
from independence_audit.training.untouched import SHOWN, is_weight

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
