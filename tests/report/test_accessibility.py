"""Every page against axe-core, in a real browser: both languages, light and dark, on a desk and on a phone."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest

from independence_audit.report.languages import ENGLISH, KOREAN
from tests.report.conftest import ALONE

SERIOUS = {"serious", "critical"}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
SIZES = {"desk": {"width": 1200, "height": 900}, "phone": {"width": 400, "height": 800}}


@pytest.fixture(scope="module")
def axe() -> str:
    """The script of axe-core."""
    package = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    return (files(package) / "axe.min.js").read_text(encoding="utf-8")


def violations(page: Any, axe: str) -> dict[str, list[str]]:
    """Serious violations by their rule, with the elements concerned."""
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate(axe)
    found = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
    return {
        rule["id"]: [node["html"][:160] for node in rule["nodes"][:3]] for rule in found if rule["impact"] in SERIOUS
    }


@pytest.mark.parametrize(
    ("sample", "scheme", "lang"),
    [
        ("training", "light", ENGLISH),
        ("training", "dark", KOREAN),
        ("hostile", "light", KOREAN),
        ("hostile", "dark", ENGLISH),
        (ALONE, "light", ENGLISH),
        (ALONE, "dark", KOREAN),
    ],
)
def test_no_serious_violation(visit: Any, axe: str, sample: str, scheme: str, lang: str) -> None:
    """With everything unfolded, nothing that a keyboard or a screen reader needs is missing, and all can be read."""
    page = visit(sample, lang, color_scheme=scheme, viewport=SIZES["desk"]).page
    assert violations(page, axe) == {}


def test_no_serious_violation_on_a_phone(visit: Any, axe: str) -> None:
    """The cards of a narrow screen are as usable as the table they stand for."""
    assert violations(visit("training", KOREAN, viewport=SIZES["phone"]).page, axe) == {}


def test_axe_sees_what_is_wrong(visit: Any, axe: str) -> None:
    """The check would fail: a picture without a text is found."""
    page = visit("inconclusive").page
    page.evaluate("document.querySelector('main').append(new Image())")
    assert "image-alt" in violations(page, axe)
