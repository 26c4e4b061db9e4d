"""The page of the benchmark of families, as the command writes it."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from benchmarks.families.cases import SEEDS_APART, Outcome
from benchmarks.families.members import Member, Way
from benchmarks.families.unit_tests import COUNTS, SIGNS, Extremes
from benchmarks.figures import as_markdown
from benchmarks.known_pairs_page import CONFIDENCE, highest_rate
from benchmarks.lineage.calibration import Calibration, calibration, calibrations, distinct
from benchmarks.lineage.page import calibration_table
from independence_audit.evidence.measurement import UnitTest
from independence_audit.evidence.relation import FOUND, STRENGTH, Relation
from independence_audit.lineage.attention_alike import FORMS_ALIKE
from independence_audit.lineage.disguised import AGREEING, DESCRIBED_AGREEING, EMPIRICAL_Z
from independence_audit.lineage.units_together import UNITS_ALIKE
from independence_audit.report.numbers import p_value, percent, score

ABOUT = """# Families

`make families` writes this page. It trains small models of many architectures with the transformers package, three of
each config that differ in nothing but their initial draw and the order of their data, and audits them beside each other
as a user would. All are strangers: whoever is accused is accused falsely. Other strangers of one config learned from
one teacher, were pressed into few levels or zeros, or began with one public table of token rows or positions; a shared
table may be named (`token_tables`), which is no accusation. Copies show that a family is seen at all: one is trained on
for 20 steps, one has the units of every block in another order, which leaves its outputs as they were."""

FAMILIES = [
    "family",
    "config",
    "loss",
    "roles known",
    "components",
    "strangers accused",
    "said of strangers",
    "fine-tuned",
    "units permuted",
    "seconds",
    "peak MB",
]
UNITS_ABOUT = """The most that tests of units show between strangers of a family, by kind where they differ in more
than their seeds; a dash where a test cannot be made. Signs have a rigorous p-value where the block's symmetry is known,
elsewhere a z that is evidence from the value in the head. Counts are shares of the units that are looked for; they are
evidence from the share in the head, and from 256 units on. Attention is evidence from the cosine in the head on, in
two layers."""
NULL_ABOUT = "The aligned statistic of the tensors of models that differ in their seeds alone, which should be normal."
LEVELS = {
    UnitTest.AGREEMENT: AGREEING,
    UnitTest.DESCRIPTOR_AGREEMENT: DESCRIBED_AGREEING,
    UnitTest.GATES_ALIKE: UNITS_ALIKE,
    UnitTest.DOWNS_ALIKE: UNITS_ALIKE,
}


def found(outcome: Outcome) -> bool:
    """Whether an audit says that a component shares weights with the reference."""
    return any(Relation(one["relation"]) in FOUND for one in outcome.components)


def accused(outcome: Outcome) -> bool:
    """Whether it says so of a stranger."""
    return not outcome.case.is_copy and found(outcome)


def page(outcomes: Sequence[Outcome], units: Sequence[Extremes]) -> str:
    """The whole page, in Markdown."""
    copies = [one for one in outcomes if one.case.is_copy]
    strangers = [one for one in outcomes if not one.case.is_copy]
    others = [one for one in strangers if one.case.group != SEEDS_APART]
    null = distinct([each for one in strangers if _is_null(one) for each in one.statistics])
    parts = [
        ABOUT,
        conditions(outcomes),
        *summary(copies, strangers),
        "## By family",
        as_markdown([FAMILIES, *(family_row(own) for own in by_family(outcomes).values())]),
    ]
    tables = (
        ("## Accused", "", accused_table(strangers)),
        ("## Other strangers", "", other_table(others)),
        ("## Copies pressed into few values", "", other_table([one for one in copies if _is_pressed(one)])),
        ("## Tests of units between strangers", UNITS_ABOUT, unit_table(units)),
        ("## Calibration by family", NULL_ABOUT, family_null(strangers)),
        ("## Calibration by role", "", role_null(null)),
    )
    for heading, about, rows in tables:
        if len(rows) > 1:
            parts += [heading, about, as_markdown(rows)]
    return "\n\n".join(part for part in parts if part) + "\n"


def conditions(outcomes: Sequence[Outcome]) -> str:
    """When, and what it took."""
    today = datetime.now(UTC).date().isoformat()
    took = sum(one.cost.seconds for one in outcomes)
    peak = max(one.cost.peak for one in outcomes) / 1e6
    models = {each for one in outcomes for each in (one.case.subject, one.case.reference)}
    training = sum(_training(one).get("seconds", 0.0) for one in models) / 60
    return (
        f"{today}, {os.cpu_count()} processors: {len(models)} models made in {training:.0f} minutes of one core,"
        f" {len(outcomes)} audits in {took:.0f} s; peak {peak:.0f} MB."
    )


def summary(copies: Sequence[Outcome], strangers: Sequence[Outcome]) -> list[str]:
    """What was found and missed, and who was accused."""
    apart = [one for one in strangers if one.case.group == SEEDS_APART]
    hits = sum(map(found, copies))
    return [
        f"{_accusations(strangers, 'pairs of strangers of one config')} (Clopper-Pearson).",
        f"{_accusations(apart, 'pairs that differ in their seeds alone')}.",
        f"**Found: {hits}** of {len(copies)} copies, **missed: {len(copies) - hits}**.",
    ]


def _accusations(strangers: Sequence[Outcome], which: str) -> str:
    """How many are accused, and the highest rate that this leaves possible."""
    wrong, count = sum(map(accused, strangers)), len(strangers)
    bound = percent(highest_rate(wrong, count))
    return f"**Accused: {wrong}** of {count} {which}; with {CONFIDENCE:.0%} confidence the rate is at most {bound}"


def by_family(outcomes: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    """Outcomes by design, in their order."""
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault(one.case.subject.design, []).append(one)
    return groups


def family_row(own: Sequence[Outcome]) -> list[str]:
    """One family: what was recognised, what was said of strangers and of copies, and what it cost."""
    strangers = [one for one in own if not one.case.is_copy]
    apart = [one for one in strangers if one.case.group == SEEDS_APART]
    first = apart[0]
    names = dict.fromkeys(one["family"] for one in first.components)
    said = Counter(relation(one) for one in apart)
    return [
        first.case.subject.design,
        first.case.subject.config.model_type,
        _losses({each for one in apart for each in (one.case.subject, one.case.reference)}),
        percent(first.placed),
        ", ".join(names),
        f"{sum(map(accused, strangers))} of {len(strangers)}",
        ", ".join(f"{count} {name}" for name, count in said.items()),
        *(_copy(own, way) for way in (Way.FINE_TUNED, Way.PERMUTED)),
        f"{max(one.cost.seconds for one in own):.1f}",
        f"{max(one.cost.peak for one in own) / 1e6:.0f}",
    ]


def relation(outcome: Outcome) -> Relation:
    """What is said of the largest component, or of another that is accused."""
    largest = max(outcome.components, key=lambda one: one["parameters"])
    if not found(outcome):
        return Relation(largest["relation"])
    return max((Relation(one["relation"]) for one in outcome.components), key=STRENGTH.__getitem__)


def _copy(own: Sequence[Outcome], way: Way) -> str:
    """Found or missed, and what was said."""
    made = [one for one in own if one.case.is_copy and one.case.group == way]
    words = (f"{'found' if found(one) else '**missed**'} ({relation(one)})" for one in made)
    return ", ".join(words) or "–"


def _losses(models: Iterable[Member]) -> str:
    """The mean loss of some models before and after training."""
    losses = [record["loss"] for one in models if (record := _training(one))]
    if not losses:
        return "–"
    before, after = (sum(each) / len(losses) for each in zip(*losses, strict=True))
    return f"{before:.2f} → {after:.2f}"


def _training(member: Member) -> dict[str, Any]:
    """What a model's training left behind; empty where it was not kept."""
    record = member.folder / "training.json"
    kept: dict[str, Any] = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    return kept


