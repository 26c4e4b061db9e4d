"""A quantised copy is a copy: the base of the seeds example, packed by the common formats, against what it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from independence_audit.evidence.relation import Relation
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.settings import AuditSettings
from tests.checkpoint.packed.quantisers import CONFIGS, SCHEMES, Tensors, scheme

CASE = Path(__file__).parents[2] / "examples" / "seeds_case"


def packed(which: str, folder: Path) -> Path:
    """The base with every matrix of its blocks packed."""
    tensors: Tensors = {}
    for name, values in load_file(CASE / "base" / "model.safetensors").items():
        if "_proj" in name:
            tensors |= scheme(which, name, np.asarray(values.float().numpy()))[0]
        else:
            tensors[name] = values
    save_file(tensors, folder / "model.safetensors")
    config = json.loads((CASE / "base" / "config.json").read_text()) | json.loads(CONFIGS.get(which, "{}"))
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("which", SCHEMES)
def test_packed_copies_are_rounded_and_strangers_are_not(which: str, tmp_path: Path) -> None:
    """Against its base a packed model is a rounded copy, against another seed it is unrelated; nothing is untested.

    Groups of inputs that do not lie side by side cannot be told without the quantiser's order: such a copy is related.
    """
    subject = str(packed(which, tmp_path))
    report = audit(subject, [str(CASE / "base"), str(CASE / "other_seed")])
    (decoder,) = report.components
    expected = Relation.RELATED if which == "gptq by activation" else Relation.ROUNDED
    assert decoder.relation == expected
    assert (decoder.reference, decoder.runners_up[0].relation) == ("base", Relation.UNRELATED)
    matrices = [tensor for tensor in report.tensors if tensor.role in {"q", "o", "gate", "up", "down"}]
    assert {tensor.relation for tensor in matrices} == {expected}


def test_every_value_of_a_packed_model_can_be_compared(tmp_path: Path) -> None:
    """Full mode works the values out like any others."""
    subject = str(packed("gptq", tmp_path))
    report = audit(subject, [str(CASE / "base")], AuditSettings(full=True))
    (decoder,) = report.components
    assert decoder.relation == Relation.ROUNDED
    assert all(tensor.compared_values == tensor.parameters for tensor in report.tensors if tensor.role == "gate")
