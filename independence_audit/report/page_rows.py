"""The rows that every format shows of a report, worded: components, comparisons, criteria, changes, references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from independence_audit.evidence.audit_report import (
    AuditReport,
    Criterion,
    FileEvidence,
    Outcome,
    Reference,
    Severity,
    gravest_of,
)
from independence_audit.evidence.measurement import ComponentEvidence, Message, RunnerUp
from independence_audit.evidence.relation import Relation
from independence_audit.report import numbers
from independence_audit.report.calling import sentences
from independence_audit.report.plain import shortened, visible
from independence_audit.report.wording import label, word, word_or_name

LONGEST_TEXT = 1000
"""Characters of a quote, a source or a command; the JSON report has all of them."""
REMARK = Severity.REMARK
"""Is called so in place of its outcome, ``review``: it is worth a line, never more."""
UNCOVERED = 0.03
"""Share of a component's parameters from which those that were not compared stand beside its relation. Buffers and
tables of positions, which say nothing and are compared with nothing, stay below."""


@dataclass(frozen=True, slots=True)
class Share:
    """A relation's share of a component's parameters."""

    relation: Relation
    word: str
    fraction: float
    percent: str


@dataclass(frozen=True, slots=True)
class ComponentRow:
    """A component as a row of the component table."""

    name: str
    kind: str
    label: str
    """What sentences call it."""
    parameters: str
    relation: Relation
    word: str
    reference: str
    r: str
    unchanged: str
    outcome: Outcome | None
    outcome_word: str
    shares: tuple[Share, ...]
    uncovered: str
    """The share of its parameters that was not compared, where it is considerable; else empty."""
    beside: str
    """The reference that the layers and tensors were held beside: the nearest one; empty where there was none."""


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """A component beside one reference; the nearest reference of a component comes first."""

    component: str
    reference: str
    relation: Relation
    word: str
    r: str
    joint_z: str
    p_value: str
    bound: str
    note: str


@dataclass(frozen=True, slots=True)
class CriterionRow:
    """A criterion of the policy in words."""

    id: str
    name: str
    """What the criterion is called; empty where the row above is of the same one, whose quote it rests on as well."""
    outcome: Outcome
    outcome_word: str
    finding: str
    quote: str
    source: str
    evidence: tuple[str, ...]
    """What supports the finding and is not said among the facts already."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What was done to the weights that a component shares, and what repeats inside it."""

    label: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file with what identifies it."""

    name: str
    size: str
    digest: str
    scope: str


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """A reference with where it comes from and whether it was compared."""

    name: str
    status: str
    owner: str
    source: str
    licence: str
    ancestors: str
    sampler: str
    files: tuple[FileRow, ...]


def file_row(file: FileEvidence, lang: str) -> FileRow:
    """Word one of the subject's files."""
    return FileRow(
        name=visible(file.name),
        size=numbers.size(file.size),
        digest=visible(file.sha256) if file.sha256 else numbers.NONE,
        scope=word("digest_scope", file.digest_scope, lang) if file.digest_scope else numbers.NONE,
    )


def component_row(
    component: ComponentEvidence, report: AuditReport, labels: Mapping[str, str], lang: str
) -> ComponentRow:
    """Word one component: what it is, what it is to its reference, and what was left out."""
    gravest = gravest_of(component.name, report.opinion.criteria)
    outcome = gravest.outcome if gravest else None
    uncovered = uncovered_share(component)
    return ComponentRow(
        name=visible(component.name),
        kind=word_or_name("kind", component.kind, lang),
        label=labels[component.name],
        parameters=numbers.count(component.parameters),
        relation=component.relation,
        word=word("relation", component.relation, lang),
        reference=visible(component.reference) if component.reference is not None else numbers.NONE,
        r=numbers.coefficient(component.r),
        unchanged=numbers.percent(component.relations.get(Relation.IDENTICAL, 0.0)),
        outcome=outcome,
        outcome_word=word("outcome", outcome, lang) if outcome else numbers.NONE,
        shares=tuple(
            Share(relation, word("relation", relation, lang), share, numbers.percent(share))
            for relation in Relation
            if (share := component.relations.get(relation, 0.0)) > 0.0
        ),
        uncovered=label("uncovered", lang, share=uncovered) if uncovered else "",
        beside=_measured_beside(component),
    )


def comparison_rows(
    component: ComponentEvidence, references: Sequence[Reference], lang: str
) -> tuple[ComparisonRow, ...]:
    """Word one component beside every reference that it was compared with."""
    packaged = {one.name: word("standing", one.made_from.standing, lang) for one in references if one.made_from}
    found = () if component.reference is None and component.runners_up else (_nearest(component),)
    return tuple(
        ComparisonRow(
            component=visible(component.name),
            reference=with_part(other.reference, other.reference_component, packaged.get(other.reference, "")),
            relation=other.relation,
            word=word("relation", other.relation, lang),
            r=numbers.coefficient(other.r),
            joint_z=numbers.score(other.joint_z),
            p_value=numbers.p_value(other.p_value),
            bound=numbers.coefficient(other.detection_bound),
            note=word("reason", other.reason, lang)
            if other.reason
            else label("any_basis", lang)
            if other.any_basis
            else "",
        )
        for other in (*found, *component.runners_up)
    )


