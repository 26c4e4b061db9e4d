"""The HTML report in a real browser: it is quiet, sorts and filters, fits a phone and a sheet of paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from independence_audit.report.languages import LANGUAGES
from tests.report.conftest import ALONE, FEW
from tests.report.sample_reports import SAMPLES

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHONE = {"width": 400, "height": 800}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("sample", [*SAMPLES, ALONE])
def test_the_page_is_quiet(visit: Any, sample: str, lang: str) -> None:
    """No error, no violation of the policy, no dialog, and no request but for the file itself."""
    seen = visit(sample, lang)
    seen.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert seen.complaints == []
    assert seen.page.evaluate("window.violations") == []
    assert len(seen.requests) == 1


@pytest.mark.parametrize("sample", [*SAMPLES, ALONE])
def test_a_phone_needs_no_sideways_scrolling(visit: Any, sample: str) -> None:
    """At 400 pixels the page is as wide as the screen, with everything unfolded; wide tables scroll by themselves."""
    page = visit(sample, viewport=PHONE).page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert page.get_by_role("heading", level=1).is_visible()


def names(page: Page) -> list[str]:
    """Names of the tensors that are shown, in order."""
    shown = "[...document.querySelectorAll('#tensors tbody tr')].filter(row => row.checkVisibility())"
    return list(page.evaluate(f"{shown}.map(row => row.cells[0].textContent)"))


def open_table(page: Page) -> None:
    """Unfold the table of tensors."""
    page.locator("#tensors summary").click()


def column(page: Page, number: int) -> list[str]:
    """The texts of a column, counted from 1, in order."""
    return page.locator(f"#tensors tbody tr > :nth-child({number})").all_text_contents()


def test_sorting(visit: Any) -> None:
    """A click on a column sorts by its figures, a second one the other way; the head says so."""
    page = visit("inconclusive").page
    open_table(page)
    before = names(page)
    button = page.locator("#tensors").get_by_role("button", name="z", exact=True)
    button.click()
    rising = [float(text) for text in column(page, 7)]
    assert rising == sorted(rising)
    assert page.locator("th[aria-sort=ascending]").inner_text() == "z"
    button.click()
    assert [float(text) for text in column(page, 7)] == sorted(rising, reverse=True)
    assert page.locator("th[aria-sort]").count() == 1
    assert sorted(names(page)) == sorted(before)


def test_sorting_knows_what_figures_mean(visit: Any) -> None:
    """Smaller than 1e-12 is small, and what has no figure comes last both ways."""
    page = visit("few").page
    open_table(page)
    button = page.locator("#tensors").get_by_role("button", name="p", exact=True)
    button.click()
    texts = column(page, 8)
    assert texts[0] == "< 1e-12"
    assert texts[-2:] == ["–", "–"]
    button.click()
    texts = column(page, 8)
    assert float(texts[0]) > 0.9
    assert texts[-2:] == ["–", "–"]


def test_sorting_by_keyboard(visit: Any) -> None:
    """Column heads can be reached and pressed without a mouse."""
    page = visit("inconclusive").page
    open_table(page)
    page.get_by_role("button", name="Role").focus()
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort=ascending]").inner_text() == "Role"
    assert column(page, 4) == sorted(column(page, 4))


def test_filtering(visit: Any) -> None:
    """Name, component and relation narrow the table down together, and the count says how far."""
    page = visit("few").page
    open_table(page)
    page.get_by_label("Filter by name").fill("BLOCKS")
    vision = [tensor for tensor in FEW.tensors if "blocks" in tensor.name]
    assert names(page) == [tensor.name for tensor in vision]
    assert page.locator("#tensors output").inner_text() == f"{len(vision)} of {len(FEW.tensors)} entries shown"
    page.locator("[data-filter=relation]").select_option("identical")
    assert names(page) == [tensor.name for tensor in vision if tensor.relation == "identical"]
    page.locator("[data-filter=component]").select_option(label="model.audio_model")
    assert names(page) == []
    page.get_by_label("Filter by name").fill("")
    audio = [tensor for tensor in FEW.tensors if tensor.component == "model.audio_model"]
    assert len(names(page)) == sum(tensor.relation == "identical" for tensor in audio)


def test_small_tables_sort_and_filter_too(visit: Any) -> None:
    """Every table of rows has its heads to sort by, and a longer one its own filter over whole rows."""
    page = visit("few").page
    assert page.locator("table[data-sortable]:not(:has(th[scope=col] button))").count() == 0
    layers = page.locator("#layers article", has_text="vision encoder")
    layers.locator("summary").click()
    layers.get_by_label("Filter rows").fill("identical")
    assert layers.locator("table[data-sortable] tbody tr:visible").count() == 0
    layers.get_by_label("Filter rows").fill("RELATED")
    assert layers.locator("table[data-sortable] tbody tr:visible").count() == 32
    assert layers.locator("output").inner_text() == "32 of 32 entries shown"


def test_korean_pages_sort_and_filter(visit: Any) -> None:
    """The controls speak the page's language."""
    page = visit("few", "ko").page
    page.locator("#tensors summary").click()
    page.get_by_label("이름으로 거르기").fill("blocks")
    vision = [tensor for tensor in FEW.tensors if "blocks" in tensor.name]
    assert names(page) == [tensor.name for tensor in vision]
    assert page.locator("#tensors output").inner_text() == f"{len(FEW.tensors)}개 중 {len(vision)}개 표시"
    page.locator("#tensors").get_by_role("button", name="역할").click()
    assert page.locator("#tensors th[aria-sort=ascending]").inner_text() == "역할"


