"""How sentences call components: by their kind, and by their name where the kind alone would not do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from independence_audit.errors import MalformedError
from independence_audit.evidence.measurement import ComponentEvidence, Message
from independence_audit.report.calling import labels_of, sentences
from independence_audit.report.languages import ENGLISH, KOREAN
from tests.report.sample_reports import inconclusive

PART = inconclusive().components[0]


def part(name: str, kind: str) -> ComponentEvidence:
    """A component of which nothing else matters here."""
    return replace(PART, name=name, kind=kind)


def untested(component: str) -> Message:
    """A sentence about a component."""
    return Message("fact.not_tested", {"component": component, "reason": "scalar"})


def test_a_kind_that_occurs_once_is_enough() -> None:
    """Two of a kind have their names beside it, in the reader's language."""
    parts = [part("visual", "vision_encoder"), part("audio", "audio_encoder"), part("old_audio", "audio_encoder")]
    assert labels_of(parts, ENGLISH) == {
        "visual": "vision encoder",
        "audio": "audio encoder (audio)",
        "old_audio": "audio encoder (old_audio)",
    }
    assert labels_of(parts, KOREAN)["visual"] == "비전 인코더"


def test_a_kind_without_a_word_says_too_little() -> None:
    """Its component has its name beside it, unless that is the kind's own; nothing in either can harm."""
    parts = [part("a\u202eb", "adapter"), part("expert", "expert")]
    assert labels_of(parts, ENGLISH) == {"a\u202eb": "adapter (a\\u202eb)", "expert": "expert"}


def test_a_sentence_begins_with_a_capital() -> None:
    """Where it begins with a kind's word, in a language that has capitals."""
    labels = labels_of([part("visual", "vision_encoder")], ENGLISH)
    assert sentences([untested("visual")], labels, ENGLISH) == ("Vision encoder was not tested: it is a single value.",)
    korean = labels_of([part("visual", "vision_encoder")], KOREAN)
    assert sentences([untested("visual")], korean, KOREAN)[0].startswith("비전 인코더")


def test_a_name_that_no_component_has_stays_as_it_is() -> None:
    """A declaration may name anything."""
    assert sentences([untested("ghost")], {"visual": "vision encoder"}, ENGLISH)[0].startswith("ghost was not tested")


@pytest.mark.parametrize("name", ["projector_old", "projector.2", "projectors"])
def test_a_name_that_begins_with_a_kind_stays_as_it_is(name: str) -> None:
    """Only the word by itself is put into a capital."""
    assert sentences([untested(name)], {}, ENGLISH)[0].startswith(name)
    assert sentences([untested("projector")], {}, ENGLISH)[0].startswith("Projector was")


def test_components_that_one_message_names_are_called_one_by_one() -> None:
    """All of them or none: a name that is a part of another is not replaced in it."""
    labels = {"visual": "vision encoder", "audio": "audio encoder"}

    def said(components: str) -> str:
        return sentences([Message("headline.inconclusive", {"components": components})], labels, ENGLISH)[0]

    assert "Vision encoder, audio encoder: " in said("visual, audio")
    assert "visual, ghost" in said("visual, ghost")
    assert "visual.audio" in said("visual.audio")


def test_a_message_without_words_is_refused() -> None:
    """It is of another version."""
    with pytest.raises(MalformedError, match=r"fact\.from_the_future"):
        sentences([Message("fact.from_the_future")], {}, ENGLISH)
