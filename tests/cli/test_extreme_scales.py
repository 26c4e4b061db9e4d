"""Weights of any scale: a copy is found and reported in every format, with no number that JSON cannot hold."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from independence_audit.cli.entry import main
from independence_audit.evidence.report_json import without_overflow
from independence_audit.report.formats import ALL
from tests.cli.small_models import Weights, llama, save
from tests.report.sample_reports import finding


def scaled(factor: float, dtype: type[Any]) -> Weights:
    """A copy, every value multiplied; what exceeds the type is infinite."""
    with np.errstate(over="ignore", under="ignore"):
        return {name: (each.astype(np.float64) * factor).astype(dtype) for name, each in llama(1).items()}


CASES = [(1e40, np.float64), (1e-40, np.float64), (1e300, np.float64), (1e40, np.float32), (1e-40, np.float32)]


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("factor", "dtype"), [*CASES, (1.0, np.float64), (1e30, np.float64)])
def test_a_copy_of_any_scale_is_reported(factor: float, dtype: type[Any], full: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """Sampled and in full: exit 1 with every file written, and every number finite."""
    known = save(llama(1), tmp_path / "known.safetensors")
    subject = save(scaled(factor, dtype), tmp_path / "subject.safetensors")
    names = [name for name in ALL if name != "intoto" or not full]
    outputs = [argument for name in names for argument in ("-o", f"{name}={tmp_path / name}")]
    assert main(["compare", subject, "--ref", known, "-q", *outputs, *(["--full"] if full else [])]) == 1
    report = json.loads((tmp_path / "json").read_text(encoding="utf-8"))
    assert report["components"][0]["relation"] in ("related", "identical", "transformed", "rounded")
    for name in names:
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert not re.search(r"\b(nan|inf|NaN|Infinity)\b(?!,? (or )?infinite)", text), name


@pytest.mark.parametrize(("factor", "dtype"), CASES)
def test_a_checkpoint_of_any_scale_is_looked_at(factor: float, dtype: type[Any], tmp_path: Path) -> None:
    """What its values say of its training is said, whatever their size."""
    subject = save(scaled(factor, dtype), tmp_path / "subject.safetensors")
    assert main(["scratch", subject, "-o", f"json={tmp_path / 'json'}", "-q"]) in (0, 1, 3)
    assert json.loads((tmp_path / "json").read_text(encoding="utf-8"))


def test_only_what_overflowed_is_taken_out() -> None:
    """A finite report is the same object; NaN and infinities are counted, in messages and in figures."""
    report = finding()
    assert without_overflow(report) == (report, 0)
    mixed: tuple[Any, ...] = (1.0, float("nan"), {"x": float("-inf")}, "inf")
    assert without_overflow(mixed) == ((1.0, None, {"x": None}, "inf"), 2)
