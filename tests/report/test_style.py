"""One palette colours pages and drawings, on a screen by its variables and on paper by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from independence_audit.core.toml import shipped_table
from independence_audit.evidence.audit_report import Outcome
from independence_audit.evidence.relation import Relation
from independence_audit.report.html import document
from independence_audit.report.style import PACKAGE, dress_of, style_of
from tests.report.sample_reports import SAMPLES

PALETTE: Mapping[str, Mapping[str, str]] = shipped_table(PACKAGE, "templates/palette.toml")
COLOUR = re.compile(r"#[0-9a-f]{6}\b")


def test_both_screens_have_every_colour() -> None:
    """A dark screen lacks none and invents none; each is written in six digits."""
    assert PALETTE["light"].keys() == PALETTE["dark"].keys()
    assert all(COLOUR.fullmatch(colour) for screen in PALETTE.values() for colour in screen.values())


def test_every_variable_of_a_sheet_is_set_in_it() -> None:
    """On a screen rules name colours; what they name stands at the sheet's head, light and dark."""
    sheet = style_of(paper=False)
    set_there = re.findall(r"^ +--([\w-]+):", sheet, re.MULTILINE)
    assert set(re.findall(r"var\(--([\w-]+)\)", sheet)) <= set(set_there)
    assert all(set_there.count(name) == 2 for name in PALETTE["light"])
    assert "{{" not in sheet


def test_a_drawing_on_paper_needs_nothing_of_its_page() -> None:
    """It names no variable, its colours are the light ones, and every pattern that a rule asks for is in it."""
    dress = dress_of(paper=True)
    assert "var(" not in dress
    assert set(COLOUR.findall(dress)) <= set(PALETTE["light"].values())
    assert set(re.findall(r"url\(#([\w-]+)\)", dress)) == set(re.findall(r'<pattern id="([\w-]+)"', dress))


def test_every_relation_and_outcome_has_a_colour_on_paper() -> None:
    """Swatches and signs of the words that a report can use."""
    dress = dress_of(paper=True)
    assert all(f".fill-{relation} " in dress for relation in Relation)
    assert all(re.search(rf"\.sign-{outcome}\b", dress) for outcome in Outcome)


def test_drawings_are_dressed_on_paper_alone() -> None:
    """Every drawing of a page for paper begins with its rules; those of a page for screens have none."""
    paper, screen = (document(SAMPLES["training"](), "en", paper=paper) for paper in (True, False))
    dress = dress_of(paper=True)
    assert paper.count("<svg") == paper.count(dress) > 5
    assert "<svg" in screen
    assert dress_of(paper=False) == ""
    assert not re.search(r"<svg[^>]*><style", screen)


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    """Contrast of two colours, as WCAG 2 defines it."""
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


TEXT = [("ink", "paper"), ("ink", "tint"), ("soft", "paper"), ("soft", "tint"), ("accent", "paper")]
OUTCOMES = [(name, ground) for name in ("met", "not_met", "review", "not_assessed") for ground in ("paper", "tint")]
CELLS = [
    ("paper", "identical"),
    ("paper", "rounded"),
    ("related-mark", "related"),
    ("transformed-mark", "transformed"),
    ("ink", "unrelated"),
    ("ink", "inconclusive"),
    ("ink", "uninformative"),
]


@pytest.mark.parametrize("sheet", ["light", "dark"])
def test_text_can_be_read(sheet: str) -> None:
    """Every text has the contrast that WCAG 2.2 AA asks for, 4.5 to 1, on every ground it stands on."""
    colours = PALETTE[sheet]
    weak = {pair for pair in (*TEXT, *OUTCOMES, *CELLS) if contrast(colours[pair[0]], colours[pair[1]]) < 4.5}
    assert not weak


@pytest.mark.parametrize("sheet", ["light", "dark"])
def test_findings_stand_out(sheet: str) -> None:
    """Marks for shared weights differ from the paper, and from finding nothing, by the 3 to 1 of WCAG or by pattern."""
    colours = PALETTE[sheet]
    for name in ("identical", "rounded", "point", "edge"):
        assert contrast(colours[name], colours["paper"]) >= 3, name
    assert contrast(colours["identical"], colours["unrelated"]) >= 2