def control_rows(component: ComponentEvidence) -> tuple[tuple[str, ...], ...]:
    """Word the controls of one component: the reference, the bound, z as it is and shuffled, and z by r."""
    return tuple(
        (
            visible(component.name),
            with_part(other.reference, other.reference_component),
            numbers.coefficient(control.bound),
            numbers.score(control.z),
            numbers.score(control.negative_z),
            ", ".join(f"{numbers.coefficient(point.r)}: {numbers.score(point.z)}" for point in control.points),
        )
        for other in component.runners_up
        if (control := other.control) is not None
    )


def _nearest(component: ComponentEvidence) -> RunnerUp:
    """Tell the component's own relation as a comparison with its reference, if it has one."""
    return RunnerUp(
        reference=component.reference or "",
        reference_component=component.reference_component,
        relation=component.relation,
        p_value=component.p_value,
        r=component.r,
        joint_z=component.joint_z,
        detection_bound=component.detection_bound,
        reason=component.reason,
    )


def with_part(reference: str, part: str | None, standing: str = "") -> str:
    """Name a reference, with the part of it that is meant in brackets, and what is said of where it was had."""
    if not reference:
        return numbers.NONE
    said = f", {standing}" if standing else ""
    return f"{visible(reference)} ({visible(part)}){said}" if part else f"{visible(reference)}{said}"


def _measured_beside(component: ComponentEvidence) -> str:
    if component.reference is not None:
        return visible(component.reference)
    return visible(component.runners_up[0].reference) if component.runners_up else ""


def layers_title(row: ComponentRow, lang: str) -> str:
    """Head a component's layers: what it is, and beside which reference it was held."""
    return label("layers_of", lang, component=row.label, reference=row.beside) if row.beside else row.label


def criterion_rows(report: AuditReport, labels: Mapping[str, str], lang: str) -> tuple[CriterionRow, ...]:
    """All criteria in words; what several rows of one criterion have in common is said once."""
    rows: list[CriterionRow] = []
    above: tuple[str, str | None, str | None] | None = None
    for criterion in report.opinion.criteria:
        row = _criterion_row(criterion, report, labels, lang)
        common = (_rule_of(criterion), criterion.quote, criterion.source)
        rows.append(replace(row, name="", quote="", source="") if common == above else row)
        above = common
    return tuple(rows)


def _rule_of(criterion: Criterion) -> str:
    """The criterion's identifier without the component that a policy puts behind it."""
    ending = f"/{criterion.component}"
    return criterion.id.removesuffix(ending) if criterion.component else criterion.id


def _criterion_row(criterion: Criterion, report: AuditReport, labels: Mapping[str, str], lang: str) -> CriterionRow:
    said = report.opinion.facts
    return CriterionRow(
        id=visible(criterion.id),
        name=word_or_name("criterion_name", _rule_of(criterion), lang),
        outcome=criterion.outcome,
        outcome_word=word("outcome", REMARK if criterion.severity == REMARK else criterion.outcome, lang),
        finding=" ".join((sentences([criterion.message], labels, lang)[0], *_suppression(criterion, lang))),
        quote=shortened(visible(criterion.quote), LONGEST_TEXT) if criterion.quote else "",
        source=shortened(visible(criterion.source), LONGEST_TEXT) if criterion.source else "",
        evidence=sentences((message for message in criterion.evidence if message not in said), labels, lang),
    )


def _suppression(criterion: Criterion, lang: str) -> Iterator[str]:
    """Say who suppresses a criterion, why and until when; nothing where nobody does."""
    said = criterion.suppression
    if said is not None:
        key = "suppression_expired" if said.expired else "suppressed"
        words = label(key, lang, reason=said.reason, owner=said.owner, expires=said.expires)
        yield f"[{words}]"


def change_rows(report: AuditReport, labels: Mapping[str, str], lang: str) -> tuple[Changes, ...]:
    """Word what was done to a reference's weights, for the components that have any of it."""
    said = {
        component.name: sentences((*component.changes, *_direction(component), *component.repeated), labels, lang)
        for component in report.components
    }
    return tuple(Changes(labels[name], worded) for name, worded in said.items() if worded)


def _direction(component: ComponentEvidence) -> Iterator[Message]:
    """Which of both came first; nothing in reports of earlier versions, which did not say it."""
    if component.came_first is not None:
        yield component.came_first.message


def reference_row(reference: Reference, lang: str) -> ReferenceRow:
    """Word one reference: what became of it, and where its facts are from."""
    status = word("status", reference.status, lang)
    reason = word("reason", reference.reason, lang) if reference.reason else ""
    return ReferenceRow(
        name=visible(reference.name),
        status=f"{status}: {reason}" if reason else status,
        owner=joined(reference.owner, reference.country),
        source=joined(reference.source, reference.revision, _standing(reference, lang)),
        licence=joined(reference.licence),
        ancestors=joined(*reference.derived_from),
        sampler=joined(reference.sampler),
        files=tuple(file_row(file, lang) for file in reference.files),
    )


def _standing(reference: Reference, lang: str) -> str | None:
    return word("standing", reference.made_from.standing, lang) if reference.made_from else None


def joined(*parts: str | None) -> str:
    """Put visible parts in one cell; a dash where there is none."""
    return ", ".join(visible(part) for part in parts if part) or numbers.NONE


def uncovered_share(component: ComponentEvidence) -> float:
    """The share of a component that was not compared, if it is considerable and not the whole of it."""
    share = component.relations.get(Relation.NOT_TESTED, 0.0)
    return share if share > UNCOVERED and component.relation != Relation.NOT_TESTED else 0.0
