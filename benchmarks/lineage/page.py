"""The benchmark's tables: how often each method finds each kind of copy, whom it accuses, and how it is calibrated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import as_markdown
from benchmarks.known_pairs_page import highest_rate
from benchmarks.lineage.after_alignment_null import LookNull
from benchmarks.lineage.bases import BASES
from benchmarks.lineage.calibration import TAILS, Calibration, UnitNull
from benchmarks.lineage.cases import cases
from benchmarks.lineage.measure import FULL, SCREENING, Outcome, methods
from benchmarks.lineage.methods.peers import PEERS
from benchmarks.lineage.real import RealOutcome
from benchmarks.lineage.train import folder

PAGE = Path(__file__).parents[2] / "docs" / "benchmark.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->"
COEFFICIENT_ERROR, RANK_ERROR = 0.03, 1
"""What is promised of merge coefficients and ranks."""

Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that was measured."""

    copies: Sequence[Outcome]
    unrelated: Sequence[Outcome]
    kin: Sequence[Outcome]
    calibrations: Sequence[Calibration]
    """Of the tensors that audits of unrelated models compare."""
    layers: Sequence[Calibration]
    """Of all layers of unrelated models against each other."""
    units: UnitNull | None
    looks: LookNull | None = None
    real: Sequence[RealOutcome] = ()


def detection_table(copies: Sequence[Outcome]) -> Rows:
    """Found of tried, by manipulation and method; a dash where a method could not be applied at all."""
    rows = [["manipulation", "strength", "true r", *methods()]]
    for (group, strength), members in _grouped(copies).items():
        cells = [_found(members, method) for method in methods()]
        mark = " (beyond the bound)" if all(one.beyond for one in members) else ""
        rows.append([group, strength, _true_r(members) + mark, *cells])
    within = [one for one in copies if not one.beyond]
    rows.append(["all within the detection bound", "", "", *(_found(within, method) for method in methods())])
    return rows


def _grouped(copies: Iterable[Outcome]) -> dict[tuple[str, str], list[Outcome]]:
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for one in copies:
        groups.setdefault((one.group, one.strength), []).append(one)
    return groups


def _found(members: Sequence[Outcome], method: str) -> str:
    if all(one.scores[method] is None for one in members):
        return "–"
    return f"{sum(one.said[method] for one in members)}/{len(members)}"


def _true_r(members: Sequence[Outcome]) -> str:
    known = [one.true_r for one in members if one.true_r is not None]
    if not known:
        return ""
    low, high = f"{min(known):.2f}", f"{max(known):.2f}"
    return low if low == high else f"{low}–{high}"


def accusation_table(unrelated: Sequence[Outcome], copies: Sequence[Outcome]) -> Rows:
    """False accusations with their bound, and the area under the ROC curve."""
    rows = [["method", "false accusations", "rate at most (95%)", "of one config", "not applicable", "AUC", "level"]]
    alike = [one for one in unrelated if one.group == "decoder" and one.strength == "same config"]
    levels = {peer.name: f"{peer.level:.3g} ({peer.level_source})" for peer in PEERS}
    for method in methods():
        accused = sum(one.said[method] for one in unrelated)
        rows.append(
            [
                method,
                f"{accused} of {len(unrelated)}",
                f"{highest_rate(accused, len(unrelated)):.1%}" if unrelated else "",
                f"{sum(one.said[method] for one in alike)} of {len(alike)}",
                str(sum(one.scores[method] is None for one in unrelated)),
                _auc(copies, unrelated, method),
                levels.get(method, "family-wise 1e-6"),
            ]
        )
    return rows


def _auc(copies: Sequence[Outcome], unrelated: Sequence[Outcome], method: str) -> str:
    value = auc(
        [_or_least(one.scores[method]) for one in copies if not one.beyond],
        [_or_least(one.scores[method]) for one in unrelated],
    )
    return "" if value is None else f"{value:.3f}"


def _or_least(score: float | None) -> float:
    return -np.inf if score is None else score


