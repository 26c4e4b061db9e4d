"""The report as PDF: the same pages on A4, with an embedded Hangul font of an open licence, the same bytes every time.

It needs the extra ``pdf``: WeasyPrint, and Noto Sans KR as files. Nothing is fetched but that font.

The HTML report made ready for print engines: drawings carry their own colours, and every character has a glyph.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from functools import cache
from importlib import import_module
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from independence_audit.errors import UsageError
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.report.html import document, style_of
from independence_audit.report.languages import ENGLISH

if TYPE_CHECKING:
    from types import ModuleType
import re
from collections.abc import Collection, Iterable

FAMILY = "Audit Sans KR"
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
    page = spelt_out(coloured(document(report, lang, paper=True), style_of(paper=True)), _glyphs(font))
    face = f'@font-face {{ font-family: "{FAMILY}"; src: url("{font.as_uri()}"); }}'
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


DRAWING = re.compile(r"(<svg\b[^>]*>)(.*?)(</svg>)", re.DOTALL)
DEFINITIONS = re.compile(r'<svg class="definitions".*?</svg>', re.DOTALL)
PATTERN = re.compile(r'<pattern id="p-(\w+)".*?</pattern>', re.DOTALL)
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
VARIABLE = re.compile(r"--([\w-]+):\s*([^;]+);")
USE = re.compile(r"var\(--([\w-]+)\)")
CLASS = re.compile(r"\.([\w-]+)")
ROOT = re.compile(r":root\s*\{(.*?)\}", re.DOTALL)
SCREEN = re.compile(r"@media screen[^{]*\{.*?\n\}", re.DOTALL)
"""The dark sheet; paper is light."""


def coloured(page: str, style: str) -> str:
    """Give every drawing of a page the rules and patterns that it uses, as engines for paper pass it nothing.

    Args:
        page: The page, whose drawings are inline.
        style: The page's style sheet, whose variables stand in ``:root``.
    """
    patterns = {match[1]: match[0] for match in PATTERN.finditer(page)}
    rules = tuple(_rules(style))

    def dress(match: re.Match[str]) -> str:
        opening, inside, closing = match.groups()
        used = set(re.findall(r"[\w-]+", " ".join(re.findall(r'class="([^"]*)"', opening + inside))))
        wanted = [f"{selector}{{{body}}}" for selector, body in rules if set(CLASS.findall(selector)) <= used]
        needed = [text for name, text in patterns.items() if f"fill-{name}" in used]
        # Patterns are drawn by rules of their own, whose classes stand in the patterns.
        own = [f"{s}{{{b}}}" for s, b in rules if any(c in text for text in needed for c in CLASS.findall(s))]
        head = f"<style>{''.join(dict.fromkeys([*wanted, *own]))}</style><defs>{''.join(needed)}</defs>"
        return f"{opening}{head}{inside}{closing}"

    return DRAWING.sub(dress, DEFINITIONS.sub("", page))


def _rules(style: str) -> Iterable[tuple[str, str]]:
    """All rules with classes, each selector by itself, their variables filled in."""
    plain = COMMENT.sub("", SCREEN.sub("", style))
    variables: dict[str, str] = {}
    for block in ROOT.findall(plain):
        variables |= {name: value.strip() for name, value in VARIABLE.findall(block)}
    for selectors, body in RULE.findall(plain):
        filled = USE.sub(lambda match: variables.get(match[1], match[0]), " ".join(body.split()))
        for selector in selectors.split(","):
            name = selector.strip()
            if CLASS.search(name) and not re.search(r"[:@\[(]", name):
                yield name, filled


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
