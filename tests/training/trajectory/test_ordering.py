"""Steps in names: what trainers write, revisions of the Hub, and a user's own pattern."""

from __future__ import annotations

import pytest

from independence_audit.errors import UsageError
from independence_audit.training.trajectory.ordering import compiled, in_order, step_of, wide_gaps


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("runs/checkpoint-500", 500),
        ("runs/global_step1000/model.safetensors", 1000),
        ("step=20.safetensors", 20),
        ("EleutherAI/pythia-70m@step3000", 3000),
        ("allenai/OLMo-2-1124-7B@stage1-step150-tokens1B", 150),
        ("out/epoch_7.fp.safetensors", 7),
        ("run2/0040", 40),
        ("final", None),
        ("owner/name-7b@main", None),
    ],
)
def test_steps(name: str, step: int | None) -> None:
    """The step, never another number of the name."""
    assert step_of(name) == step


def test_a_pattern_of_ones_own() -> None:
    """Its first group is the step."""
    assert step_of("run7_it42_loss3", compiled("it([0-9]+)")) == 42
    assert step_of("run7", compiled("it([0-9]+)")) is None


@pytest.mark.parametrize("text", ["(", "step"], ids=["broken", "no group"])
def test_a_broken_pattern_is_a_usage_error(text: str) -> None:
    """With a way out."""
    with pytest.raises(UsageError) as caught:
        compiled(text)
    assert caught.value.hint


def test_order() -> None:
    """By number, not by letter; names without a step stand at the end as given."""
    ordered = in_order(["step-100", "final", "step-20", "best"])
    assert [each.name for each in ordered] == ["step-20", "step-100", "final", "best"]


def test_gaps() -> None:
    """Judged by the usual distance."""
    assert wide_gaps([0, 10, 20, 80, 90]) == [(20, 80)]
    assert not wide_gaps([0, 10, 20, 30])
    assert not wide_gaps([0, 1000])
