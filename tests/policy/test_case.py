"""What rules ask of a component: whose the match is, under which licence, and what the team declared of it."""

from __future__ import annotations

import pytest

from independence_audit.anatomy import Kind
from independence_audit.evidence.audit_report import Reference
from independence_audit.evidence.declared_origin import DeclarationEvidence, Rights
from independence_audit.evidence.measurement import ComponentEvidence
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.policy.case import (
    Known,
    Licence,
    case_of,
    country_of,
    is_possible,
    judged_as,
    kind_of,
    licence_class,
    owner_of,
    rights_of,
    same_licence,
)
from independence_audit.policy.criteria import NONE, OTHER

THEIRS = Reference("known", "compared", owner="Alibaba Cloud", country="CN", licence="Apache-2.0")
NOBODY = Known(verified=True)


def component(relation: Relation, kind: str = "projector", reference_kind: str | None = None) -> ComponentEvidence:
    """A component as far as a case looks at it."""
    return ComponentEvidence(
        name="connector",
        kind=kind,
        family="mlp",
        parameters=10,
        relation=relation,
        relations={relation: 1.0},
        reference="known" if relation in FOUND else None,
        reference_component=None,
        p_value=None,
        r=None,
        joint_z=None,
        detection_bound=None,
        reference_kind=reference_kind,
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [("apache-2.0", "apache-2.0"), ("Apache-2.0", "apache-2.0"), ("apache 2.0", "apache_2.0"), (" MIT ", "mit")],
)
def test_one_licence_has_many_spellings(one: str, other: str) -> None:
    """Of one class, and the same in either order."""
    assert same_licence(one, other)
    assert same_licence(other, one)
    assert licence_class(one) == licence_class(other) == Licence.PERMISSIVE


@pytest.mark.parametrize(("one", "other"), [("apache-2.0", "mit"), ("gpl-2.0", "gpl-20"), ("llama3", "llama3.1")])
def test_licences_that_differ_by_a_sign_differ(one: str, other: str) -> None:
    """A point in a number is no spelling."""
    assert not same_licence(one, other)


def test_an_unknown_licence_is_of_no_class() -> None:
    """Nor is none at all."""
    assert licence_class("made-up") == licence_class("") == licence_class(None) == Licence.UNKNOWN


def test_a_match_has_an_owner_a_country_and_a_licence() -> None:
    """Where nothing is shared there is nobody to ask."""
    found = case_of(component(Relation.IDENTICAL), Kind.PROJECTOR, {"known": THEIRS}, NOBODY).words
    assert (found["owners"], found["countries"], found["licences"]) == ("foreign", "CN", "permissive")
    clear = case_of(component(Relation.UNRELATED), Kind.PROJECTOR, {"known": THEIRS}, NOBODY).words
    assert {clear[name] for name in ("owners", "countries", "licences")} == {NONE}
    assert is_possible(found)
    assert is_possible(clear)
    assert not is_possible({**clear, "owners": "foreign"})


def test_a_team_owns_what_bears_its_name() -> None:
    """However it is spelt; what only the declaration says is a claim."""
    claimed = DeclarationEvidence("independence.toml", (), team="alibaba-cloud")
    assert owner_of(THEIRS, Known(verified=True, team="ALIBABA  cloud")) == "own"
    assert owner_of(THEIRS, Known(verified=True, declaration=claimed)) == "claimed"
    assert owner_of(THEIRS, NOBODY) == owner_of(None, NOBODY) == "foreign"


def test_a_country_is_a_code_or_another() -> None:
    """Nothing that somebody wrote into a catalogue becomes a word of rules."""
    assert country_of(THEIRS) == "CN"
    assert {
        country_of(one) for one in (None, Reference("a", "compared"), Reference("b", "compared", country="China"))
    } == {OTHER}


def test_a_kind_is_a_label() -> None:
    """An unknown word is another kind; who shares a decoder's weights is judged as a decoder as well."""
    assert kind_of(component(Relation.UNRELATED, "spaceship")) == Kind.OTHER
    decoders = (Kind.TEXT_DECODER,)
    assert judged_as(component(Relation.IDENTICAL, "projector", "text_decoder"), decoders) == Kind.TEXT_DECODER
    assert judged_as(component(Relation.UNRELATED, "projector", "text_decoder"), decoders) is None
    assert judged_as(component(Relation.UNRELATED, "text_decoder"), decoders) == Kind.TEXT_DECODER


@pytest.mark.parametrize(
    ("rights", "word"),
    [
        (Rights(modify=True, operate=True, redistribute=True), "all"),
        (Rights(modify=True, operate=True), "undeclared"),
        (Rights(redistribute=False), "not_all"),
        (Rights(), "undeclared"),
    ],
)
def test_rights_are_all_or_not_all(rights: Rights, word: str) -> None:
    """One that is missing outweighs what nobody said."""
    assert rights_of(DeclarationEvidence("a", (), rights=rights)) == word
    assert rights_of(None) == "undeclared"
