"""Honest trainings under the names that people give checkpoints are never contradicted; dishonest ones still are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest

from independence_audit.evidence.training_evidence import ComponentTraining, Conclusion
from independence_audit.training.conclude import trajectory_evidence
from independence_audit.training.trajectory.checkpoint_scan import ScannedCheckpoint, scan
from independence_audit.training.trajectory.steps import arrange
from tests.training.trajectory.simulated import seen, training

SCHEMES = {
    "ckpt-N": ["ckpt-0", "ckpt-1000", "ckpt-2000", "ckpt-10000", "ckpt-20000"],
    "epoch and step": [f"epoch={n}-step={300 * n}.ckpt" for n in (0, 1, 2, 9, 10)],
    "epochs from 0, the first of which is trained already": [f"epoch_{n}" for n in range(5)],
    "a release beside its steps": ["A2-init", "A2-step100", "A2-step300", "A2-step1000", "A2"],
    "a run's number": [f"run7/iter_{n:07}" for n in (0, 100, 200, 300, 1000)],
    "global steps": [f"global_step_{n}" for n in (0, 100, 200, 1000, 2000)],
    "tokens": [f"qwen2-7b-{n}-tokens" for n in ("0B", "100B", "500B", "1T", "1.5T")],
    "tokens of two units": ["500M", "100B", "900B", "1.5T", "15T"],
    "versions": ["v1.0", "v1.1", "v1.9", "v1.10", "v2.0"],
    "versions from 0": ["v0", "v1", "v2", "v3", "v4"],
    "days": ["2026-01-03", "2026-01-04", "2026-01-10", "2026-02-01", "2026-02-02"],
    "words": ["init", "early", "mid", "late", "final"],
    "a base and a last": ["base", "checkpoint-10", "checkpoint-20", "checkpoint-30", "last"],
    "letters": ["a", "b", "c", "d", "e"],
    "letters backwards": ["e", "d", "c", "b", "a"],
    "hashes": ["9b0d22", "a3f9c1", "4e5f6a", "07ee31", "1234567"],
    "Roman numbers": ["ckpt-I", "ckpt-II", "ckpt-III", "ckpt-IV", "ckpt-V"],
    "Korean": ["초기", "1000스텝", "2000스텝", "10000스텝", "최종"],
    "Korean words": ["초기화", "중간1", "중간2", "후반", "최종"],
    "two phases that begin anew": [
        "stage1-step0", "stage1-step5000", "stage1-step10000", "stage2-step100", "stage2-step200"
    ],
    "two stems": ["warmup-100", "warmup-200", "main-100", "main-200", "main-300"],
    "revisions": [f"owner/name@stage1-step{n}-tokens{n // 100}B" for n in (0, 100, 200, 300, 1000)],
    "falling losses": ["loss-11", "loss-9", "loss-7", "loss-5", "loss-2"],
    "numbers that count down": ["left-400", "left-300", "left-200", "left-100", "left-0"],
    "times of a clock": ["ckpt_1767400000", "ckpt_1767400600", "ckpt_1767401200", "ckpt_1767402000", "ckpt_1767403000"],
}  # fmt: skip
HARD = ("hashes", "letters backwards", "words", "two stems", "falling losses", "numbers that count down")
"""Schemes whose folder cannot be put in order by its names."""


@cache
def honest(seed: int, kept: float) -> Sequence[ScannedCheckpoint]:
    """Five checkpoints of a training, initial draw and all."""
    return seen(training(seed, 5, kept=kept))


def judged(
    names: Sequence[str], states: Sequence[ScannedCheckpoint], *, folder: bool, pattern: str = ""
) -> ComponentTraining:
    """What checkpoints come to under names, given one by one or as a folder.

    Args:
        names: In the order in which they are given.
        states: Of each name.
        folder: Whether the names are those of a folder, which lists them by the alphabet.
        pattern: ``--step-regex``.
    """
    by_name = dict(zip(names, states, strict=True))
    arranged = arrange([sorted(names)] if folder else [[name] for name in names], pattern)
    placed = [
        replace(
            by_name[each.name],
            name=each.name,
            step=each.step,
            guessed=each.guessed,
            claimed=each.claimed,
            rank=each.rank,
        )
        for each in arranged.checkpoints
    ]
    [component] = trajectory_evidence(scan(placed), order=arranged.order).components
    return component


def contradictions(component: ComponentTraining) -> set[str]:
    """Keys of the findings that contradict."""
    return {finding.message.key for finding in component.findings if finding.contradicts}


@pytest.mark.parametrize("kept", [0.99, 0.5], ids=["as usual", "strong decay"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_honest_training_given_in_order_passes(scheme: str, kept: float) -> None:
    """Its verified draw counts whatever it is called, and nothing contradicts."""
    names = SCHEMES[scheme]
    found = judged(names, honest(1, kept), folder=False)
    assert not contradictions(found)
    assert found.conclusion == Conclusion.INITIALISED_AND_TRAINED, found.findings


@pytest.mark.parametrize("kept", [0.99, 0.5], ids=["as usual", "strong decay"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_honest_training_in_a_folder_is_never_contradicted(scheme: str, kept: float) -> None:
    """Whatever the names make of its order; where they tell it, the run passes as if it had been given in order."""
    found = judged(SCHEMES[scheme], honest(1, kept), folder=True)
    assert not contradictions(found)
    if scheme in HARD:
        assert found.conclusion in {Conclusion.NO_EVIDENCE, Conclusion.INITIALISED_AND_TRAINED}
    else:
        assert found.conclusion == Conclusion.INITIALISED_AND_TRAINED, found.findings


@pytest.mark.parametrize("where", ["one by one", "folder"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_training_without_its_draw_is_never_contradicted(scheme: str, where: str) -> None:
    """Not even where its first checkpoint is called by the number 0, as the first of several epochs or versions is."""
    later = seen(training(1, 9))[4:]
    found = judged(SCHEMES[scheme], later, folder=where == "folder")
    assert not contradictions(found)
    assert found.conclusion in {Conclusion.NO_EVIDENCE, Conclusion.CONSISTENT_WITH_SCRATCH}


@pytest.mark.parametrize("twin", ["ckpt-best", "ckpt-200-copy", "last"])
@pytest.mark.parametrize("where", ["one by one", "folder"])
def test_a_checkpoint_saved_twice_is_no_disorder(twin: str, where: str) -> None:
    """The best checkpoint beside those by step, given behind them or listed with them."""
    states = honest(1, 0.99)
    names = [f"ckpt-{100 * number}" for number in range(5)]
    found = judged([*names, twin], [*states, states[2]], folder=where == "folder")
    assert not contradictions(found)
    assert found.conclusion == Conclusion.INITIALISED_AND_TRAINED


def test_a_best_checkpoint_between_two_saves_is_doubted_and_not_accused() -> None:
    """Its name says nothing of its place; given where it belongs it passes."""
    states = seen(training(1, 9))
    names, best = [f"ckpt-{100 * number}" for number in (0, 1, 2, 4, 5, 6)], states[3]
    own = [states[number] for number in (0, 1, 2, 4, 5, 6)]
    found = judged([*names, "best"], [*own, best], folder=False)
    assert not contradictions(found)
    assert "limit.order_doubted" in {limit.key for limit in found.limits}
    assert found.conclusion == Conclusion.NO_EVIDENCE
    placed = judged([*names[:3], "best", *names[3:]], [*own[:3], best, *own[3:]], folder=False)
    assert placed.conclusion == Conclusion.INITIALISED_AND_TRAINED


@pytest.mark.parametrize("order", [(4, 3, 2, 1, 0), (0, 2, 1, 3, 4), (3, 0, 1, 2, 4)])
def test_names_listed_in_another_order_than_their_numbers_are_a_mistake(order: Sequence[int]) -> None:
    """As the newest file first: the weights follow the names, so nobody is accused, and nothing is concluded."""
    names = [f"step-{100 * number}" for number in order]
    found = judged(names, [honest(1, 0.99)[number] for number in order], folder=False)
    assert not contradictions(found)
    assert found.conclusion == Conclusion.NO_EVIDENCE


SHUFFLED = [(0, 3, 1, 2, 4), (0, 1, 3, 2, 4), (2, 0, 4, 1, 3), (1, 2, 3, 4, 0), (4, 3, 2, 1, 0)]


@pytest.mark.parametrize("order", SHUFFLED, ids=str)
@pytest.mark.parametrize("scheme", ["letters", "words", "hashes", "versions", "days", "Korean words"])
def test_a_given_order_that_the_weights_deny_is_contradicted(scheme: str, order: Sequence[int]) -> None:
    """Shuffled, exchanged, the end before the beginning, reversed: the weights are evidence by themselves."""
    names = SCHEMES[scheme]
    found = judged(names, [honest(1, 0.99)[number] for number in order], folder=False)
    assert contradictions(found)
    assert found.conclusion in {Conclusion.NO_EVIDENCE, Conclusion.STARTS_FROM_TRAINED_WEIGHTS}


@pytest.mark.parametrize("order", SHUFFLED, ids=str)
def test_a_declared_order_that_the_weights_deny_is_contradicted(order: Sequence[int]) -> None:
    """Steps by a pattern of the team's own are its word, in a folder as well."""
    names = [f"step-{100 * number}" for number in range(5)]
    states = [honest(1, 0.99)[number] for number in order]
    assert contradictions(judged(names, states, folder=True, pattern="step-([0-9]+)"))
    guessed = judged(names, states, folder=True)
    assert guessed.conclusion == Conclusion.NO_EVIDENCE
    assert not contradictions(guessed)


