"""Drafts: valid declarations of every component, whatever the names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.anatomy import Component, Kind
from independence_audit.declaration.card import Card
from independence_audit.declaration.declaration_file import parse_declaration
from independence_audit.declaration.draft import adapter_of, draft
from independence_audit.evidence.declared_origin import Origin

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(st.lists(NAMES, min_size=1, max_size=3, unique=True), NAMES, NAMES)
def test_a_draft_is_a_declaration(names: list[str], family: str, base: str) -> None:
    """Line breaks, quotes and control characters in names stay inside their strings and comments."""
    components = [Component(name, Kind.TEXT_DECODER, family, 1000) for name in names]
    card = Card("0" * 64, (base, base), "finetune", "mit")
    declaration = parse_declaration(draft(components, card, {"_name_or_path": base}).encode(), "draft")
    assert [entry.name for entry in declaration.entries] == names
    assert {entry.sources for entry in declaration.entries} == {(base,)}
    assert declaration.licence == "mit"


@pytest.mark.parametrize("card", [None, Card("0" * 64, ("a/b",), "finetune", "mit")], ids=["no card", "card"])
def test_an_origin_is_left_for_the_team_to_say(card: Card | None) -> None:
    """Neither weights nor a card say that weights are a team's own, or what they were made from."""
    text = draft([Component("model", Kind.TEXT_DECODER, "llama", 1000)], card, {"_name_or_path": 7})
    (entry,) = parse_declaration(text.encode(), "draft").entries
    assert entry.origin is None


@given(NAMES, NAMES)
def test_an_adapter_comes_from_its_base(base: str, kind: str) -> None:
    """Whatever its config calls them."""
    adapter = adapter_of({"base_model_name_or_path": base, "peft_type": kind})
    text = draft([Component("model", Kind.OTHER, "generic", 1000)], None, {}, adapter)
    (entry,) = parse_declaration(text.encode(), "draft").entries
    assert (entry.origin, entry.sources) == (Origin.INITIALISED_FROM, (base,))


def test_an_adapter_without_a_base_has_no_source() -> None:
    """Which model it changes is then for the team to say."""
    text = draft([Component("model", Kind.OTHER, "generic", 1000)], None, {}, adapter_of({"peft_type": ["LORA"]}))
    (entry,) = parse_declaration(text.encode(), "draft").entries
    assert (entry.origin, entry.sources) == (Origin.INITIALISED_FROM, ())
