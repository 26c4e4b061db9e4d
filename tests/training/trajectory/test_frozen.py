"""Tensors that stay bit-identical while others are trained: throughout, for a while, or not at all."""

from __future__ import annotations

from collections.abc import Callable

from independence_audit.training.trajectory.checkpoint_scan import ScannedCheckpoint, Step, scan
from independence_audit.training.trajectory.frozen import frozen_parts
from tests.training.hand_made import fingerprint_of
from tests.training.trajectory.simulated import samples_of, training

LAST = 8


def steps(tower: Callable[[int], int], trunk: Callable[[int], int] = lambda number: number) -> tuple[Step, ...]:
    """A trunk and a tower of two trainings, each at the checkpoint that its own function gives."""
    own, other = training(1), training(2)
    return scan(
        [
            ScannedCheckpoint(
                f"step-{number}",
                number,
                fingerprint_of(
                    [*samples_of(own[trunk(number)], number), *samples_of(other[tower(number)], number, "tower")]
                ),
            )
            for number in range(LAST + 1)
        ]
    ).steps


def test_nothing_is_frozen_where_all_is_trained() -> None:
    """Gains that hardly move are no matrices."""
    assert frozen_parts(steps(lambda number: number)) == {}


def test_a_tower_that_never_moves_is_frozen_throughout() -> None:
    """All of its matrices, by name, from the first checkpoint to the last: it contradicts."""
    found = frozen_parts(steps(lambda _: LAST))
    assert set(found) == {"tower"}
    (finding,) = found["tower"].findings
    assert found["tower"].share == 1.0
    assert finding.contradicts
    assert finding.message.key == "finding.frozen_throughout"
    assert (finding.checkpoints[0], finding.checkpoints[-1]) == ("step-0", f"step-{LAST}")
    assert set(finding.tensors) == {f"layers.0.{role}" for role in ("q", "k", "up", "down")}


def test_a_tower_that_stands_still_for_a_while_is_a_remark() -> None:
    """It was trained before: no contradiction, and no share of it is frozen."""
    found = frozen_parts(steps(lambda number: min(number, 4)))
    (finding,) = found["tower"].findings
    assert finding.message.key == "finding.frozen_for_a_while"
    assert not finding.contradicts
    assert found["tower"].share == 0.0
    assert finding.message.data["intervals"] == LAST - 4


def test_where_nothing_is_trained_nothing_is_frozen() -> None:
    """Checkpoints that were saved again freeze nothing, and neither does no checkpoint."""
    assert frozen_parts(steps(lambda _: 3, lambda _: 3)) == {}
    assert frozen_parts([]) == {}