def test_filtering_looks_into_cut_names(visit: Any) -> None:
    """The filter finds what a cut name hides."""
    page = visit("few").page
    open_table(page)
    long = max((tensor.name for tensor in FEW.tensors), key=len)
    page.get_by_label("Filter by name").fill(long)
    (shown,) = names(page)
    assert "…" in shown


def test_complete_without_script(visit: Any) -> None:
    """Without script every row is there; controls that would do nothing are not shown."""
    page = visit("inconclusive", java_script_enabled=False).page
    page.locator("#tensors summary").click()
    assert len(names(page)) == 18
    assert page.locator("#tensors form").is_hidden()
    assert page.locator("th button").count() == 0


def test_hostile_names_are_text(visit: Any) -> None:
    """No name becomes an element, and overrides are spelt out."""
    page = visit("hostile").page
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    assert "weights\\u202egnp.exe" in page.locator("main").inner_text()


def test_dark_and_light_differ(visit: Any) -> None:
    """The sheet follows the reader's choice of a dark or a light screen."""
    grounds = {
        scheme: visit("clean", color_scheme=scheme).page.evaluate(
            "getComputedStyle(document.querySelector('.sheet')).backgroundColor"
        )
        for scheme in ("light", "dark")
    }
    assert grounds == {"light": "rgb(255, 254, 251)", "dark": "rgb(24, 27, 31)"}


def test_print_shows_the_report_and_not_the_controls(visit: Any) -> None:
    """On paper the navigation and the folded table are gone; an unfolded one is printed."""
    page = visit("inconclusive").page
    page.emulate_media(media="print")
    assert page.locator("nav").is_hidden()
    assert page.locator("#tensors").is_hidden()
    assert page.locator("#opinion").is_visible()
    page.emulate_media(media="screen")
    open_table(page)
    page.emulate_media(media="print")
    assert len(names(page)) == 18
    assert page.locator("#tensors form").is_hidden()


def test_prints_on_few_pages(visit: Any, tmp_path: Path) -> None:
    """The report of a whole omni-model takes a handful of A4 pages."""
    path = tmp_path / "report.pdf"
    visit("finding").page.pdf(path=path, prefer_css_page_size=True)
    assert 3 <= path.read_bytes().count(b"/Type /Page\n") <= 8
