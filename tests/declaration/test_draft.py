"""Drafts: valid declarations of every component, whatever the names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from independence_audit.anatomy import Component, Kind
from independence_audit.declaration.card import Card
from independence_audit.declaration.draft import draft
from independence_audit.declaration.file import parse_declaration
from independence_audit.evidence.declaration import Origin

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


def test_without_a_card_weights_are_drafted_as_own() -> None:
    """What nobody says is left for the team to correct."""
    text = draft([Component("model", Kind.TEXT_DECODER, "llama", 1000)], None, {"_name_or_path": 7})
    (entry,) = parse_declaration(text.encode(), "draft").entries
    assert entry.origin is Origin.FROM_SCRATCH
