"""A merge is named with its recipe on the command line, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from independence_audit.cli.entry import main
from tests.cli.small_models import save
from tests.lineage.test_merges import BASE, FIRST, summed


@pytest.mark.parametrize(
    ("language", "words", "stated"),
    [("en", "linear combination", " came first. The subject is a merge"), ("ko", "선형 결합", "먼저임. 대상 모델은")],
)
def test_a_merge_is_named(tmp_path: Path, language: str, words: str, stated: str) -> None:
    """The report holds the weights of both sources, and what the recipe reproduces."""
    subject = save(summed({0.571: FIRST, 0.429: BASE}), tmp_path / "subject" / "model.safetensors")
    first = save(FIRST, tmp_path / "tuned" / "model.safetensors")
    base = save(BASE, tmp_path / "base" / "model.safetensors")
    main(
        [
            "compare",
            subject,
            "--ref",
            first,
            "--ref",
            base,
            "--lang",
            language,
            "-o",
            f"markdown={tmp_path / 'report.md'}",
            "-q",
        ]
    )
    printed = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert words in printed
    assert stated in printed
    assert "0.571000 ± 0.000001" in printed
    assert "0.429000 ± 0.000001" in printed
