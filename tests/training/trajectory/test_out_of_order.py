"""Checkpoints out of order, there twice, or of another model: found by their weights, whatever their names say."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from independence_audit.training.trajectory.checkpoint_scan import ScannedCheckpoint, Step, scan
from independence_audit.training.trajectory.geometry import Geometry, geometry_of
from independence_audit.training.trajectory.out_of_order import breaks, duplicates, reordered, reversed_way
from tests.training.hand_made import fingerprint_of
from tests.training.trajectory.simulated import samples_of, seen, training


def walked(checkpoints: Sequence[ScannedCheckpoint]) -> tuple[tuple[Step, ...], Geometry]:
    """The steps of some checkpoints, and their points."""
    steps = scan(checkpoints).steps
    points = geometry_of([step.of("model") for step in steps])
    assert points is not None
    return steps, points


def placed(*checkpoints: tuple[int, int], claimed: bool = True) -> list[ScannedCheckpoint]:
    """Checkpoints under steps that rise, each by the seed of its training and its number in that."""
    runs = {seed: training(seed) for seed, _ in checkpoints}
    return [
        ScannedCheckpoint(
            f"step-{10 * place}", 10 * place, fingerprint_of(samples_of(runs[seed][number], number)), claimed=claimed
        )
        for place, (seed, number) in enumerate(checkpoints)
    ]


def named(order: Sequence[int], *, claimed: bool = True) -> list[ScannedCheckpoint]:
    """Checkpoints of one training in some order."""
    return placed(*((1, number) for number in order), claimed=claimed)


@pytest.mark.parametrize("moved", [2, 5])
def test_the_checkpoint_that_was_moved_is_named(moved: int) -> None:
    """Exchanged with the one that is two further: it contradicts where somebody claims its place."""
    order = list(range(9))
    order[moved], order[moved + 2] = order[moved + 2], order[moved]
    steps, points = walked(named(order))
    (finding,) = reordered(steps, points, steps[0].starts["model"])
    assert finding.contradicts
    guessed, points = walked(named(order, claimed=False))
    (remark,) = reordered(guessed, points, guessed[0].starts["model"])
    assert not remark.contradicts


@pytest.mark.parametrize("seed", range(4))
def test_an_honest_order_is_the_shortest(seed: int) -> None:
    """Nothing is moved; without points there is no order."""
    steps, points = walked(seen(training(seed)))
    assert reordered(steps, points, steps[0].starts["model"]) == []
    assert reordered(steps, None, steps[0].starts["model"]) == []


def test_a_way_that_ends_in_a_draw_is_the_wrong_way_round() -> None:
    """And one that begins with it is not."""
    scanned = scan(named(range(8, -1, -1)))
    start = scanned.steps[0].starts["model"]
    (finding,) = reversed_way(scanned.steps, start, scanned.ends["model"])
    assert finding.message.key == "finding.reversed_order"
    forward = scan(named(range(9)))
    assert reversed_way(forward.steps, forward.steps[0].starts["model"], forward.ends["model"]) == []
    assert reversed_way(scanned.steps, start, None) == []


def test_one_checkpoint_under_two_steps_is_found() -> None:
    """It contradicts in the middle of a run; a last one that was saved twice is usual."""
    middle, _ = walked(named([0, 1, 2, 2, 3, 4]))
    (finding,) = duplicates(middle)
    assert finding.contradicts
    assert finding.checkpoints == ("step-20", "step-30")
    end, _ = walked(named([0, 1, 2, 3, 3]))
    assert [one.contradicts for one in duplicates(end)] == [False]
    assert duplicates(walked(named(range(5)))[0]) == []


def test_another_models_checkpoint_breaks() -> None:
    """A trained one was swapped, an initial draw was drawn anew; an honest run breaks nowhere."""
    own = [(1, number) for number in range(4)]
    steps, _ = walked(placed(*own, *((2, number) for number in range(4, 9))))
    ((number, swapped),) = breaks(steps, "model")
    assert (number, swapped.message.key, swapped.contradicts) == (4, "finding.swapped", True)
    steps, _ = walked(placed(*own, *((2, number) for number in range(4))))
    ((number, anew),) = breaks(steps, "model")
    assert (number, anew.message.key, anew.contradicts) == (4, "finding.drawn_anew", False)
    assert breaks(walked(placed(*own))[0], "model") == []
