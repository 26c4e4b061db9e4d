"""What every format shows: the first screen in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from independence_audit.errors import MalformedError
from independence_audit.evidence.audit_report import AuditReport, Outcome
from independence_audit.evidence.measurement import Message
from independence_audit.report.languages import ENGLISH
from independence_audit.report.page import ALIKE, Page, page_of
from tests.report.sample_reports import clean, finding, hostile, inconclusive


def page(report: AuditReport) -> Page:
    """The page in English."""
    return page_of(report, ENGLISH)


def test_title_says_whose_decision_it_is() -> None:
    """The report is a technical reference, and says so beside its title."""
    assert page(finding()).standing == "Technical reference; the decision is the committee's"


def test_synthetic_examples_are_marked() -> None:
    """Shipped examples carry a banner, other reports none."""
    assert page(finding()).banner.startswith("SYNTHETIC EXAMPLE")
    assert page(clean()).banner == ""


def test_identity_names_what_was_audited_and_against_what() -> None:
    """Subject, size, policy and version, N of M references and a digest with its scope are there."""
    rows = dict(page(finding()).identity)
    assert rows["Submission"] == "Example team · Stage 1 · Omni 32B"
    assert rows["References"] == "3 of 4 compared"
    assert rows["Policy"] == "evidence-only 1.0"
    digest = finding().subject.files[0].sha256
    assert digest is not None
    assert rows["SHA-256"].startswith(digest)
    assert "its header and the sampled values" in rows["SHA-256"]
    assert "13 more" in rows["SHA-256"]
    assert "Submission" not in dict(page(clean()).identity)


def test_opinion_has_the_gravest_outcome() -> None:
    """The outcome beside the opinion is the gravest of all criteria; without criteria it is left to documents."""
    assert page(finding()).outcome == Outcome.NOT_MET
    assert page(clean()).outcome == Outcome.MET
    assert page(inconclusive()).outcome == Outcome.NOT_ASSESSED
    assert page(replace(clean(), opinion=replace(clean().opinion, criteria=()))).outcome == Outcome.ON_DOCUMENTS


def test_sentences_call_components_by_their_kind() -> None:
    """A reader meets "audio encoder", with the name beside it where there are two; a name alone is left as it is."""
    assert page(finding()).facts[0].startswith("Audio encoder: 100%")
    report = clean()
    component = replace(report.components[0], name="text_decoder")
    opinion = replace(
        report.opinion, facts=(Message("fact.unrelated", {"component": "text_decoder", "references": 2, "bound": 0.1}),)
    )
    renamed = page(replace(report, components=(component,), opinion=opinion))
    assert renamed.facts[0].startswith("Text decoder: no evidence")
    assert page(hostile()).facts[1].startswith("a|b`c``d\\u000a")


def test_searches_not_made_are_joined() -> None:
    """The same search missing in every component is one sentence, in some it names them, in one it is its own."""
    assert [s.partition(":")[0] for s in page(finding()).open[-2:]] == [
        "Copies moved to other layers or places, in all components",
        "Copies disguised by permuting, scaling or rotating, in all components",
    ]
    report = finding()
    some = tuple(report.summary.not_searched[i] for i in (0, 2, 1))
    joined = page(replace(report, summary=replace(report.summary, not_searched=some))).open[-2:]
    assert "in audio encoder, vision encoder:" in joined[0]
    assert "in audio encoder:" in joined[1]


def test_thousands_of_notices_are_summed_up() -> None:
    """A file with very many hostile names fills no report: a few are spelt out, the rest counted."""
    notices = tuple(Message("notice.hostile_name", {"tensor": f"../{n}"}) for n in range(1000))
    report = replace(clean(), subject=replace(clean().subject, notices=notices))
    shown = page(report).notices
    assert len(shown) == ALIKE + 1
    assert "995 more" in shown[-1]


def test_notices_of_references_name_them() -> None:
    """A notice about a reference's file says which reference."""
    notice = Message("notice.duplicate_copy", {"file": "consolidated.safetensors"})
    reference = replace(clean().references[0], notices=(notice,))
    assert page(replace(clean(), references=(reference,))).notices[0].startswith("GLM-4.5-Air: The file consolidated")


def test_a_message_without_words_stops_the_page() -> None:
    """A report that says what this version cannot word is refused whole."""
    report = replace(clean(), opinion=replace(clean().opinion, facts=(Message("fact.from_the_future"),)))
    with pytest.raises(MalformedError, match=r"fact\.from_the_future"):
        page(report)
