"""The report as PDF: the same pages on A4, with an embedded Hangul font of an open licence, the same bytes every time.

It needs the extra ``pdf``: WeasyPrint, and Noto Sans KR as files. Nothing is fetched but that font, and every character
has a glyph in it.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import cache
from importlib import import_module
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from independence_audit.errors import UsageError
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.report.html import document
from independence_audit.report.languages import ENGLISH
from independence_audit.report.style import PAPER_FAMILY

if TYPE_CHECKING:
    from types import ModuleType

HINT = "Install what PDF needs: pip install 'independence-audit[pdf]'. HTML needs nothing and prints well."
PANGO = "Install the system's pango (Debian and Ubuntu: libpango-1.0-0 libpangoft2-1.0-0; macOS: brew install pango)."
CLOCK = "SOURCE_DATE_EPOCH"
"""The variable that stands for the time in what is built reproducibly."""
HANGUL = "가힣독"
"""Syllables that a font must have to be taken for one of Hangul."""


def render(report: AuditReport, lang: str = ENGLISH) -> bytes:
    """Render a report as PDF.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
        UsageError: WeasyPrint, pango or the font is not installed.
    """
    weasyprint, font = check()
    page = spelt_out(document(report, lang, paper=True), _glyphs(font))
    face = f'@font-face {{ font-family: "{PAPER_FAMILY}"; src: url("{font.as_uri()}"); }}'
    with _at_no_time():
        result: bytes = weasyprint.HTML(
            string=page.replace("<style>", f"<style>{face}\n", 1), url_fetcher=_only(font)
        ).write_pdf()
    return result


@contextmanager
def _at_no_time() -> Iterator[None]:
    """Have fontTools, which cuts the font where the system has no HarfBuzz-Subset, put no time into it."""
    before = os.environ.get(CLOCK)
    os.environ[CLOCK] = "0"
    try:
        yield
    finally:
        del os.environ[CLOCK]
        if before is not None:
            os.environ[CLOCK] = before


def check() -> tuple[ModuleType, Path]:
    """Find the engine and the font, to be asked before an audit begins.

    Raises:
        UsageError: WeasyPrint, pango or the font is not installed.
    """
    return _engine(), _font()


def _engine() -> ModuleType:
    try:
        # It prints advice on stdout, where reports go, and warns of what its next versions will need.
        with redirect_stdout(StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return import_module("weasyprint")
    except ImportError as error:
        message = "PDF needs WeasyPrint, which is not installed."
        raise UsageError(message, HINT) from error
    except OSError as error:  # it is there, but a library of the system is not
        message = "PDF needs the library pango, which is not installed."
        raise UsageError(message, PANGO) from error


def _font() -> Path:
    """The font that is embedded.

    Raises:
        UsageError: There is none, or it has no Hangul: a report of empty boxes is never written.
    """
    try:
        font = Path(str(files("pylopdf_fonts_ko") / "NotoSansKR-Regular.otf"))
        glyphs = _glyphs(font)
    except (ModuleNotFoundError, OSError) as error:
        message = "PDF needs a font with Hangul, and Noto Sans KR is not installed."
        raise UsageError(message, HINT) from error
    if not all(ord(syllable) in glyphs for syllable in HANGUL):
        message = f"The font {font.name} has no Hangul."
        raise UsageError(message, HINT)
    return font


@cache
def _glyphs(font: Path) -> frozenset[int]:
    """The code points for which a font has a glyph."""
    from fontTools.ttLib import TTFont

    with TTFont(font, lazy=True) as opened:
        return frozenset(opened.getBestCmap())


def _only(font: Path) -> Any:  # noqa: ANN401 - a type of a library that need not be there
    """Fetch the font, and refuse everything else."""
    from weasyprint.urls import FatalURLFetchingError, URLFetcher

    allowed = font.as_uri()

    class Fetcher(URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - likewise
            if url != allowed:
                message = f"a report loads nothing, not {url!r}"
                raise FatalURLFetchingError(message)
            return super().fetch(url, headers)

    return Fetcher(allowed_protocols=("file",))


def spelt_out(page: str, glyphs: Collection[int]) -> str:
    r"""Write every character for which there is no glyph as its code point, ``\u4e00``, rather than as an empty box."""
    return "".join(
        character
        if character in "\n\t" or ord(character) in glyphs
        else f"\\u{ord(character):04x}"
        if ord(character) <= 0xFFFF  # noqa: PLR2004 - four hex digits
        else f"\\U{ord(character):08x}"
        for character in page
    )
