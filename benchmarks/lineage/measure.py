"""Runs every method on every case and every independent pair, and keeps what came of it as plain data."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.lineage import ours
from benchmarks.lineage.bases import BASES, Base, related
from benchmarks.lineage.cases import Case, cases, is_ready, keep, made_of, model_of, same_draw, subject
from benchmarks.lineage.kept import content, kept
from benchmarks.lineage.manipulations.model import Model
from benchmarks.lineage.manipulations.packed import unpacked
from benchmarks.lineage.methods.peers import PEERS
from benchmarks.lineage.train import folder, inside
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.work import Algorithm, Processes, Task

SCREENING, FULL = "ours, screening", "ours, full"
OURS = (SCREENING, FULL)
SALTS = tuple(f"lineage benchmark, salt {i}: sixteen bytes or more".encode() for i in range(1))
"""Each reads other rows than the public one, so that a pair of models gives several null statistics a large tensor."""
DECODER, VISION, AUDIO = "decoder", "vision", "audio"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What every method says of one pair.

    Attributes:
        name: The case or pair.
        group: The row of the table.
        strength: The column beside it.
        scores: By method; None where it cannot be applied.
        said: By method, whether it speaks of a copy.
        relation: What the audit calls it, full.
        true_r: Median Pearson correlation of equally named matrices; None where nothing lies where it lay.
        bound: The r that the audit could have found.
        facts: What the report says of layers, changes and further references.
    """

    name: str
    group: str
    strength: str
    scores: dict[str, float | None]
    said: dict[str, bool]
    relation: str | None = None
    true_r: float | None = None
    bound: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def beyond(self) -> bool:
        """Whether the true r lies below what the audit says it could have found."""
        return self.true_r is not None and self.bound is not None and self.true_r < self.bound


def measure_cases(processes: int, *, only: str = "") -> list[Outcome]:
    """Every case whose models are trained, so many side by side."""
    ready = [case for case in cases() if only in case.name and is_ready(case)]
    found = []

    def audited(number: int) -> dict[str, Any]:
        return _kept_case(ready[number])

    audits = Algorithm("case", 1, lambda: audited)
    for record in Processes(processes).results(audits, map(Task, range(len(ready)))):
        outcome = Outcome(**record)
        found.append(outcome)
        say(f"{outcome.name}: {outcome.relation}, {'found' if outcome.said[SCREENING] else 'MISSED'}")
    return found


def _kept_case(case: Case) -> dict[str, Any]:
    sources = [content(path) for path in made_of(case)]
    record: dict[str, Any] = kept(case.name, sources, partial(_measured, case))
    return record


def _measured(case: Case) -> dict[str, Any]:
    model = subject(case)
    with tempfile.TemporaryDirectory(prefix="lineage-") as parent:
        where = Path(parent) / "subject"
        keep(case, model, where)
        # References of a merge stand beside the first, and the audit names the nearest of them.
        references = [folder_of(name) for name in (case.base, *case.shares)]
        reports = {mode: ours.report_of(where, references, full=mode == FULL) for mode in OURS}
    return asdict(_outcome(case, model, reports))


def folder_of(name: str) -> Path:
    """A base's checkpoint."""
    return folder(next(one for one in BASES if one.name == name))


def _outcome(case: Case, model: Model, reports: dict[str, AuditReport | None]) -> Outcome:
    reference = model_of(case.base)
    # What a case keeps unrounded or packed, the peers see as the values that it stands for.
    plain = unpacked(model)
    sources = [content(path) for path in made_of(case)]
    scores, said = _peers(case.name, sources, plain, reference)
    for name, report in reports.items():
        scores[name], said[name] = ours.score(report), ours.finds(report)
    relation = ours.relation(reports[FULL])
    return Outcome(
        name=case.name,
        group=case.group,
        strength=case.strength,
        scores=scores,
        said=said,
        relation=relation.value if relation else None,
        # What was moved or disguised keeps the r of what it was made of: nothing but places changed.
        true_r=true_correlation(plain if case.in_place else model_of(case.start or case.base), reference),
        bound=ours.detection_bound(reports[SCREENING]),
        facts=_facts(case, reference, reports[FULL]),
    )


def _peers(
    name: str, sources: list[str], mine: Model, theirs: Model
) -> tuple[dict[str, float | None], dict[str, bool]]:
    def ask() -> dict[str, float | None]:
        return {peer.name: peer.score(mine, theirs) for peer in PEERS}

    scores: dict[str, float | None] = dict(kept(f"peers: {name}", sources, ask, product=False))
    return scores, {peer.name: peer.says_related(scores[peer.name]) for peer in PEERS}


def true_correlation(subject: Model, reference: Model) -> float | None:
    """Median Pearson correlation of the matrices of equal name and shape; None where fewer than half are."""
    found = []
    for name, theirs in reference.weights.items():
        mine = subject.weights.get(name)
        if theirs.ndim > 1 and mine is not None and mine.shape == theirs.shape:
            found.append(float(torch.corrcoef(torch.stack([mine.flatten(), theirs.flatten()]))[0, 1]))
    count = sum(tensor.ndim > 1 for tensor in reference.weights.values())
    return float(np.median(found)) if 2 * len(found) > count else None