@pytest.mark.parametrize("where", ["one by one", "folder"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_another_models_end_is_contradicted_under_any_names(scheme: str, where: str) -> None:
    """No order makes somebody else's weights links of one chain."""
    states = [*honest(1, 0.99)[:3], *seen(training(2, 9))[7:]]
    found = judged(SCHEMES[scheme], states, folder=where == "folder")
    assert "finding.swapped" in contradictions(found)
    assert found.conclusion == Conclusion.STARTS_FROM_TRAINED_WEIGHTS


def test_a_declared_step_0_that_is_trained_is_contradicted() -> None:
    """A pattern says that the number is a step; a guess is a remark."""
    names, later = [f"step-{number}" for number in range(5)], seen(training(1, 9))[4:]
    assert contradictions(judged(names, later, folder=True, pattern="step-([0-9]+)")) == {"finding.step0_trained"}
    [finding] = judged(names, later, folder=True).findings
    assert finding.message.key == "finding.step0_trained"
    assert finding.alternatives[0].key == "alternative.guessed_step"


def test_one_state_as_two_steps_is_contradicted_where_the_steps_are_declared() -> None:
    """In names that nobody explained it is a remark."""
    states = honest(1, 0.99)
    names, doubled = [f"step-{number}" for number in range(5)], [*states[:3], states[2], states[4]]
    assert contradictions(judged(names, doubled, folder=False, pattern="step-([0-9]+)")) == {"finding.duplicate"}
    assert not contradictions(judged(names, doubled, folder=False))
