"""Real networks that nobody here made, with known lineage: no stranger is accused, no relative is missed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from independence_audit.evidence.relation import Relation
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.settings import AuditSettings

INNOCENT = {Relation.UNRELATED, Relation.INCONCLUSIVE}
EXPECTED = {
    "independent": INNOCENT,
    "wrong_seed_control": INNOCENT,
    "scratch_same_seed": {Relation.RELATED},
    "init_to_final(100 epochs)": {Relation.RELATED},
    # One port swapped height and width of its kernels: equal once that is undone.
    "exact_layout": {Relation.IDENTICAL, Relation.TRANSFORMED},
}


@pytest.mark.parametrize("full", [False, True])
def test_every_pair_comes_out_as_it_is(shared_cases: Path, *, full: bool) -> None:
    """The relation of every pair is one that its truth allows, whichever of the two is the subject."""
    wrong = []
    for pair in json.loads((shared_cases / "cases.json").read_text())["pairs"]:
        first, second = (str(shared_cases / pair["case"] / f"{pair[side]}.safetensors") for side in "ab")
        for subject, reference in ((first, second), (second, first)):
            report = audit(subject, [reference], AuditSettings(full=full))
            relation = max(report.components, key=lambda component: component.parameters).relation
            if relation not in EXPECTED[pair["truth"]]:
                wrong.append((pair["case"], pair["a"], pair["b"], pair["truth"], relation))
    assert not wrong


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
