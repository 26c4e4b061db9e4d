"""One checkpoint by itself: its report, and whether that is complete or contradicts a training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from independence_audit.errors import InputError
from independence_audit.pipeline.scratch import contradicted, incomplete, run_of, scratch
from independence_audit.pipeline.settings import AuditSettings
from tests.cli.small_models import llama, save

CONSTANT = "model.layers.0.input_layernorm.weight"


def test_a_vector_that_training_did_not_touch_is_seen(tmp_path: Path) -> None:
    """Ones in place of a trained gain are named; a checkpoint alone contradicts nothing and lacks nothing."""
    weights = llama(1)
    weights[CONSTANT] = np.ones_like(weights[CONSTANT])
    report = scratch(save(weights, tmp_path / "model.safetensors"))
    (component,) = report.training.components
    assert report.subject == "model.safetensors"
    said = [str(dict(message.data)) for message in (*component.evidence, *component.limits)] + [
        str(one) for one in component.findings
    ]
    assert any("input_layernorm" in one for one in said), component
    assert not incomplete(report)
    assert not contradicted(report)


def test_the_same_weights_make_the_same_report(tmp_path: Path) -> None:
    """But for when and where it was made; another salt reads other values."""
    path = save(llama(2), tmp_path / "model.safetensors")
    one, again = (scratch(path) for _ in range(2))
    assert replace(one, run=again.run) == again
    assert scratch(path, AuditSettings(salt=b"s" * 16)).sampler != one.sampler


def test_a_run_says_its_command() -> None:
    """And its time with the zone, to the second."""
    run = run_of(AuditSettings(command="audit scratch x"))
    assert run.command == "audit scratch x"
    assert run.date.endswith("+00:00")


def test_what_is_not_there_is_no_report(tmp_path: Path) -> None:
    """An error, and never an empty report."""
    with pytest.raises(InputError):
        scratch(str(tmp_path / "gone.safetensors"))
