"""What every format keeps: one contract, held against each format and each kind of report."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from independence_audit.errors import MalformedError
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.measurement import Message
from independence_audit.pipeline.options import EXCHANGE as NAMES
from independence_audit.report.formats import ALL, EXCHANGE, FORMATS, Format
from independence_audit.report.languages import KOREAN, LANGUAGES
from independence_audit.report.plain import visible
from independence_audit.report.wording import word
from tests.report.exchange_reports import whole
from tests.report.sample_reports import HOSTILE_NAMES, SAMPLES, clean

ROOT = Path(__file__).resolve().parents[2]
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def test_registry() -> None:
    """The formats are known by their names, and their files by their endings."""
    assert {name: form.suffix for name, form in FORMATS.items()} == {
        "json": ".json",
        "text": ".txt",
        "markdown": ".md",
        "html": ".html",
    }
    assert all(form.name == name for name, form in FORMATS.items())


def test_the_command_line_knows_every_form() -> None:
    """Its list is a copy, so that the help needs no import."""
    assert tuple(EXCHANGE) == NAMES
    assert all(form.name == name for name, form in ALL.items())


@pytest.mark.parametrize("name", EXCHANGE)
@pytest.mark.parametrize("sample", SAMPLES)
def test_two_renders_are_equal(sample: str, name: str) -> None:
    """The same report, the same bytes."""
    report = whole(SAMPLES[sample]())
    assert EXCHANGE[name].render(report) == EXCHANGE[name].render(report)


@pytest.fixture(params=FORMATS)
def form(request: pytest.FixtureRequest) -> Format:
    """Each format."""
    return FORMATS[request.param]


@pytest.fixture(params=SAMPLES)
def report(request: pytest.FixtureRequest) -> AuditReport:
    """Each sample report."""
    return SAMPLES[request.param]()


@pytest.fixture(params=LANGUAGES)
def lang(request: pytest.FixtureRequest) -> str:
    """Each language."""
    return str(request.param)


def plain(rendered: str) -> str:
    """A rendering without its escapes and line breaks."""
    return re.sub(r"\\(?=[!-/:-@\[-`{-~])|\s", "", unescape(rendered))


def test_rendering_is_deterministic(form: Format, report: AuditReport, lang: str) -> None:
    """The same report gives the same text, which ends with one newline and can be stored as UTF-8."""
    rendered = form.render(report, lang)
    assert rendered == form.render(report, lang)
    assert rendered.endswith("\n")
    assert not rendered.endswith("\n\n")
    assert rendered.encode("utf-8")


def test_the_truth_is_there(form: Format, report: AuditReport, lang: str) -> None:
    """Every component is named (by its beginning, where the name is long), with the word for its relation."""
    rendered = form.render(report, lang)
    text = plain(str(json.loads(rendered)) if form.name == "json" else rendered)
    for component in report.components:
        name = component.name if form.name == "json" else visible(component.name)
        beginning = str([name])[1:-1] if form.name == "json" else name[:12]
        assert plain(beginning) in text
        relation = component.relation if form.name == "json" else word("relation", component.relation, lang)
        assert plain(relation) in text


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_hostile_names_cannot_act(name: str, lang: str) -> None:
    """No control, bidirectional, zero-width or half character of a name reaches the text; they are spelt out."""
    rendered = FORMATS[name].render(SAMPLES["hostile"](), lang)
    assert "<script>alert" not in rendered or name == "text"
    assert "layer." * 350 not in rendered
    assert not CONTROLS.search(rendered)
    assert "\\u202e" in rendered.replace("\\\\", "\\")


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_korean_first_screen(name: str) -> None:
    """The first screen in Korean has the same facts, in the words of the field."""
    text = plain(FORMATS[name].render(SAMPLES["finding"](), KOREAN)).replace("│", "")
    for sentence in (
        "독자성 검사 보고서",
        "기술 검토 참고자료 (최종 판단은 평가위원회)",
        "합성 예제",
        "4개 중 3개 비교",
        "오디오 인코더: Qwen2-Audio와 100% 동일 (비교값 3,211,264개).",
        "Qwen2.5-VL과 가중치 또는 초기화 값 공유. 상관 r = 0.9826, p < 1e-12. 값이 달라 ‘동일’은 아님.",
        "언어 디코더: 참조 3개와 공유 증거 없음 (같은 기저에서의 검출 한계 r ≥ 0.003).",
        "‘증거 없음’은 처음부터 학습했다는 증명이 아님",
        "학습 중 동결 여부",
        "(0스텝) 체크포인트",
        "2026년 01월 15일 09:30:00 UTC+09:00",
    ):
        assert plain(sentence) in text, sentence


def test_hostile_names_survive_in_json() -> None:
    """The JSON report has every name as it is."""
    document = json.loads(FORMATS["json"].render(SAMPLES["hostile"]()))
    assert [component["name"] for component in document["components"]] == list(HOSTILE_NAMES.values())


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_unknown_messages_are_refused(name: str) -> None:
    """A report with a message of a later version is refused with a sentence, in every format that words it."""
    broken = replace(clean(), opinion=replace(clean().opinion, headline=Message("headline.from_the_future")))
    with pytest.raises(MalformedError):
        FORMATS[name].render(broken)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_first_screen_says_what_it_must(name: str) -> None:
    """Standing, banner, opinion, facts, limits and the way to reproduce are in every worded format."""
    text = plain(FORMATS[name].render(SAMPLES["finding"]())).replace("│", "")
    for sentence in (
        "Technical reference; the decision is the committee's",
        "SYNTHETIC EXAMPLE",
        "evidence-only 1.0",
        "3 of 4 compared",
        "Shared weights, or a shared initial draw, found in audio encoder, vision encoder.",
        "100% of the 3,211,264 compared values are identical to those of Qwen2-Audio.",
        "correlation r = 0.9826, p < 1e-12",
        "Whether training used the team's own data.",
        "in all components: a fingerprint was made without units",
        "The checkpoint at step 0",
        "Training logs",
        "audit compare submission/ --ref qwen2.5-vl",
        "The technical minimum is that weights are initialised and then trained on own data.",
        "no opinion rests on it",
    ):
        assert plain(sentence) in text, sentence


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "json"])
def test_only_synthetic_reports_carry_the_banner(name: str) -> None:
    """A real report is never marked as an example."""
    assert "SYNTHETIC" not in FORMATS[name].render(clean())


def test_a_json_report_needs_no_other_library() -> None:
    """Rendering JSON loads neither rich nor jinja2."""
    program = (
        "import sys; from tests.report.sample_reports import inconclusive; "
        "from independence_audit.report.formats import FORMATS; FORMATS['json'].render(inconclusive()); "
        "print(sorted({'rich', 'jinja2', 'torch', 'numpy'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, cwd=ROOT, encoding="utf-8"
    )
    assert result.stdout.strip() == "[]"