def _facts(case: Case, reference: Model, report: AuditReport | None) -> dict[str, Any]:
    """What was to be reported, beside what was."""
    facts: dict[str, Any] = {}
    component = max(report.components, key=lambda one: one.parameters) if report and report.components else None
    if case.layer_map is not None:
        facts["layers"] = list(case.layer_map(reference))
        said = component.layer_map if component else None
        facts["said_layers"] = [said[key] for key in sorted(said, key=int)] if said else None
    if case.shares:
        facts["shares"] = {case.base: 1 - sum(case.shares.values()), **case.shares}
    if case.rank is not None:
        facts["rank"] = case.rank
    if component:
        facts["changes"] = [{"key": change.key, "data": dict(change.data)} for change in component.changes]
        facts["explanation"] = [message.key for message in component.explanation]
    return facts


def measure_pairs(processes: int) -> tuple[list[Outcome], list[dict[str, Any]]]:
    """Every independent pair of one kind, each way round once, and the statistics of their tensors under every salt."""
    found, statistics = [], []
    audits = Algorithm("pair", 1, lambda: _kept_pair)
    for record, null in Processes(processes).results(audits, map(Task, independent_pairs())):
        outcome = Outcome(**record)
        found.append(outcome)
        statistics += null
        accused = outcome.said[SCREENING] or outcome.said[FULL]
        say(f"{outcome.name}: {outcome.relation}{', ACCUSED' if accused else ''}")
    return found, statistics


def _kept_pair(pair: tuple[Base, Base]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    mine, theirs = pair
    sources = [content(inside(one)) for one in pair]
    record, null = kept(f"{mine.name} / {theirs.name}", sources, partial(_measured_pair, mine, theirs))
    return record, null


def _measured_pair(mine: Base, theirs: Base) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    same = "same config" if mine.config == theirs.config and mine.family == theirs.family else "other config"
    outcome, screening = _compared(mine, theirs, kind(mine), same)
    statistics = _null(mine, theirs, screening)
    for salt in SALTS:
        statistics += _null(mine, theirs, ours.report_of(folder(mine), [folder(theirs)], salt=salt))
    return asdict(outcome), statistics


def _compared(mine: Base, theirs: Base, group: str, strength: str) -> tuple[Outcome, AuditReport | None]:
    """What all methods say of two bases, and the screening's report."""
    sources = [content(inside(one)) for one in (mine, theirs)]
    scores, said = _peers(f"{mine.name} / {theirs.name}", sources, model_of(mine.name), model_of(theirs.name))
    reports = {mode: ours.report_of(folder(mine), [folder(theirs)], full=mode == FULL) for mode in OURS}
    for mode, report in reports.items():
        scores[mode], said[mode] = ours.score(report), ours.finds(report)
    relation = ours.relation(reports[FULL])
    outcome = Outcome(
        name=f"{mine.name} / {theirs.name}",
        group=group,
        strength=strength,
        scores=scores,
        said=said,
        relation=relation.value if relation else None,
        true_r=true_correlation(model_of(mine.name), model_of(theirs.name)),
        bound=ours.detection_bound(reports[SCREENING]),
        facts=_told(reports[FULL]),
    )
    return outcome, reports[SCREENING]


def _null(mine: Base, theirs: Base, report: AuditReport | None) -> list[dict[str, Any]]:
    pair = f"{mine.name} / {theirs.name}"
    tensors = report.tensors if report else ()
    return [{"pair": pair, "role": one.role, "name": one.name, "z": one.z} for one in tensors if one.z is not None]


def independent_pairs() -> list[tuple[Base, Base]]:
    """Pairs of trained bases of one kind that share neither draw nor ancestor."""
    ready = [one for one in BASES if (folder(one) / "training.json").is_file()]
    return [pair for pair in combinations(ready, 2) if kind(pair[0]) == kind(pair[1]) and related(*pair) is None]


def kind(one: Base) -> str:
    """What a base is."""
    if one.config is not None:
        return DECODER
    return AUDIO if one.family == "qwen2_audio" else VISION


def measure_same_draw() -> list[Outcome]:
    """Pairs that share a draw and no training, and a model with what it was grown from."""
    pairs: list[tuple[str, Base, Base]] = [("same draw", mine, theirs) for mine, theirs in same_draw()]
    grown = [(one, other) for one in BASES for other in BASES if one.ancestor == other.name]
    pairs += [("own growth", mine, theirs) for mine, theirs in grown]
    ready = [pair for pair in pairs if all((folder(one) / "training.json").is_file() for one in pair[1:])]
    return [_compared(mine, theirs, group, "")[0] for group, mine, theirs in ready]


def _told(report: AuditReport | None) -> dict[str, Any]:
    components: Iterable[Any] = report.components if report else ()
    return {"explanation": [message.key for one in components for message in one.explanation]}


def say(what: str) -> None:
    """Tell what is being done."""
    print(what, file=sys.stderr, flush=True)


def methods() -> Sequence[str]:
    """All methods, in the order of the tables."""
    return (*(peer.name for peer in PEERS), *OURS)
