"""The report as PDF, read back: its Korean text is text, its font is embedded, and it is the same every time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest

from independence_audit.errors import UsageError
from independence_audit.report import pdf
from independence_audit.report.pdf import spelt_out
from tests.report.sample_reports import SAMPLES

ROOT = Path(__file__).resolve().parents[2]
try:
    pdf.check()
except UsageError as missing:
    pytest.skip(missing.message, allow_module_level=True)

pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed")


@cache
def rendered(sample: str, lang: str) -> bytes:
    """A sample report as PDF."""
    return pdf.render(SAMPLES[sample](), lang)


def text_of(content: bytes) -> str:
    """All text of a PDF, without spaces: where lines break is the engine's matter."""
    pages = pypdf.PdfReader(BytesIO(content)).pages
    return "".join("".join(page.extract_text().split()) for page in pages)


def test_korean_text_is_text() -> None:
    """A reader can search the first screen's sentences, and copy them."""
    text = text_of(rendered("finding", "ko"))
    for sentence in (
        "독자성 검사 보고서",
        "최종 판단은 평가위원회",
        "오디오 인코더: Qwen2-Audio와 100% 동일",
        "언어 디코더: 참조 3개와 공유 증거 없음 (같은 기저에서의 검출 한계 r ≥ 0.003).",
        "검출 한계",
        "방법과 한계",
        "audit compare submission/",
    ):
        assert "".join(sentence.split()) in text, sentence


def test_english_text_is_text() -> None:
    """The same in English, trajectories included."""
    text = text_of(rendered("training", "en"))
    assert "Independenceauditreport" in text
    assert "frozenduringtraining" in text


def test_the_font_is_inside() -> None:
    """Every font is Noto Sans KR, and its outlines are in the file."""
    fonts = {}
    for page in pypdf.PdfReader(BytesIO(rendered("finding", "ko"))).pages:
        for font in page["/Resources"]["/Font"].values():
            descendant = font.get_object()["/DescendantFonts"][0].get_object()
            fonts[str(descendant["/BaseFont"])] = descendant["/FontDescriptor"].get_object()
    assert fonts
    assert all("Audit-Sans-KR" in name or "NotoSansKR" in name for name in fonts), fonts
    assert all({"/FontFile2", "/FontFile3"} & set(descriptor) for descriptor in fonts.values())


def test_two_renders_are_byte_identical() -> None:
    """Another process, with other hashes and at another time, writes the same bytes."""
    program = (
        "import hashlib; from tests.report.sample_reports import SAMPLES; from independence_audit.report import pdf; "
        "print(hashlib.sha256(pdf.render(SAMPLES['inconclusive'](), 'ko')).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Seoul", "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, cwd=ROOT, env=environment, encoding="utf-8"
    )
    assert result.stdout.strip() == hashlib.sha256(rendered("inconclusive", "ko")).hexdigest()


LACKING = """
import sys, time
from cffi import FFI
opened = FFI.dlopen
def dlopen(self, name, *flags):
    if LIBRARY in str(name):
        raise OSError("no such library")
    return opened(self, name, *flags)
FFI.dlopen = dlopen
from independence_audit.report import pdf
"""


def lacking(library: str, program: str) -> str:
    """What a program prints on a machine without a library, where every warning is an error."""
    whole = LACKING.replace("LIBRARY", repr(library)) + program
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", whole], check=True, capture_output=True, cwd=ROOT, encoding="utf-8"
    ).stdout


def test_without_harfbuzz_subset_it_is_the_same_every_time() -> None:
    """A system can have pango and lack it: the font is cut in another way, which knows the time unless it is told."""
    program = (
        "from tests.report.sample_reports import SAMPLES\n"
        "first = pdf.render(SAMPLES['inconclusive'](), 'en')\n"
        "now = time.time\n"
        "time.time = lambda: now() + 1e6\n"
        "print(first == pdf.render(SAMPLES['inconclusive'](), 'en'))\n"
    )
    assert lacking("harfbuzz-subset", program) == "True\n"


def test_without_pango_stdout_stays_clean() -> None:
    """The engine prints advice there, where only the report belongs."""
    program = (
        "from independence_audit.errors import UsageError\n"
        "try:\n"
        "    pdf.check()\n"
        "except UsageError as error:\n"
        "    print(error.message)\n"
    )
    assert lacking("pango", program) == "PDF needs the library pango, which is not installed.\n"


def test_hostile_names_are_spelt_out() -> None:
    """What the font cannot draw stands as its code point, never as a box; nothing acts."""
    content = rendered("hostile", "ko")
    text = text_of(content)
    assert "\\U0001f600" in text
    assert "\\u202e" in text
    assert "<script>alert" in text
    assert "layer." * 200 not in text
    assert not [mark for mark in (b"/JavaScript", b"/JS ", b"/Launch", b"/URI") if mark in content]


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the engine, its library or the font there is one sentence and a way out, and no PDF."""
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "weasyprint", None)
        with pytest.raises(UsageError, match="WeasyPrint") as caught:
            pdf.check()
        assert "[pdf]" in caught.value.hint
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "pylopdf_fonts_ko", None)
        with pytest.raises(UsageError, match="font with Hangul"):
            pdf.check()
    with monkeypatch.context() as patched:
        patched.setattr(pdf, "_glyphs", lambda _: frozenset({65}))
        with pytest.raises(UsageError, match="no Hangul"):
            pdf.check()


def test_nothing_is_fetched() -> None:
    """The engine may open the font and nothing else."""
    from weasyprint.urls import FatalURLFetchingError

    _, font = pdf.check()
    for address in ("https://example.org/x.png", "file:///etc/hostname", "data:text/plain,x"):
        with pytest.raises(FatalURLFetchingError):
            pdf._only(font).fetch(address)


def test_characters_without_a_glyph() -> None:
    """They become their code points; line breaks stay."""
    assert spelt_out("a\n가😀", {ord("a")}) == "a\n\\uac00\\U0001f600"
