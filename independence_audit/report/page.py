"""What every format shows of a report, worded: the first screen, the components, the criteria, where numbers come from.

All strings are plain text whose names are visible; each format escapes them for its own markup and cuts long ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from independence_audit.evidence.audit_report import (
    Account,
    AccountedFile,
    AuditReport,
    FileEvidence,
    Outcome,
    badge_of,
)
from independence_audit.evidence.measurement import ComponentEvidence, Message, TensorEvidence
from independence_audit.evidence.relation import NAMED, STRENGTH, Relation
from independence_audit.report import numbers
from independence_audit.report.calling import SEPARATOR, labels_of, sentences
from independence_audit.report.dates import moment
from independence_audit.report.declared_rows import DeclaredRow, declared_rows
from independence_audit.report.page_rows import (
    LONGEST_TEXT,
    Changes,
    ComparisonRow,
    ComponentRow,
    CriterionRow,
    FileRow,
    ReferenceRow,
    change_rows,
    comparison_rows,
    component_row,
    criterion_rows,
    file_row,
    reference_row,
    uncovered_share,
)
from independence_audit.report.plain import shortened, visible
from independence_audit.report.wording import LONGEST_NAME, label, say, word

MOST_FOUND = 8
"""Components whose relations stand in the opinion; the table of components has all of them."""
MOST_ACCOUNTS = 40
"""Files of a submission whose account is spelt out."""
ALIKE = 5
"""How many notices of one kind are spelt out; a hostile file could bring thousands."""


@dataclass(frozen=True, slots=True)
class Page:
    """The whole report but for its layers, tensors and charts."""

    title: str
    standing: str
    subject: str
    banner: str
    identity: tuple[tuple[str, str], ...]
    """What was audited, how and against what; the subject's first digests last."""
    files: tuple[FileRow, ...]
    outcome: Outcome
    outcome_word: str
    opinion: str
    found: str
    """Every relation to a reference that was found, whatever the policy makes of it; empty where there is none."""
    compared: str
    """How many of the references were compared; stands beside the opinion."""
    facts: tuple[str, ...]
    open: tuple[str, ...]
    """What stands in the way of a conclusion, was not compared or not searched."""
    components: tuple[ComponentRow, ...]
    comparisons: tuple[ComparisonRow, ...]
    criteria: tuple[CriterionRow, ...]
    declaration: tuple[DeclaredRow, ...]
    changes: tuple[Changes, ...]
    """Of the components that have any."""
    cannot_judge: tuple[str, ...]
    would_change: tuple[str, ...]
    command: str
    notices: tuple[str, ...]
    references: tuple[ReferenceRow, ...]
    provenance: tuple[tuple[str, str], ...]


