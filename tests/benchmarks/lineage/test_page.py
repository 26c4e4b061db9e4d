"""The benchmark's tables, on outcomes made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from benchmarks.known_pairs_page import highest_rate
from benchmarks.lineage import page
from benchmarks.lineage.bases import BASES, base, related
from benchmarks.lineage.calibration import Calibration, calibration, calibrations
from benchmarks.lineage.cases import cases
from benchmarks.lineage.measure import Outcome, methods
from benchmarks.lineage.page import Results


def _outcome(
    name: str, *, said: bool, score: float = 1.0, r: float | None = None, strength: str = "same config"
) -> Outcome:
    return Outcome(
        name=name,
        group="decoder",
        strength=strength,
        scores=dict.fromkeys(methods(), score),
        said=dict.fromkeys(methods(), said),
        relation="related" if said else "unrelated",
        true_r=r,
        bound=0.1,
    )


def test_bounds_agree_with_scipy() -> None:
    """The one-sided Clopper-Pearson bound is the upper end of the two-sided interval at twice the risk."""
    for events, trials in ((0, 84), (1, 84), (7, 20)):
        interval = binomtest(events, trials).proportion_ci(0.90, "exact")
        assert highest_rate(events, trials) == pytest.approx(interval.high)


def test_detections_are_counted_by_manipulation() -> None:
    """Found of tried in every row; what lies beyond the bound is marked, and left out of the sum."""
    copies = [
        _outcome("a", said=True, r=0.9, strength="weak"),
        _outcome("b", said=False, r=0.8, strength="weak"),
        _outcome("c", said=False, r=0.05, strength="strong"),
    ]
    rows = page.detection_table(copies)
    assert rows[1][:3] == ["decoder", "weak", "0.80–0.90"]
    assert set(rows[1][3:]) == {"1/2"}
    assert rows[2][2] == "0.05 (beyond the bound)"
    assert set(rows[3][3:]) == {"1/2"}
    assert [row[0] for row in page.missed_table(copies)[1:]] == ["b"]


def test_zero_accusations_stand_beside_their_bound() -> None:
    """Every method's row has the count, the bound and the area under the curve."""
    strangers = [_outcome(str(i), said=False, score=0.0) for i in range(59)]
    rows = page.accusation_table(strangers, [_outcome("x", said=True)])
    assert [row[1] for row in rows[1:]] == ["0 of 59"] * len(methods())
    assert rows[1][2] == f"{highest_rate(0, 59):.1%}" == "5.0%"
    assert rows[1][5] == "1.000"
    assert not page.accused_table(strangers)
    assert page.accused_table([_outcome("guilty", said=True)])[1] == ["guilty", "related"]


def test_area_under_the_curve() -> None:
    """Pairs won, ties half."""
    assert page.auc([2, 1], [1, 0]) == pytest.approx(0.875)
    assert page.auc([], [1]) is None


def nulls(z: np.ndarray, pairs: int = 50) -> list[dict[str, object]]:
    """Values of one role, of so many pairs of models in turn."""
    return [{"role": "q", "pair": str(number % pairs), "z": float(value)} for number, value in enumerate(z)]


def test_calibration() -> None:
    """Standard normal values fit; wider ones do not; of a handful, or where an error is large, nothing can be told."""
    z = np.random.default_rng(1).standard_normal(4000)
    assert calibration("q", nulls(z)).fits is True
    assert calibration("q", nulls(1.3 * z)).fits is False
    assert calibration("q", nulls(z[:10])).fits is None
    assert calibration("q", nulls(0.87 * z[-80:] / z[-80:].std(), pairs=10)).fits is None
    low, high = calibration("q", nulls(z)).interval
    assert 0.95 < low < 1.0 < high < 1.05
    assert calibration("q", nulls(z)).tails[0] == pytest.approx(1.0, abs=0.2)


def test_values_of_one_pair_count_as_one() -> None:
    """Repeating every pair's value a hundred times leaves the interval as wide as it was."""
    few = np.random.default_rng(2).standard_normal(40)
    once, often = calibration("q", nulls(few, 40)), calibration("q", nulls(np.tile(few, 100), 40))
    assert often.interval == pytest.approx(once.interval, rel=0.02)


def test_calibrations_by_role() -> None:
    """One for each, and one for all; the table says where a spread is wrong."""
    found = calibrations([{"role": role, "pair": "a / b", "z": z} for role, z in (("q", 0.5), ("k", -0.5))])
    assert [(one.role, one.count) for one in found] == [("k", 1), ("q", 1), ("all", 2)]
    bad = page.calibration_table([Calibration("q", 100, 0.0, 1.3, (1.2, 1.4), 4.0, (1.0, 1.0, 1.0, 1.0))])
    assert bad[1][-1] == "**no**"


def test_the_page_keeps_its_prose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what lies between the marks is written anew."""
    path = tmp_path / "benchmark.md"
    path.write_text(f"before\n{page.BEGIN}old\n{page.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(page, "PAGE", path)
    copies = [_outcome("a", said=True, r=0.9)]
    page.write_page(Results(copies, [_outcome("s", said=False)], copies, [], [], None))
    text = path.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert "Copies found by screening: 1 of 1" in text


def test_the_bases_are_what_was_asked_for() -> None:
    """At least 16 independent runs in four architectures, six of one config, and same-seed pairs."""
    alone = [one for i, one in enumerate(BASES) if all(related(one, other) is None for other in BASES[:i])]
    assert len(alone) >= 16
    assert len({one.family for one in alone}) >= 4
    assert sum(one.config == base("dense_1").config and one.family == "llama" for one in alone) >= 6
    assert related(base("dense_1"), base("dense_1_same_draw")) == "draw"
    assert related(base("motif_small"), base("motif_grown")) == "ancestor"


def test_every_manipulation_has_two_bases() -> None:
    """Each group is applied to at least two bases, and every case has a name of its own."""
    every = cases()
    assert len({one.name for one in every}) == len(every)
    for group in {one.group for one in every}:
        assert len({one.base for one in every if one.group == group}) >= 2, group


def test_what_was_said_is_held_against_the_truth() -> None:
    """Layers exactly, coefficients within 0.03, ranks within one; silence is never right."""
    layers = {"layers": [0, 2], "said_layers": [0, 2]}
    merged = {"key": "changed.merged", "data": {"parts": "0.690 ± 0.002 one, 0.310 ± 0.001 two"}}
    low_rank = {"key": "changed.low_rank", "data": {"rank": 6}}
    facts: list[tuple[dict[str, Any], str]] = [
        (layers, "yes"),
        (layers | {"said_layers": [0, 1]}, "no"),
        (layers | {"said_layers": None}, "no"),
        ({"shares": {"one": 0.7, "two": 0.3}, "changes": [merged]}, "yes"),
        ({"shares": {"one": 0.6, "two": 0.4}, "changes": [merged]}, "no"),
        ({"shares": {"one": 0.7, "two": 0.3}, "changes": []}, "no"),
        ({"rank": 5, "changes": [low_rank]}, "yes"),
        ({"rank": 4, "changes": [low_rank]}, "no"),
        ({"rank": 4}, "no"),
    ]
    for told, right in facts:
        outcome = replace(_outcome("copy", said=True), facts=told)
        assert page.told_table([outcome])[1][-1] == right, told