def auc(copies: Sequence[float], unrelated: Sequence[float]) -> float | None:
    """Share of pairs of a copy and an unrelated model where the copy scores higher, ties half (Mann-Whitney)."""
    if not copies or not unrelated:
        return None
    x, y = np.array(copies)[:, None], np.array(unrelated)[None]
    return float(((x > y) + 0.5 * (x == y)).mean())


def accused_table(unrelated: Sequence[Outcome]) -> Rows:
    """Independent pairs of which the audit said anything but that they are unrelated; empty where there are none."""
    hit = [one for one in unrelated if one.said[SCREENING] or one.said[FULL]]
    return [["pair", "relation"], *([one.name, str(one.relation)] for one in hit)] if hit else []


def missed_table(copies: Sequence[Outcome]) -> Rows:
    """Copies that the audit did not find though they lie within its detection bound."""
    missed = [one for one in copies if not one.beyond and not (one.said[SCREENING] and one.said[FULL])]
    rows = [["copy", "screening", "full", "called", "true r", "detection bound"]]
    for one in missed:
        found = ["found" if one.said[mode] else "missed" for mode in (SCREENING, FULL)]
        rows.append([one.name, *found, str(one.relation), _digits(one.true_r), _digits(one.bound)])
    return rows if missed else []


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def kin_table(kin: Sequence[Outcome]) -> Rows:
    """Pairs that share a draw, and a model with what it was grown from."""
    rows = [["pair", "what is true", "true r", "called", "facts"]]
    for one in kin:
        said = ", ".join(sorted(set(one.facts.get("explanation", ()))))
        rows.append([one.name, one.group, _digits(one.true_r), str(one.relation), said])
    return rows


def look_table(looks: LookNull) -> Rows:
    """What a check after alignment through a recovered turn shows between unrelated models."""
    return [
        ["layer pairs", "other roles, mean", "largest", "attention, mean", "largest"],
        [str(looks.count), *(f"{value:.3f}" for value in (*looks.others, *looks.attention))],
    ]


def real_table(real: Sequence[RealOutcome]) -> Rows:
    """Published networks: what is known, and what audits of either beside the other say, by sample and in full."""
    rows = [["pair", "what is true", "true r", "called", "right"]]
    for one in real:
        pair = one.pair
        called = ", ".join(dict.fromkeys(str(relation) for relation in one.called))
        name = f"{pair.case}: {pair.first} / {pair.second}"
        rows.append([name, pair.truth, _digits(pair.pearson), called, "yes" if one.right else "no"])
    return rows


def told_table(copies: Sequence[Outcome]) -> Rows:
    """What the reports say was done, beside what was: layers exactly, coefficients and ranks within their promise."""
    rows = [["copy", "what", "true", "reported", "right"]]
    for one in copies:
        for key, tell in (("layers", _layers), ("shares", _shares), ("rank", _rank)):
            if key in one.facts:
                true, said, right = tell(one.facts)
                rows.append([one.name, key, true, said, "yes" if right else "no"])
    return rows


Told = tuple[str, str, bool]
"""What is true, what was said, and whether that is right."""


def _layers(facts: dict[str, Any]) -> Told:
    true, said = facts["layers"], facts.get("said_layers")
    return _list(true), _list(said), true == said


def _shares(facts: dict[str, Any]) -> Told:
    true: dict[str, float] = facts["shares"]
    message = _change(facts, "changed.merged")
    said = {name: float(value) for value, name in re.findall(r"([\d.]+) ± [\d.]+ (\w+)", str(message.get("parts", "")))}
    right = true.keys() == said.keys() and all(abs(true[name] - said[name]) <= COEFFICIENT_ERROR for name in true)
    words = [", ".join(f"{share:.3f} {name}" for name, share in one.items()) for one in (true, said)]
    return words[0], words[1] or "none", right


def _rank(facts: dict[str, Any]) -> Told:
    said = _change(facts, "changed.low_rank").get("rank")
    return str(facts["rank"]), str(said or "none"), said is not None and abs(said - facts["rank"]) <= RANK_ERROR


