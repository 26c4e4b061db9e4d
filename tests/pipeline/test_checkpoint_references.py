"""References at a checkpoint: a copy is related, an independent model is not, at the level of the checkpoint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from independence_audit.fingerprint import Fingerprint
from independence_audit.pipeline.checkpoint_references import compare_checkpoint
from tests.lineage.hand_made import fingerprint_of, noise, sample_of

ROLES = ("q", "o", "up", "down")


def model(seed: int, name: str, *, on: int | None = None) -> Fingerprint:
    """Four matrices of a seed; with ``on`` those of another seed and half as much of its own."""
    own: dict[str, NDArray[np.floating]] = {
        role: noise(64, 128, seed=seed * 10 + number) for number, role in enumerate(ROLES)
    }
    if on is not None:
        own = {role: noise(64, 128, seed=on * 10 + number) + own[role] / 2 for number, role in enumerate(ROLES)}
    return fingerprint_of(*(sample_of(own[role], role=role) for role in ROLES), name=name)


def test_what_began_at_a_reference_is_related_to_it() -> None:
    """With its correlation, 1 / sqrt(1 + 1/4) in values, and none of the other reference."""
    copy, stranger = compare_checkpoint(model(2, "run", on=1), [model(1, "base"), model(3, "other")], 1e-6)
    assert (copy.reference, copy.related) == ("base", True)
    assert copy.r is not None
    assert abs(copy.r - 0.89) < 0.03
    assert (stranger.reference, stranger.related) == ("other", False)
    assert stranger.z is not None
    assert abs(stranger.z) < 4.5


def test_the_level_decides() -> None:
    """A relation that is plain at one level is none at a level that no test of this size can reach."""
    run, base = model(2, "run", on=1), model(1, "base")
    assert [one.related for one in compare_checkpoint(run, [base], 1e-6)] == [True]
    assert [one.related for one in compare_checkpoint(run, [base], 1e-300)] == [False]


def test_nothing_to_compare_is_no_comparison() -> None:
    """Without references, or with none that has a component of its kind."""
    assert compare_checkpoint(model(1, "run"), [], 1e-6) == []
