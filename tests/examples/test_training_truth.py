"""``audit scratch`` on the examples: exactly the parts that the training scripts never touched, and no conclusion."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples.training.text import sources
from independence_audit.core.progress import NoProgress
from independence_audit.fingerprint.making import read_model
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.pipeline.scratch import scratch
from independence_audit.training.untouched import untouched_rows

ROOT = Path(__file__).resolve().parents[2]
TRUTH: list[dict[str, Any]] = json.loads((ROOT / "examples" / "truth.json").read_text())["training"]
UNTOUCHED = {"finding.constant", "finding.on_initial_law", "finding.untouched_rows", "finding.computed"}
"""Findings that name parts which training did not touch; others are traces of types and scales."""
SELDOM = 100
"""Times that a byte may occur in two million and still leave its row next to its draw."""


def test_it_covers_every_checkpoint(checkpoints: dict[str, Path]) -> None:
    """Every checkpoint has its entry."""
    assert {entry["checkpoint"] for entry in TRUTH} == set(checkpoints)


@pytest.mark.parametrize("entry", TRUTH, ids=lambda entry: str(entry["checkpoint"]))
def test_exactly_what_was_never_trained_is_named(entry: dict[str, Any], examples: Path) -> None:
    """The tensors named are those of the truth, no more and no fewer; nothing is concluded from one checkpoint."""
    report = scratch(str(examples / entry["checkpoint"]))
    named = {
        tensor
        for component in report.training.components
        for finding in component.findings
        if finding.message.key in UNTOUCHED
        for tensor in finding.tensors
    }
    assert named == {*entry["partly_unused"], *entry["never_trained"]}
    assert {component.conclusion for component in report.training.components} == {"no_evidence"}


@pytest.mark.parametrize("entry", [each for each in TRUTH if each["partly_unused"]], ids=lambda e: str(e["checkpoint"]))
def test_unused_rows_are_bytes_that_the_text_lacks(
    entry: dict[str, Any], examples: Path, weights: Callable[[str], dict[str, np.ndarray]]
) -> None:
    """The rows found are those of bytes that do not occur, and nearly all of them."""
    counts = np.bincount(sources().numpy().ravel(), minlength=256)
    model = read_model(str(examples / entry["checkpoint"]), Sampler(), NoProgress())
    model.close()
    [sample] = [each for each in model.fingerprint.samples if each.role == "embed"]
    found = {int(row) for row in sample.rows[untouched_rows(sample.values().astype(np.float64))]}
    never = {int(row) for row in sample.rows if counts[row] == 0}
    assert all(counts[row] <= SELDOM for row in found)
    assert len(never - found) <= 0.1 * len(never)
