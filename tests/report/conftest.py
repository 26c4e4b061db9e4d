"""The system's browser, and the sample reports opened in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from independence_audit.evidence.audit_report import TrainingReport
from independence_audit.report.html import render, render_training
from independence_audit.report.languages import ENGLISH
from tests.report.sample_reports import SAMPLES, finding

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ALONE = "training alone"
"""The sample of a training report, as ``audit trajectory`` writes it."""
FEW = replace(finding(), tensors=finding().tensors[::9] + finding().tensors[-2:])
"""A finding with few enough tensors for a browser that is asked about each."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's browser."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the pages, which are written when they are first opened."""
    return tmp_path_factory.mktemp("reports")


def training_alone() -> TrainingReport:
    """The training of a sample report by itself."""
    report = SAMPLES["training"]()
    assert report.training
    return TrainingReport(
        report.tool, report.run, report.subject.name, report.settings.sampler, report.training, report.subject.notices
    )


def written(folder: Path, sample: str, lang: str) -> Path:
    """A sample report as a page."""
    path = folder / f"{sample}-{lang}.html"
    if not path.exists():
        if sample == ALONE:
            path.write_text(render_training(training_alone(), lang), encoding="utf-8")
            return path
        report = FEW if sample == "few" else SAMPLES[sample]()
        path.write_text(render(report, lang), encoding="utf-8")
    return path


@dataclass
class Visit:
    """A report in a page, with everything that the browser had to say about it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def visit(browser: Browser, folder: Path) -> Iterator[Any]:
    """Opens a sample, or any page; whatever the browser complains about or asks the network for is kept."""
    contexts = []

    def go(sample: str | Path, lang: str = ENGLISH, **settings: Any) -> Visit:
        context = browser.new_context(**settings)
        context.set_default_timeout(8_000)
        contexts.append(context)
        seen = Visit(context.new_page())
        seen.page.on("console", lambda message: seen.complaints.append(message.text))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on("dialog", lambda dialog: seen.complaints.append(dialog.message))
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.add_init_script(
            "window.violations = []; "
            "document.addEventListener('securitypolicyviolation', e => window.violations.push(e.violatedDirective))"
        )
        seen.page.goto((sample if isinstance(sample, Path) else written(folder, sample, lang)).as_uri())
        return seen

    yield go
    for context in contexts:
        context.close()
