"""Trajectories: honest ones pass without a contradiction, and every way of faking one is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from independence_audit.evidence.measurement import Message
from independence_audit.evidence.training_evidence import ComponentTraining, Conclusion, ReplayEvidence
from independence_audit.training.conclude import trajectory_evidence
from independence_audit.training.trajectory.checkpoint_scan import ScannedCheckpoint, scan
from tests.training.hand_made import drawn, fingerprint_of, sample_of
from tests.training.trajectory.simulated import Weights, samples_of, seen, training


def judged(checkpoints: Sequence[ScannedCheckpoint], component: str = "model") -> ComponentTraining:
    """What one component of a trajectory comes to."""
    components = trajectory_evidence(scan(checkpoints)).components
    return next(each for each in components if each.component == component)


def contradictions(training: ComponentTraining) -> set[str]:
    """Keys of the findings that contradict."""
    return {finding.message.key.partition(".")[2] for finding in training.findings if finding.contradicts}


def noisy(weights: Weights, amount: float, seed: int) -> dict[str, np.ndarray]:
    """Weights with independent noise of a share of their deviation."""
    random = np.random.default_rng(seed)
    return {role: each + amount * each.std() * random.normal(size=each.shape) for role, each in weights.items()}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_an_honest_training_passes(seed: int, dtype: str) -> None:
    """An initial draw, smooth links, no contradiction."""
    found = judged(seen(training(seed), dtype=dtype))
    assert found.conclusion == Conclusion.INITIALISED_AND_TRAINED
    assert not found.findings
    assert [message.key for message in found.evidence] == ["grounds.initial", "grounds.linked"]


def test_without_step_0_it_is_consistent_at_best() -> None:
    """Later checkpoints alone: no contradiction, and no verified start."""
    found = judged(seen(training(1))[3:])
    assert found.conclusion == Conclusion.CONSISTENT_WITH_SCRATCH
    assert not contradictions(found)


def test_two_trained_checkpoints_are_no_evidence() -> None:
    """Two points are no way."""
    assert judged(seen(training(1))[7:]).conclusion == Conclusion.NO_EVIDENCE


def test_a_few_values_say_nothing() -> None:
    """A component of one short vector that changes."""
    random = np.random.default_rng(0)
    short = [sample_of(random.normal(size=7), "bias", 0) for _ in range(5)]
    found = judged([ScannedCheckpoint(f"step-{n}", n, fingerprint_of([each])) for n, each in enumerate(short)])
    assert found.conclusion == Conclusion.NO_EVIDENCE
    assert not found.findings


def test_a_trained_step_0_is_named() -> None:
    """The same checkpoints with steps that begin at 0."""
    found = judged(seen(training(1)[3:]))
    assert found.conclusion == Conclusion.STARTS_FROM_TRAINED_WEIGHTS
    assert contradictions(found) == {"step0_trained"}


def frozen(number: int) -> list[ScannedCheckpoint]:
    """A trained component beside one that is held from a checkpoint on."""
    own, tower = training(1), training(2)
    return [
        ScannedCheckpoint(
            f"step-{each}",
            each,
            fingerprint_of([*samples_of(own[each], each), *samples_of(tower[min(each, number)], 0, "tower")]),
        )
        for each in range(9)
    ]


def test_a_frozen_tower_is_named() -> None:
    """Held at trained values from the first checkpoint on; the trained part beside it passes."""
    checkpoints = [replace(each, step=each.step) for each in frozen(8)]
    held = [ScannedCheckpoint(one.name, one.step, fingerprint_of(_held(one, checkpoints[-1]))) for one in checkpoints]
    found = judged(held, "tower")
    assert found.conclusion == Conclusion.FROZEN_DURING_TRAINING
    assert "frozen_throughout" in contradictions(found)
    assert judged(held).conclusion == Conclusion.INITIALISED_AND_TRAINED


def _held(one: ScannedCheckpoint, last: ScannedCheckpoint) -> list:
    assert one.fingerprint is not None
    assert last.fingerprint is not None
    own = [sample for sample in one.fingerprint.samples if sample.component == "model"]
    return [*own, *(sample for sample in last.fingerprint.samples if sample.component == "tower")]


def test_a_part_held_at_its_draw_is_untrained() -> None:
    """Never trained, while the rest was."""
    assert judged(frozen(0), "tower").conclusion == Conclusion.UNTRAINED


def test_freezing_for_a_while_is_a_remark() -> None:
    """Held from the middle on: named, and no contradiction."""
    found = judged(frozen(4), "tower")
    assert {finding.message.key for finding in found.findings} == {"finding.frozen_for_a_while"}
    assert not contradictions(found)
    assert found.conclusion == Conclusion.INITIALISED_AND_TRAINED


def test_a_swap_at_mid_run_is_named() -> None:
    """Another training's weights from the fifth checkpoint on."""
    found = judged(seen([*training(1)[:5], *training(2)[5:]]))
    assert found.conclusion == Conclusion.STARTS_FROM_TRAINED_WEIGHTS
    [finding] = [each for each in found.findings if each.contradicts]
    assert finding.message.key == "finding.swapped"
    assert finding.checkpoints == ("step-40", "step-50")


