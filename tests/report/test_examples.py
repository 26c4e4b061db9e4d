"""Every example by one command in every format and both languages, opened in a browser: it says the written truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from independence_audit.cli.entry import main
from independence_audit.errors import UsageError
from independence_audit.report import pdf
from independence_audit.report.languages import LANGUAGES
from independence_audit.report.wording import word

ROOT = Path(__file__).resolve().parents[2]
PAIRS: list[dict[str, Any]] = json.loads((ROOT / "examples" / "truth.json").read_text(encoding="utf-8"))["pairs"]
WORDED = ("text", "markdown", "html")
ON_PAPER = {
    ("hyperclovax_case/subject", "en"),
    ("hyperclovax_case/subject", "ko"),
    ("hyperclovax_case/subject_vision_only", "ko"),
    ("solar_case/solar_open", "ko"),
}
"""Those of which a PDF is written as well; it takes seconds, and another example brings nothing new to it."""


def formats(subject: str, lang: str) -> tuple[str, ...]:
    """The formats that an example is rendered in."""
    try:
        pdf.check()
    except UsageError:
        return WORDED
    return (*WORDED, "pdf") if (subject, lang) in ON_PAPER else WORDED


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "~".join([pair["subject"], *pair["references"]]))
def test_the_truth_in_every_format(pair: dict[str, Any], lang: str, examples: Path, tmp_path: Path, visit: Any) -> None:
    """Each component's word, and the name of its reference, stand in every format; the page is quiet."""
    references = [argument for name in pair["references"] for argument in ("--ref", str(examples / name))]
    files = {form: tmp_path / f"report.{form}" for form in (*formats(pair["subject"], lang), "json")}
    outputs = [argument for form, path in files.items() for argument in ("-o", f"{form}={path}")]
    arguments = ["compare", str(examples / pair["subject"]), *references, *outputs, "--lang", lang, "-q"]
    assert main(arguments) == pair["exit"]
    report = json.loads(files["json"].read_text(encoding="utf-8"))
    rows = [
        (component["name"], word("relation", component["relation"], lang), component["reference"])
        for component in report["components"]
    ]
    seen = visit(files["html"])
    assert (seen.complaints, len(seen.requests)) == ([], 1)
    for (name, relation, reference), row in zip(
        rows, seen.page.locator("table.components tbody tr").all(), strict=True
    ):
        cells = row.inner_text()
        assert name in cells
        assert relation in cells
        assert reference is None or reference in cells
    for form in ("text", "markdown"):
        content = files[form].read_text(encoding="utf-8").replace("\\", "")
        assert all(relation in content and (reference or "") in content for _, relation, reference in rows)
    if "pdf" in files:
        assert files["pdf"].read_bytes().startswith(b"%PDF-")


FIRST = [
    (
        "hyperclovax_case/subject",
        ("hyperclovax_case/reference_vision", "hyperclovax_case/reference_audio"),
        (
            "가중치 요건 미충족: 오디오 인코더.",
            "오디오 인코더: reference_audio와 100% 동일",
            "비전 인코더: reference_vision과 가중치 또는 초기화 값 공유.",
            "값이 달라 ‘동일’은 아님.",
            "언어 디코더: 참조 2개와 공유 증거 없음 (같은 기저에서의 검출 한계 r ≥ ",
            "학습 중 동결 여부",
            "자체 데이터로 학습했는지 여부.",
            "(0스텝) 체크포인트",
        ),
    ),
    (
        "hyperclovax_case/subject_vision_only",
        ("hyperclovax_case/reference_vision",),
        (
            "비전 인코더: reference_vision과 가중치 또는 초기화 값 공유.",
            "언어 디코더: 참조 1개와 공유 증거 없음 (같은 기저에서의 검출 한계 r ≥ ",
        ),
    ),
    (
        "solar_case/solar_open",
        ("solar_case/glm4_moe",),
        (
            "증거가 아님: 값이 모두 1 근처라 무관한 모델끼리도 이만큼 높음. 평균을 뺀 상관은 r = ",
            "공유 증거 없음 (같은 기저에서의 검출 한계 r ≥ ",
            "‘증거 없음’은 처음부터 학습했다는 증명이 아님.",
        ),
    ),
]


@pytest.mark.parametrize(("subject", "references", "sentences"), FIRST, ids=[case[0] for case in FIRST])
def test_korean_first_screens(
    subject: str, references: tuple[str, ...], sentences: tuple[str, ...], examples: Path, capsys: Any
) -> None:
    """Under the first stage's published words the first screens read as a reviewer would write them."""
    named = [argument for name in references for argument in ("--ref", str(examples / name))]
    main(["compare", str(examples / subject), *named, "--policy", "kai-stage1", "--lang", "ko"])
    screen = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for sentence in ("독자성 검사 보고서 기술 검토 참고자료 (최종 판단은 평가위원회)", *sentences):
        assert "".join(sentence.split()) in "".join(screen.split()), sentence
