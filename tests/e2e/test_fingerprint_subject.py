"""A team that hands in a fingerprint and keeps its weights: it can be found out, and never be cleared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Audit


@pytest.mark.parametrize(
    ("subject", "code", "relation", "outcome"),
    [("other_seed", 3, "unrelated", "material_missing"), ("finetuned", 1, "related", "not_met")],
)
def test_a_fingerprint_can_be_found_out_but_not_cleared(
    *, subject: str, code: int, relation: str, outcome: str, audit: Audit, seeds: Path, tmp_path: Path
) -> None:
    """It may have been made of other weights: unrelated is no pass, related is a finding."""
    file = tmp_path / "mine.fp.safetensors"
    assert audit("fingerprint", seeds / subject, "-o", file).code == 0
    ended = audit("compare", file, "--ref", seeds / "base", "--format", "json")
    assert ended.code == code
    assert ended.report["subject"]["verified"] is False
    assert [one["relation"] for one in ended.report["components"]] == [relation]
    assert [one["outcome"] for one in ended.report["opinion"]["criteria"]] == [outcome]
    screen = audit("compare", file, "--ref", seeds / "base").out.split("Criteria")[0]
    assert "Opinion: met" not in screen
    assert audit("compare", seeds / subject, "--ref", seeds / "base").code == {"other_seed": 0, "finetuned": 1}[subject]


def test_nothing_makes_it_a_pass(audit: Audit, seeds: Path, tmp_path: Path) -> None:
    """Neither a lighter nor a heavier threshold, nor a name that is no fingerprint's."""
    file = tmp_path / "weights.safetensors"
    assert audit("fingerprint", seeds / "other_seed", "-o", file).code == 0
    for severity in ("remark", "review", "not_met"):
        assert audit("compare", file, "--ref", seeds / "base", "--fail-on", severity).code in (1, 3)
