"""Breaks: checkpoints whose weights share nothing with those before, by a swap or by drawing them anew."""

from __future__ import annotations

from collections.abc import Sequence

from independence_audit.evidence.measurement import Message
from independence_audit.evidence.training import Finding
from independence_audit.training.trajectory.start import Freshness, Start
from independence_audit.training.trajectory.updates import LINKED, is_broken, median_r
from independence_audit.training.trajectory.walk import Step


def breaks(steps: Sequence[Step], component: str) -> list[tuple[int, Finding]]:
    """Where a component breaks with the checkpoint before, and whether it was drawn anew or swapped."""
    found = []
    for number, step in enumerate(steps[1:], 1):
        own = step.of(component)
        if not is_broken(own):
            continue
        start = step.starts.get(component, Start(Freshness.UNCLEAR, 0.0, 0.0))
        anew = start.freshness == Freshness.INITIAL
        r = median_r(own, "previous_r")
        data = {"checkpoint": step.name, "before": steps[number - 1].name, "r": r, "ratio": start.ratio}
        gap = Message("alternative.long_gap")
        finding = Finding(
            Message("finding.drawn_anew" if anew else "finding.swapped", data),
            contradicts=not anew,
            effect=r,
            tolerance=LINKED,
            checkpoints=(steps[number - 1].name, step.name),
            alternatives=(Message("alternative.new_part"),) if anew else (gap, Message("alternative.warm_start")),
        )
        found.append((number, finding))
    return found