def _is_pressed(outcome: Outcome) -> bool:
    return outcome.case.group not in {Way.FINE_TUNED, Way.PERMUTED}


def accused_table(strangers: Sequence[Outcome]) -> list[list[str]]:
    """Every component that is accused, with what speaks against it."""
    rows = [["pair", "component", "relation", "p", "tests of units"]]
    for one in filter(accused, strangers):
        for part in one.components:
            if Relation(part["relation"]) in FOUND:
                tests = ", ".join(map(_told, part["disguised"])) or "–"
                rows.append([one.case.name, part["name"], part["relation"], p_value(part["p_value"]), tests])
    return rows


def _told(test: dict[str, Any]) -> str:
    """A test of units with the layer it speaks of, and its z or its share of units."""
    shown = f"z {score(test['z'])}" if test["count"] is None else f"{test['count']} of {test['units']}"
    return f"{test['test']} {shown} (layer {test['layer']})"


def other_table(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """One row a pair: what was said of every component."""
    rows = [["family", "pair", "said", "largest z", "seconds"]]
    for one in outcomes:
        said = ", ".join(dict.fromkeys(part["relation"] for part in one.components))
        z = max((abs(each["z"]) for each in one.statistics), default=None)
        pair = f"{one.case.group} ({one.case.subject.seed}, {one.case.reference.seed})"
        rows.append([one.case.subject.design, pair, said, score(z), f"{one.cost.seconds:.1f}"])
    return rows


def unit_table(units: Sequence[Extremes]) -> list[list[str]]:
    """The extremes of every test, by family."""
    signs = [f"{test} z ({EMPIRICAL_Z:g})" for test in SIGNS]
    rows = [["strangers", "tests", "least p", *signs, *(f"{test} ({percent(LEVELS[test])})" for test in COUNTS)]]
    rows[0].append(f"attention cosine ({FORMS_ALIKE:g})")
    for one in units:
        z = [score(one.z.get(test)) for test in SIGNS]
        shares = [percent(one.share[test]) if test in one.share else "–" for test in COUNTS]
        rows.append([one.strangers, str(one.tests), p_value(one.least_p), *z, *shares, _cosine(one.attention)])
    return rows


def _cosine(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def family_null(strangers: Sequence[Outcome]) -> list[list[str]]:
    """Mean, spread and largest of the aligned z, by family."""
    found: list[Calibration] = []
    for name, own in by_family(strangers).items():
        null = distinct([each for one in own if _is_null(one) for each in one.statistics])
        if null:
            found.append(calibration(name, null))
    return _under("family", calibration_table(found))


def role_null(null: Sequence[dict[str, Any]]) -> list[list[str]]:
    """The same by role; of what no family knows together."""
    return calibration_table(calibrations([one | {"role": one["role"].partition(":")[0]} for one in null]))


def _under(head: str, rows: list[list[str]]) -> list[list[str]]:
    return [[head, *rows[0][1:]], *rows[1:]]


def _is_null(outcome: Outcome) -> bool:
    """Whether nothing at all is shared: no public table, no teacher."""
    return outcome.case.group == SEEDS_APART
