"""Tensors that stay bit-identical over checkpoints between which others are trained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from independence_audit.evidence.measurement import Message, Value
from independence_audit.evidence.training_evidence import Finding
from independence_audit.training.trajectory.checkpoint_scan import Step
from independence_audit.training.trajectory.checkpoint_state import Place
from independence_audit.training.trajectory.updates import TensorStep
from independence_audit.training.untouched import SHOWN

TRAINS = 0.5
"""Identical values of a matrix below which it was trained between two checkpoints. Weights in bfloat16 at the end of a
schedule keep up to 0.23 of their values in the honest runs."""
OTHERS = 0.1
"""Share of the model's matrix parameters that must have been trained, for the others to be called frozen."""
FEWEST = 256
"""Sampled values that must be equal."""
MOSTLY = 0.5
"""Share of a component's matrix parameters that must be frozen throughout for it to be called frozen."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """What of one component was frozen."""

    findings: tuple[Finding, ...]
    share: float
    """Share of its matrix parameters frozen throughout."""


def frozen_parts(steps: Sequence[Step]) -> dict[str, Frozen]:
    """By component: what was frozen throughout, and what for a while.

    Vectors are left out: gains in half precision stay where they are at a small learning rate.
    """
    training = [number for number, step in enumerate(steps) if number and _trains(step)]
    held: dict[Place, list[int]] = defaultdict(list)
    for number in training:
        for tensor in steps[number].tensors:
            if tensor.is_matrix and tensor.values >= FEWEST and tensor.identical == 1.0 and tensor.weight > 0.0:
                held[tensor.place].append(number)
    by_window: dict[tuple[str, tuple[int, ...]], list[TensorStep]] = defaultdict(list)
    for tensor in steps[0].tensors if steps else ():
        if held[tensor.place]:
            by_window[tensor.place[0], tuple(held[tensor.place])].append(tensor)
    found: dict[str, Frozen] = {}
    for component in {component for component, _ in by_window}:
        total = sum(each.parameters for each in steps[0].of(component) if each.is_matrix)
        findings, throughout = [], 0
        for (owner, window), tensors in by_window.items():
            if owner != component:
                continue
            whole = list(window) == training
            parameters = sum(tensor.parameters for tensor in tensors)
            throughout += parameters if whole else 0
            findings.append(_finding(steps, window, tensors, parameters / max(1, total), whole=whole))
        found[component] = Frozen(tuple(findings), throughout / max(1, total))
    return found


def _trains(step: Step) -> bool:
    """Whether a part of the model that is worth the name was trained since the checkpoint before."""
    matrices = [each for each in step.tensors if each.is_matrix and each.identical is not None]
    trained = sum(each.parameters for each in matrices if (each.identical or 0.0) < TRAINS)
    return trained >= OTHERS * sum(each.parameters for each in matrices) and trained > 0


def _finding(
    steps: Sequence[Step], window: Sequence[int], tensors: Sequence[TensorStep], share: float, *, whole: bool
) -> Finding:
    names = (steps[window[0] - 1].name, *(steps[number].name for number in window))
    data: dict[str, Value] = {
        "tensors": len(tensors),
        "share": share,
        "first": names[0],
        "last": names[-1],
        "intervals": len(window),
    }
    return Finding(
        Message("finding.frozen_throughout" if whole else "finding.frozen_for_a_while", data),
        contradicts=whole and share >= MOSTLY,
        effect=share,
        tolerance=MOSTLY,
        tensors=tuple(tensor.place[3] for tensor in tensors[:SHOWN]),
        checkpoints=tuple(dict.fromkeys(names)),
        alternatives=(Message("alternative.declared_freezing"), Message("alternative.never_used")),
    )
