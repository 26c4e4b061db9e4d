"""Rows of what is declared, beside what was found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from independence_audit.evidence.declared_origin import Agreement, DeclarationEvidence, Declared, Origin
from independence_audit.report.declared_rows import COLUMNS, DeclaredRow, declared_rows
from independence_audit.report.languages import ENGLISH, KOREAN, LANGUAGES

DECLARED = Declared("visual", Origin.FROZEN_FROM, "Org/Known", "mit", "", Agreement.AGREED, "Known")


def row_of(declared: Declared, lang: str = ENGLISH) -> DeclaredRow:
    """The row of one declared component."""
    (row,) = declared_rows(DeclarationEvidence("independence.toml", (declared,)), {"visual": "vision encoder"}, lang)
    return row


def test_a_row_says_what_is_declared_and_what_that_comes_to() -> None:
    """In the order of the table's columns, in the reader's language."""
    said = ("vision encoder", "frozen from", "Org/Known", "mit", "agrees with what was found")
    assert row_of(DECLARED).cells == said
    assert len(COLUMNS) == len(said)
    assert row_of(DECLARED, KOREAN).agreement != said[-1]


def test_what_is_left_empty_has_a_dash() -> None:
    """An origin, a source and a licence that nobody filled in are seen to be missing."""
    empty = Declared("visual", None, "", "", "", Agreement.NOT_FILLED_IN)
    assert row_of(empty).cells == ("vision encoder", "–", "–", "–", "origin left empty")


def test_a_component_that_is_not_there_keeps_its_name() -> None:
    """Whatever a declaration writes is shown on its line, and as what it is."""
    ghost = replace(DECLARED, component="gh\u202eost", source="a\nb", agreement=Agreement.NO_SUCH_COMPONENT)
    row = row_of(ghost)
    assert (row.component, row.source, row.agreement) == ("gh\\u202eost", "a\\u000ab", "no such component")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_origin_and_agreement_is_told_apart(lang: str) -> None:
    """No two of them read alike."""
    origins = {row_of(replace(DECLARED, origin=origin), lang).origin for origin in Origin}
    agreements = {row_of(replace(DECLARED, agreement=agreement), lang).agreement for agreement in Agreement}
    assert (len(origins), len(agreements)) == (len(Origin), len(Agreement))


def test_without_a_declaration_there_is_no_row() -> None:
    """Nothing was submitted, so nothing is shown."""
    assert declared_rows(None, {"visual": "vision encoder"}, ENGLISH) == ()