def test_drawing_anew_is_a_remark() -> None:
    """A run that starts over from another draw is judged from there on."""
    again = seen(training(2)[:6])
    found = judged([*seen(training(1)[:3]), *(replace(e, name=f"step-{n}", step=n) for n, e in enumerate(again, 30))])
    assert [finding.message.key for finding in found.findings] == ["finding.drawn_anew"]
    assert found.conclusion == Conclusion.INITIALISED_AND_TRAINED


def test_a_part_that_the_declared_draw_does_not_give_is_a_remark() -> None:
    """Most matrices grew from the draw that stands before the first checkpoint; a small part was drawn on its own."""
    parts = [training(7)[0], *training(8)[:4]]
    states = [
        [*samples_of(whole, number), *(sample_of(part[role], role, 1, component="projector") for role in ("q", "k"))]
        for number, (whole, part) in enumerate(zip(training(1)[:5], parts, strict=True))
    ]
    scanned = scan(
        [ScannedCheckpoint(f"step-{number}", number, fingerprint_of(each)) for number, each in enumerate(states)]
    )
    replay = ReplayEvidence("own:draw", 1, "numpy", "", 0, 0)
    components = {each.component: each for each in trajectory_evidence(scanned, replay=replay).components}
    assert [finding.message.key for finding in components["projector"].findings] == ["finding.drawn_anew"]
    assert not any(contradictions(each) for each in components.values())


def mixture(first: Weights, second: Weights, share: float) -> dict[str, np.ndarray]:
    """Between two checkpoints."""
    return {role: (1 - share) * first[role] + share * second[role] for role in first}


@pytest.mark.parametrize("dtype", ["F32", "BF16"])
def test_an_interpolation_is_named(dtype: str) -> None:
    """From an own draw to a finished model, in exact steps."""
    own, other = training(1), training(2)
    found = judged(seen([mixture(own[0], other[-1], number / 8) for number in range(9)], dtype=dtype))
    assert "combination" in contradictions(found)
    assert found.conclusion == Conclusion.NO_EVIDENCE


@pytest.mark.parametrize(
    "shares",
    [
        (0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1),
        (0, 0, 0, 0, 0.25, 0.5, 0.75, 1, 1),
        (0, 0, 0, 0, 0, 0, 0, 0.5, 1),
    ],
    ids=["all the way", "at mid-run", "at the end"],
)
def test_a_blend_of_two_runs_is_named(shares: Sequence[float]) -> None:
    """Another's run slid into an own one while both move on, so that no checkpoint is a combination of others."""
    own, other = training(1), training(2)
    found = judged(seen([mixture(one, two, share) for one, two, share in zip(own, other, shares, strict=True)]))
    assert contradictions(found) == {"blended"}
    assert found.conclusion == Conclusion.NO_EVIDENCE


@pytest.mark.parametrize("kept", [0.9, 0.7, 0.5, 0.3])
def test_decay_is_neither_blend_nor_noise(kept: float) -> None:
    """What training forgets of a draw, it forgets of all that was there; what shrinks is not noise that was added."""
    found = judged(seen(training(1, kept=kept)))
    assert not contradictions(found)
    assert found.conclusion == Conclusion.INITIALISED_AND_TRAINED


