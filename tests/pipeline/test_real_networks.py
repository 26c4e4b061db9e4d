"""Real networks that nobody here made, with known lineage: no stranger is accused, no relative is missed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.lineage.real import measure_real
from independence_audit.evidence.relation import Relation
from independence_audit.pipeline.audit import audit


@pytest.mark.usefixtures("shared_cases")
def test_every_pair_comes_out_as_it_is() -> None:
    """The relation of every pair is one that its truth allows, whichever of the two is the subject, in both modes."""
    outcomes = measure_real()
    assert len(outcomes) >= 15
    assert [outcome for outcome in outcomes if not outcome.right] == []


def test_swapped_kernels_are_undone(shared_cases: Path) -> None:
    """Every kernel of the port that exchanged height and width is found, all of its values equal; nothing is left."""
    names = [
        str(shared_cases / "01_mtcnn" / f"{name}.safetensors") for name in ("A_facenet_tf_npy", "B_facenet_pytorch")
    ]
    for subject, reference in (names, names[::-1]):
        report = audit(subject, [reference])
        (component,) = report.components
        swapped = [tensor for tensor in report.tensors if tensor.relation == Relation.TRANSFORMED]
        assert len(swapped) == 7
        assert {(tensor.reason, tensor.identical_fraction) for tensor in swapped} == {("kernel_sides_swapped", 1.0)}
        assert "changed.swapped" in {change.key for change in component.changes}
        assert component.relations[Relation.IDENTICAL] + component.relations[Relation.TRANSFORMED] > 0.99
