"""Real networks that nobody here made, with known lineage; they lie beside the checkout where there are any."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lineage import ours
from independence_audit.evidence.relation import Relation

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"

INNOCENT = frozenset({Relation.UNRELATED, Relation.INCONCLUSIVE})
EXPECTED = {
    "independent": INNOCENT,
    "wrong_seed_control": INNOCENT,
    "scratch_same_seed": frozenset({Relation.RELATED}),
    "init_to_final(100 epochs)": frozenset({Relation.RELATED}),
    # One port swapped height and width of its kernels: equal once that is undone.
    "exact_layout": frozenset({Relation.IDENTICAL, Relation.TRANSFORMED}),
}
"""By what is true of a pair, the relations that its largest component may come to."""


@dataclass(frozen=True, slots=True)
class RealPair:
    """Two published networks and what is known of them."""

    case: str
    first: str
    second: str
    truth: str
    pearson: float | None
    """Median correlation of their matrices in place, as whoever put the pair together measured it."""

    @property
    def files(self) -> tuple[Path, Path]:
        """Where the two lie."""
        folder = CASES / self.case
        return folder / f"{self.first}.safetensors", folder / f"{self.second}.safetensors"


@dataclass(frozen=True, slots=True)
class RealOutcome:
    """What audits of one pair came to, each network as the subject, of a sample and of every value."""

    pair: RealPair
    called: tuple[Relation | None, ...]

    @property
    def right(self) -> bool:
        """Whether all say what is true."""
        return set(self.called) <= EXPECTED[self.pair.truth]


def real_pairs() -> list[RealPair]:
    """All pairs; none where the networks are not there."""
    table = CASES / "cases.json"
    if not table.is_file():
        return []
    return [
        RealPair(one["case"], one["a"], one["b"], one["truth"], one.get("pearson_median"))
        for one in json.loads(table.read_text(encoding="utf-8"))["pairs"]
    ]


def measure_real() -> list[RealOutcome]:
    """Audit every pair."""
    return [RealOutcome(pair, tuple(relations(pair))) for pair in real_pairs()]


def relations(pair: RealPair) -> Iterator[Relation | None]:
    """What the largest component of each is called beside the other, by sample and in full; None without a report."""
    for files in (pair.files, pair.files[::-1]):
        for full in (False, True):
            report = ours.report_of(files[0], [files[1]], full=full)
            largest = max(report.components, key=lambda one: one.parameters) if report else None
            yield largest.relation if largest else None