def test_an_interpolation_under_noise_is_named() -> None:
    """Noise on every checkpoint in between hides the line and shows as noise."""
    own, other = training(1), training(2)
    ends = [mixture(own[0], other[-1], number / 8) for number in range(9)]
    found = judged(seen([ends[0], *(noisy(each, 0.1, n) for n, each in enumerate(ends[1:-1])), ends[-1]]))
    assert "noise_apart" in contradictions(found)


@pytest.mark.parametrize("amount", [0.1, 0.5, 2.0])
def test_a_finished_model_with_noise_is_named(amount: float) -> None:
    """As one early checkpoint of an otherwise own training."""
    own = training(1)
    found = judged(seen([*own[:2], noisy(own[-1], amount, 3), *own[3:]]))
    assert contradictions(found)
    assert found.conclusion != Conclusion.INITIALISED_AND_TRAINED


def test_a_finished_model_with_ever_less_noise_is_named() -> None:
    """All checkpoints made of one."""
    final = training(2)[-1]
    found = judged(seen([noisy(final, amount, n) for n, amount in enumerate((4, 2, 1, 0.5, 0.3, 0.2, 0.1, 0.05, 0))]))
    assert "noise_update" in contradictions(found)


def test_exchanged_neighbours_are_named() -> None:
    """The way is shorter with one of them elsewhere."""
    own = training(1)
    found = judged(seen([*own[:3], own[4], own[3], *own[5:]]))
    assert contradictions(found) == {"other_order"}
    assert found.conclusion == Conclusion.NO_EVIDENCE


def test_one_checkpoint_as_two_steps_is_named() -> None:
    """In the middle it contradicts; a last checkpoint saved twice is usual."""
    own = seen(training(1))
    middle = [*own[:4], replace(own[3], name="step-40", step=40), *own[5:]]
    assert contradictions(judged(middle)) == {"duplicate"}
    assert not contradictions(judged([*own, replace(own[-1], name="final", step=None)]))


def test_a_checkpoint_that_could_not_be_read_lowers_the_conclusion() -> None:
    """It is listed with its reason; the others are judged, one grade lower."""
    own = seen(training(1))
    own[4] = ScannedCheckpoint("step-40", 40, None, Message("limit.unreadable", {"reason": "It is damaged."}))
    evidence = trajectory_evidence(scan(own))
    assert evidence.components[0].conclusion == Conclusion.CONSISTENT_WITH_SCRATCH
    assert {"limit.skipped", "limit.lowered"} <= {message.key for message in evidence.components[0].limits}
    assert evidence.trajectory is not None
    assert [each.status for each in evidence.trajectory.checkpoints].count("skipped") == 1


def test_another_model_among_the_checkpoints_is_skipped() -> None:
    """Other shapes: named with the share that is left."""
    own = seen(training(1))
    other = {role: drawn(n, 32, 96) for n, role in enumerate("abcd")}
    own[4] = ScannedCheckpoint("step-40", 40, fingerprint_of(samples_of(other, 4)))
    trajectory = trajectory_evidence(scan(own)).trajectory
    assert trajectory is not None
    [skipped] = [each for each in trajectory.checkpoints if each.status == "skipped"]
    assert skipped.reason is not None
    assert skipped.reason.key == "limit.other_shapes"


def test_missing_steps_are_a_limit() -> None:
    """A gap of several checkpoints is told."""
    own = seen(training(1, 15))
    gone = [each for each in own if each.step is not None and not 50 <= each.step <= 90]
    limits = {message.key: message.data for message in judged(gone).limits}
    assert limits["limit.gap"] == {"first": 40, "last": 100}


def test_the_table_says_what_was_measured() -> None:
    """Correlations fall from one, updates have sizes and directions."""
    trajectory = trajectory_evidence(scan(seen(training(1)))).trajectory
    assert trajectory is not None
    first, second, third = trajectory.points[:3]
    assert first.first_r == pytest.approx(1.0)
    assert first.previous_r is None
    assert second.previous_r is not None
    assert second.first_r == pytest.approx(second.previous_r)
    assert third.update_cosine is not None
    assert third.relative_update is not None
    assert 0.0 < third.relative_update < 1.0