def page_of(report: AuditReport, lang: str) -> Page:
    """Word everything that every format shows.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    opinion = report.opinion
    labels = labels_of(report.components, lang)
    outcome = badge_of(report)
    return Page(
        title=label("title", lang),
        standing=label("standing", lang),
        subject=visible(report.submission.model or report.subject.name),
        banner=label("synthetic", lang) if report.subject.synthetic else "",
        identity=_identity(report, lang),
        files=tuple(file_row(file, lang) for file in report.subject.files),
        outcome=outcome,
        outcome_word=word("outcome", outcome, lang),
        opinion=sentences([opinion.headline], labels, lang)[0],
        found=_found(report.components, labels, lang),
        compared=_compared(report, lang),
        facts=sentences(opinion.facts, labels, lang),
        open=_open(report, labels, lang),
        components=tuple(component_row(component, report, labels, lang) for component in report.components),
        comparisons=tuple(
            row for component in report.components for row in comparison_rows(component, report.references, lang)
        ),
        criteria=criterion_rows(report, labels, lang),
        declaration=declared_rows(report.declaration, labels, lang),
        changes=change_rows(report, labels, lang),
        cannot_judge=sentences(opinion.cannot_judge, labels, lang),
        would_change=sentences(opinion.would_change, labels, lang),
        command=shortened(visible(report.run.command), LONGEST_TEXT),
        notices=_notices(report, lang),
        references=tuple(reference_row(reference, lang) for reference in report.references),
        provenance=_provenance(report, lang),
    )


def _found(components: Sequence[ComponentEvidence], labels: Mapping[str, str], lang: str) -> str:
    named = sorted((c for c in components if c.relation in NAMED), key=lambda c: -STRENGTH[c.relation])
    parts = [
        label(
            "found_one",
            lang,
            component=labels[component.name],
            reference=component.reference or numbers.NONE,
            relation=component.relation.value,
        )
        for component in named[:MOST_FOUND]
    ]
    if len(named) > MOST_FOUND:
        parts.append(label("found_more", lang, number=len(named) - MOST_FOUND))
    return label("found", lang, found="; ".join(parts)) if parts else ""


def _open(report: AuditReport, labels: Mapping[str, str], lang: str) -> tuple[str, ...]:
    """Everything that an outcome without it would be read to include."""
    undecided = report.opinion.undecided
    told = [(fact,) for fact in report.opinion.facts]
    said = [
        *report.summary.incomplete,
        *([Message("open.undecided", {"components": ", ".join(undecided)})] if undecided else ()),
        *(
            Message("open.because", {"component": component.name, "reason": component.reason})
            for component in report.components
            if component.name in undecided and component.reason and component.explanation[:1] not in told
        ),
        *(
            Message(
                "open.uncovered",
                {"component": component.name, "share": share, "reason": _why_uncovered(component, report.tensors)},
            )
            for component in report.components
            if (share := uncovered_share(component)) > 0.0
        ),
        *_merged(report, labels, lang),
    ]
    return sentences(said, labels, lang)


def _why_uncovered(component: ComponentEvidence, tensors: Iterable[TensorEvidence]) -> str | None:
    """Why most of what was not compared was not."""
    reasons: Counter[str] = Counter()
    for tensor in tensors:
        if tensor.component == component.name and tensor.relation == Relation.NOT_TESTED and tensor.reason:
            reasons[tensor.reason] += tensor.parameters
    return max(reasons, key=lambda reason: (reasons[reason], reason), default=None)


def _merged(report: AuditReport, labels: Mapping[str, str], lang: str) -> tuple[Message, ...]:
    """Join what was not searched where nothing but the component differs."""
    joined: dict[tuple[object, ...], list[Message]] = {}
    for message in report.summary.not_searched:
        rest = tuple((name, value) for name, value in message.data.items() if name != "component")
        joined.setdefault((message.key, rest), []).append(message)
    return tuple(_of_all(messages, labels, lang) for messages in joined.values())


def _of_all(messages: Sequence[Message], labels: Mapping[str, str], lang: str) -> Message:
    if len(messages) == 1:
        return messages[0]
    names = SEPARATOR.join(labels.get(name, name) for name in (str(each.data.get("component")) for each in messages))
    if len(messages) == len(labels):
        names = label("all_components", lang)
    return replace(messages[0], data={**messages[0].data, "component": names})


def _identity(report: AuditReport, lang: str) -> tuple[tuple[str, str], ...]:
    submission, subject, opinion = report.submission, report.subject, report.opinion
    submitted = " · ".join(visible(part) for part in (submission.team, submission.stage, submission.model) if part)
    total, compared = len(report.references), sum(r.status == "compared" for r in report.references)
    size = label(
        "subject_size",
        lang,
        parameters=subject.parameters,
        files=len(subject.files),
        bytes=sum(file.size for file in subject.files),
    )
    rows = (
        ("submission", submitted),
        ("subject", visible(subject.name)),
        ("size", size),
        ("mode", label("read", lang, bytes=subject.read_bytes, mode=report.settings.mode)),
        ("policy", f"{visible(opinion.policy)} {visible(opinion.policy_version)}"),
        ("references", label("references_compared", lang, compared=compared, total=total)),
        ("digest", _digests(subject.files, lang)),
    )
    return tuple((label(key, lang), text) for key, text in rows if text)


def _compared(report: AuditReport, lang: str) -> str:
    """How many references were compared, what became of the others, and whether some were allowed to be missing."""
    count = Counter(reference.status for reference in report.references)
    parts = [label("references_counted", lang, compared=count["compared"], total=count.total())]
    parts += [
        label(key, lang, number=count[status])
        for key, status in (("references_missing", "not_available"), ("references_incomparable", "incomparable"))
        if count[status]
    ]
    if report.settings.allow_missing:
        parts.append(label("references_allowed", lang))
    return "; ".join(parts)


def _digests(files: Sequence[FileEvidence], lang: str) -> str:
    """What identifies the subject: the digest of its first file, with what it covers, and how many more there are."""
    if not files:
        return numbers.NONE
    first = file_row(files[0], lang)
    more = label("more_files", lang, number=len(files) - 1) if len(files) > 1 else ""
    return "; ".join(part for part in (f"{first.digest} ({first.name}: {first.scope})", more) if part)


def _notices(report: AuditReport, lang: str) -> tuple[str, ...]:
    named = [
        ("", report.subject.notices),
        *((f"{shortened(visible(r.name), LONGEST_NAME)}: ", r.notices) for r in report.references),
    ]
    return tuple(prefix + sentence for prefix, notices in named for sentence in _some_of_each_kind(notices, lang))


def _some_of_each_kind(notices: Sequence[Message], lang: str) -> Iterable[str]:
    for key in dict.fromkeys(notice.key for notice in notices):
        alike = [notice for notice in notices if notice.key == key]
        yield from (say(notice, lang) for notice in alike[:ALIKE])
        if len(alike) > ALIKE:
            yield label("more_notices", lang, number=len(alike) - ALIKE)


def _provenance(report: AuditReport, lang: str) -> tuple[tuple[str, str], ...]:
    settings, run = report.settings, report.run
    rows = (
        ("tool", f"{visible(report.tool.name)} {visible(report.tool.version)}"),
        ("schema_version", visible(report.schema_version)),
        ("mode", word("mode", settings.mode, lang)),
        ("alpha", f"{settings.alpha:.2g}"),
        ("tests", numbers.count(report.summary.tests)),
        ("sampler", visible(settings.sampler)),
        ("policy", f"{visible(report.opinion.policy)} {visible(report.opinion.policy_version)}"),
        ("policy_digest", visible(settings.policy_digest)),
        ("library_digest", visible(settings.library_digest) if settings.library_digest else numbers.NONE),
        ("accounts", _accounts(report.subject.accounts, lang)),
        ("date", moment(run.date, lang)),
        ("host", visible(run.host)),
        ("command", visible(run.command)),
    )
    return tuple((label(key, lang), text) for key, text in rows if text)


def _accounts(files: Sequence[AccountedFile], lang: str) -> str:
    """What became of the files of the submission; those that nobody judged come first, and the JSON report has all."""
    ordered = sorted(files, key=lambda file: file.account != Account.NOT_JUDGED)
    rows = [
        f"{shortened(visible(file.name), LONGEST_NAME)} ({numbers.size(file.size)}): "
        + word("account", file.account, lang)
        + (f", {word('account_reason', file.reason, lang)}" if file.reason else "")
        for file in ordered[:MOST_ACCOUNTS]
    ]
    more = [label("more_files", lang, number=len(files) - MOST_ACCOUNTS)] if len(files) > MOST_ACCOUNTS else []
    return "; ".join((*rows, *more))