def _change(facts: dict[str, Any], key: str) -> dict[str, Any]:
    """The data of the report's message about a change; empty where there is none."""
    found: list[dict[str, Any]] = [one["data"] for one in facts.get("changes", ()) if one["key"] == key]
    return found[0] if found else {}


def _list(values: Sequence[object] | None) -> str:
    return " ".join("?" if value is None else str(value) for value in values) if values else "none"


def calibration_table(calibrations: Sequence[Calibration]) -> Rows:
    """Mean, spread and tails of z by role."""
    heads = [f"p ≤ {level:g}, observed/expected" for level in TAILS]
    rows = [["role", "statistics", "mean", "sd", "95% interval of sd", "largest", *heads, "sd in 0.9–1.1"]]
    for one in calibrations:
        fits = {True: "yes", False: "**no**", None: "cannot be told"}[one.fits]
        tails = [f"{ratio:.2f}" for ratio in one.tails]
        between = "–".join(f"{end:.2f}" for end in one.interval)
        figures = [f"{one.mean:+.3f}", f"{one.sd:.3f}", between, f"{one.largest:.2f}"]
        rows.append([one.role, str(one.count), *figures, *tails, fits])
    return rows


def unit_table(units: UnitNull) -> Rows:
    """The tests of units between unrelated models."""
    return [
        [
            "layer pairs",
            "order p uniform (KS)",
            "order p not too small (one-sided KS)",
            "order p ≤ 0.05",
            "least order p of the audit",
            "up-sign z sd",
            "largest",
            "most agreements of 64",
        ],
        [
            str(units.count),
            f"{units.order_uniform:.3f}",
            f"{units.order_small_p:.3f}",
            f"{units.order_share:.1%}",
            f"{units.order_least:.2g}",
            f"{units.sign_sd:.3f}",
            f"{units.sign_largest:.2f}",
            str(units.agreement_largest),
        ],
    ]


def figures(results: Results) -> str:
    """All tables with their headings, in Markdown."""
    within = [one for one in results.copies if not one.beyond]
    found = sum(one.said[SCREENING] for one in within)
    accused = sum(one.said[SCREENING] or one.said[FULL] for one in results.unrelated)
    summary = (
        f"**Copies found by screening: {found} of {len(within)}** within the detection bound ({len(results.copies)} in"
        f" all). **Unrelated models accused: {accused} of {len(results.unrelated)}**, a rate of at most"
        f" {highest_rate(accused, len(results.unrelated)):.1%} (95%)."
    )
    trained = sum((folder(one) / "training.json").is_file() for one in BASES)
    conditions = (
        f"{datetime.now(UTC).date().isoformat()}, {trained} of {len(BASES)} bases trained,"
        f" {len(results.copies)} of {len(cases())} copies and {len(results.unrelated)} unrelated pairs measured."
    )
    parts = [
        conditions,
        summary,
        "## Copies found",
        as_markdown(detection_table(results.copies)),
        "## Unrelated models accused",
        as_markdown(accusation_table(results.unrelated, results.copies)),
    ]
    optional = (
        ("### Accused by the audit", accused_table(results.unrelated)),
        ("## Copies missed within the detection bound", missed_table(results.copies)),
        ("## Shared draws, and growth of one's own model", kin_table(results.kin)),
        ("## What was said to be done", told_table(results.copies)),
        ("## Calibration: z of what audits of unrelated models compare", calibration_table(results.calibrations)),
        (
            "## Calibration: z of every layer against every layer of an unrelated model",
            calibration_table(results.layers),
        ),
        ("### Tests of units", unit_table(results.units) if results.units else []),
        ("### Checks after alignment", look_table(results.looks) if results.looks else []),
        ("## Real networks", real_table(results.real)),
    )
    for heading, rows in optional:
        if len(rows) > 1:
            parts += [heading, as_markdown(rows)]
    return "\n\n".join(parts) + "\n"


def write_page(results: Results) -> None:
    """Replace the figures of the page about the benchmark; its prose stays."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + figures(results) + END + after, encoding="utf-8")
