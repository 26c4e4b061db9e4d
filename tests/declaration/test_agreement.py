"""Declared beside found: every agreement, by evidence alone."""

from __future__ import annotations

import pytest

from independence_audit.declaration.agreement import hold
from independence_audit.declaration.declaration_file import Declaration, Entry
from independence_audit.evidence.declared_origin import Agreement, Origin
from independence_audit.evidence.measurement import ComponentEvidence
from independence_audit.evidence.relation import Relation
from tests.declaration.evidence import REFERENCES, against, component

HUB = "Qwen/Qwen2.5-VL-7B-Instruct"
START, FROZEN, OWN, BUILT = Origin.INITIALISED_FROM, Origin.FROZEN_FROM, Origin.FROM_SCRATCH, Origin.ARCHITECTURE_FROM
RELATED, IDENTICAL, UNRELATED = Relation.RELATED, Relation.IDENTICAL, Relation.UNRELATED
TABLES = Relation.TOKEN_TABLES


def agreements(declared: list[Entry], *components: ComponentEvidence) -> list[Agreement]:
    """What entries come to."""
    evidence = hold(Declaration("independence.toml", "0" * 64, tuple(declared)), components, REFERENCES)
    return [one.agreement for one in evidence.components]


def entry(origin: Origin | None, source: str = HUB, licence: str = "apache-2.0", name: str = "visual") -> Entry:
    """An entry of one component."""
    return Entry(name, origin, (source,) if source else (), licence)


@pytest.mark.parametrize(
    ("declared", "found", "agreement"),
    [
        (entry(START), component(RELATED), Agreement.AGREED),
        (entry(START, "hf://qwen/qwen2.5-vl-7b-instruct@main"), component(RELATED), Agreement.AGREED),
        (entry(START, name="vision_encoder"), component(RELATED), Agreement.AGREED),
        (entry(START), component(RELATED, reference="tuned"), Agreement.AGREED),
        (entry(START), component(RELATED, against("qwen2.5-vl-7b", RELATED), reference="x"), Agreement.AGREED),
        (entry(FROZEN), component(IDENTICAL), Agreement.AGREED),
        (entry(START), component(IDENTICAL), Agreement.OTHER_DEGREE),
        (entry(FROZEN), component(RELATED), Agreement.OTHER_DEGREE),
        (entry(START, licence=""), component(RELATED), Agreement.ATTRIBUTION_MISSING),
        (entry(START, ""), component(RELATED), Agreement.ATTRIBUTION_MISSING),
        (entry(START), component(RELATED, reference="llama-3-8b"), Agreement.UNDECLARED_DERIVATION),
        (entry(OWN, ""), component(RELATED), Agreement.UNDECLARED_DERIVATION),
        (entry(OWN, ""), component(UNRELATED), Agreement.AGREED),
        (entry(OWN, ""), component(Relation.INCONCLUSIVE), Agreement.NOT_CHECKED),
        (entry(BUILT), component(UNRELATED), Agreement.AGREED),
        (entry(BUILT, ""), component(UNRELATED), Agreement.ATTRIBUTION_MISSING),
        (entry(BUILT), component(IDENTICAL), Agreement.UNDECLARED_DERIVATION),
        (entry(START), component(UNRELATED, against("qwen2.5-vl-7b", UNRELATED)), Agreement.DECLARED_NOT_FOUND),
        (entry(START), component(UNRELATED, against("llama-3-8b", UNRELATED)), Agreement.NOT_CHECKED),
        (
            entry(START),
            component(Relation.INCONCLUSIVE, against("qwen2.5-vl-7b", Relation.INCONCLUSIVE)),
            Agreement.NOT_CHECKED,
        ),
        (entry(START), component(TABLES), Agreement.TABLES_ONLY),
        (entry(FROZEN), component(TABLES), Agreement.TABLES_ONLY),
        (entry(OWN, ""), component(TABLES), Agreement.TABLES_ONLY),
        (entry(BUILT), component(TABLES), Agreement.TABLES_ONLY),
        (entry(START), component(TABLES, against("qwen2.5-vl-7b", TABLES), reference="x"), Agreement.TABLES_ONLY),
        (
            entry(START),
            component(TABLES, against("qwen2.5-vl-7b", UNRELATED), reference="llama-3-8b"),
            Agreement.DECLARED_NOT_FOUND,
        ),
        (entry(START), component(TABLES, reference="llama-3-8b"), Agreement.NOT_CHECKED),
        (entry(None), component(UNRELATED), Agreement.NOT_FILLED_IN),
        (entry(None, ""), component(UNRELATED), Agreement.NOT_FILLED_IN),
        (entry(None), component(TABLES), Agreement.NOT_FILLED_IN),
        (entry(None), component(Relation.INCONCLUSIVE), Agreement.NOT_FILLED_IN),
        (entry(None), component(RELATED), Agreement.NOT_FILLED_IN),
        (entry(None, ""), component(RELATED), Agreement.UNDECLARED_DERIVATION),
        (entry(None), component(RELATED, reference="llama-3-8b"), Agreement.UNDECLARED_DERIVATION),
    ],
)
def test_agreement(declared: Entry, found: ComponentEvidence, agreement: Agreement) -> None:
    """One component, one entry."""
    assert agreements([declared], found) == [agreement]


def test_nothing_declared() -> None:
    """A finding without an entry is undeclared; nothing beside nothing is just that."""
    found = agreements([], component(RELATED), component(UNRELATED, name="decoder", kind="text_decoder"))
    assert found == [Agreement.UNDECLARED_DERIVATION, Agreement.NOT_DECLARED]


def test_token_tables_without_an_entry_are_neither_declared_nor_a_derivation() -> None:
    """That nothing was found would be false, and that weights are shared is not shown."""
    assert agreements([], component(TABLES)) == [Agreement.TABLES_ONLY]


def test_a_component_that_does_not_exist_is_shown() -> None:
    """A misspelt component is never accepted in silence, and does not cover the real one."""
    found = agreements([entry(START, name="vizual")], component(RELATED))
    assert found == [Agreement.UNDECLARED_DERIVATION, Agreement.NO_SUCH_COMPONENT]


def test_a_kind_that_two_components_have_names_neither() -> None:
    """Which of two encoders is meant cannot be guessed."""
    found = agreements([entry(START, name="vision_encoder")], component(RELATED), component(UNRELATED, name="second"))
    assert found == [Agreement.UNDECLARED_DERIVATION, Agreement.NOT_DECLARED, Agreement.NO_SUCH_COMPONENT]


def test_what_a_card_says_of_the_whole_needs_one_component() -> None:
    """A base model found in the decoder says nothing about the tower; found nowhere, it was not found."""
    card = [entry(START, "llama-3-8b", name="*")]
    tower = component(UNRELATED, against("llama-3-8b", UNRELATED))
    decoder = component(IDENTICAL, name="decoder", kind="text_decoder", reference="llama-3-8b")
    assert agreements(card, tower, decoder) == [Agreement.NOT_DECLARED, Agreement.AGREED]
    assert agreements(card, tower) == [Agreement.DECLARED_NOT_FOUND]
