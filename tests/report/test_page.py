"""What every format shows: the first screen in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from independence_audit.errors import MalformedError
from independence_audit.evidence.audit_report import AuditReport, Outcome, Severity
from independence_audit.evidence.measurement import Message
from independence_audit.evidence.relation import Relation
from independence_audit.report.languages import ENGLISH
from independence_audit.report.page import ALIKE, Page, page_of
from independence_audit.report.page_rows import layers_title
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


def test_components_carry_their_gravest_outcome() -> None:
    """A component with several criteria shows the one that weighs most; without a criterion it shows none."""
    report = clean()
    met = report.opinion.criteria[0]
    review = replace(met, outcome=Outcome.REVIEW, severity=Severity.REVIEW)
    several = replace(report, opinion=replace(report.opinion, criteria=(met, review, met)))
    assert page(several).components[0].outcome == Outcome.REVIEW
    foreign = replace(report, opinion=replace(report.opinion, criteria=(replace(met, component="other"),)))
    assert page(foreign).components[0].outcome_word == "–"


def test_component_rows() -> None:
    """A row has relation, reference, r, the unchanged share and the shares of every relation that occurs."""
    audio, vision, text, _ = page(finding()).components
    assert (audio.kind, audio.word, audio.reference, audio.unchanged) == (
        "audio encoder",
        "identical",
        "Qwen2-Audio",
        "99.70%",
    )
    assert [share.relation for share in audio.shares] == [Relation.IDENTICAL, Relation.UNINFORMATIVE]
    assert vision.r == "0.9826"
    assert (text.reference, text.unchanged) == ("–", "0%")


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


def test_comparisons_begin_with_the_nearest() -> None:
    """Every reference that was compared is listed with its figures, and what met none with the reason."""
    rows = page(finding()).comparisons
    assert [(row.component, row.reference, row.word) for row in rows] == [
        ("model.audio_model", "Qwen2-Audio (audio_tower)", "identical"),
        ("model.audio_model", "Qwen2.5-Omni (thinker.audio_tower)", "related"),
        ("model.vision_model", "Qwen2.5-VL (visual)", "related"),
        ("model.language_model", "Qwen2.5-VL (model)", "unrelated"),
        ("model.video_audio_compressor", "–", "not tested"),
    ]
    assert rows[-1].note == "no reference has a component of this kind"


def test_layers_are_headed_by_what_they_were_held_beside() -> None:
    """The nearest reference is named also where nothing was found; without any the component stands alone."""
    titles = [layers_title(row, ENGLISH) for row in page(finding()).components]
    assert titles[2] == "text decoder, beside Qwen2.5-VL"
    assert titles[3] == "compressor"


def test_evidence_does_not_repeat_the_facts() -> None:
    """A criterion's evidence is said once: among the facts, or under the criterion."""
    audio, vision, *_ = page(finding()).criteria
    assert audio.evidence == ()
    assert [sentence.partition(":")[0] for sentence in vision.evidence] == ["Vision encoder"]


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


def test_references_that_were_not_compared_say_why() -> None:
    """The status carries its reason."""
    assert page(finding()).references[-1].status == "not available: it has no component in common with the subject"


def test_a_message_without_words_stops_the_page() -> None:
    """A report that says what this version cannot word is refused whole."""
    report = replace(clean(), opinion=replace(clean().opinion, facts=(Message("fact.from_the_future"),)))
    with pytest.raises(MalformedError, match=r"fact\.from_the_future"):
        page(report)
