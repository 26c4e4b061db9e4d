"""Orders and steps: what is given stands, what only names suggest is a guess, and nothing is invented."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.errors import UsageError
from independence_audit.evidence.training_evidence import Order
from independence_audit.training.trajectory import steps as pattern_module
from independence_audit.training.trajectory.steps import arrange, by_names, numbers_in, tell_apart, wide_gaps


def steps(*names: str) -> list[int | None]:
    """What is read out of names that were given one by one."""
    return [each.step for each in arrange([[name] for name in names]).checkpoints]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["run/checkpoint-0", "run/checkpoint-500"], [0, 500]),
        (["a/global_step100/model.safetensors", "a/global_step200/model.safetensors"], [100, 200]),
        (["step=20.safetensors", "step=40.safetensors"], [20, 40]),
        (["x/pythia-70m@step0", "x/pythia-70m@step3000"], [0, 3000]),
        (["run7/iter_0000100", "run7/iter_0000200"], [100, 200]),
        (["run2/0040", "run2/0080"], [40, 80]),
        (["초기", "1000스텝", "2000스텝", "최종"], [None, 1000, 2000, None]),
        (["A2-init", "A2-step100", "A2-step300", "A2"], [None, 100, 300, None]),
        (["ckpt-0", "ckpt-10", "ckpt-best"], [0, 10, None]),
        (["run-2026-01-03-step10", "run-2026-01-04-step20"], [10, 20]),
    ],
)
def test_one_number_that_varies_is_a_guessed_step(names: list[str], found: list[int | None]) -> None:
    """Where the names are alike but for it; names without it have none."""
    arranged = arrange([[name] for name in names])
    assert [each.step for each in arranged.checkpoints] == found
    assert all(each.guessed == (each.step is not None) for each in arranged.checkpoints)
    assert arranged.order == Order.GIVEN


@pytest.mark.parametrize(
    "names",
    [
        ["epoch=3-step=900", "epoch=4-step=1200"],
        ["stage1-step5000", "stage1-step9000", "stage2-step100"],
        ["x/OLMo@stage1-step150-tokens1B", "x/OLMo@stage1-step300-tokens2B"],
        ["qwen2-7b-100B-tokens", "qwen2-7b-200B-tokens", "qwen2-7b-1.5T-tokens"],
        ["1000tokens", "2000tokens"],
        ["v1.0", "v1.1"],
        ["v1", "v2"],
        ["stage1", "stage2"],
        ["2026-01-03", "2026-01-04"],
        ["20260103", "20260104"],
        ["run_2026-01-03_10-00-00", "run_2026-01-03_11-00-00"],
        ["01-03", "01-04"],
        ["1767400000", "1767500000"],
        ["a", "b", "c"],
        ["a3f9c1", "9b0d22", "4e5f6a"],
        ["I", "II", "III"],
        ["init", "step-1000"],
        ["A2", "B7"],
        ["warmup-100", "warmup-200", "main-100", "main-200"],
        ["loss-9", "loss-5", "loss-2"],
        ["final", "owner/name-7b@main"],
    ],
)
def test_what_is_no_step_is_not_invented(names: list[str]) -> None:
    """Two numbers, dates, versions, tokens, hashes, falling numbers: the steps are unknown."""
    assert steps(*names) == [None] * len(names)


def test_the_order_given_is_the_order() -> None:
    """Whatever names say, unless they stand as a shell puts them."""
    names = ["A2-init", "A2-step100", "A2-step300", "A2"]
    arranged = arrange([[name] for name in names])
    assert [each.name for each in arranged.checkpoints] == names
    back = arrange([[name] for name in ["step-300", "step-100", "step-200"]])
    assert [each.name for each in back.checkpoints] == ["step-300", "step-100", "step-200"]
    assert back.order == Order.GIVEN
    assert [each.rank for each in back.checkpoints] == [2, 0, 1]


@pytest.mark.parametrize(
    ("listed", "order"),
    [
        (["step-0", "step-100", "step-1000", "step-200"], ["step-0", "step-100", "step-200", "step-1000"]),
        (
            ["epoch=10-step=3000", "epoch=9-step=2700"],
            ["epoch=9-step=2700", "epoch=10-step=3000"],
        ),
        (["final", "init", "s-10", "s-9"], ["init", "s-9", "s-10", "final"]),
        (["1.5T", "100B", "500B"], ["100B", "500B", "1.5T"]),
        (["v1.10", "v1.9"], ["v1.9", "v1.10"]),
        (["1000스텝", "500스텝", "초기", "최종"], ["초기", "500스텝", "1000스텝", "최종"]),
    ],
)
def test_an_alphabet_is_no_order(listed: list[str], order: list[str]) -> None:
    """Of a pattern that a shell expanded, or of a folder: the numbers decide, and that is said to be a guess."""
    for groups in ([[name] for name in listed], [listed]):
        arranged = arrange(groups)
        assert [each.name for each in arranged.checkpoints] == order
        assert arranged.order == Order.NUMBERS
        assert not any(each.claimed for each in arranged.checkpoints)


def test_a_folder_without_numbers_is_in_the_order_of_the_alphabet() -> None:
    """Which is said; given one by one the same names are in the order given."""
    assert arrange([["c", "a", "b"]]).order == Order.NAMES
    assert arrange([["c"], ["a"], ["b"]]).order == Order.GIVEN


def test_a_pattern_of_ones_own_declares_steps() -> None:
    """Its first group is the step; names without one keep their place where the others rise."""
    arranged = arrange([["base"], ["x7_it0"], ["x7_it10"], ["x7"]], "it([0-9]+)")
    assert [(each.step, each.guessed, each.claimed) for each in arranged.checkpoints] == [
        (None, False, False),
        (0, False, True),
        (10, False, True),
        (None, False, False),
    ]
    assert arranged.order == Order.STEPS
    shuffled = arrange([["x_it10"], ["x_it9"], ["x_init"], ["x_final"]], "it([0-9]+)")
    assert [each.name for each in shuffled.checkpoints] == ["x_init", "x_it9", "x_it10", "x_final"]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "no regular expression"),
        ("step", "no group"),
        ("(" * 2000, "characters"),
        ("(" * 450 + ")" * 450, "none of the names"),
        ("(a{99999999999999})", "regular expression"),
        ("nowhere([0-9]+)", "none of the names"),
        ("(?P<step>[a-z]+)", "none of the names"),
    ],
    ids=["broken", "no group", "long", "nested", "overflowing", "nothing", "no number"],
)
def test_a_pattern_that_cannot_be_used_is_a_usage_error(pattern: str, said: str) -> None:
    """In one sentence, with a way out."""
    with pytest.raises(UsageError, match=said) as caught:
        arrange([["step-1"], ["step-2"]], pattern)
    assert caught.value.hint


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$([0-9])", "((a*)*)*([0-9])$", "(a*a*a*a*a*a*a*a*)b"])
def test_a_pattern_that_would_take_for_ever_is_stopped(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long before anybody gives up."""
    assert pattern_module.LONGEST <= 3.0
    monkeypatch.setattr(pattern_module, "LONGEST", 0.5)
    begun = time.process_time()
    with pytest.raises(UsageError, match="seconds"):
        arrange([["a" * 3000 + "!"], ["a" * 3000 + "?"]], pattern)
    assert time.process_time() - begun < 5


@given(st.lists(st.text(max_size=30), min_size=1, max_size=12), st.sampled_from(["one by one", "folder"]))
def test_any_names_have_an_order(names: list[str], where: str) -> None:
    """Each once, and no step that is not in a name."""
    arranged = arrange([names] if where == "folder" else [[name] for name in names])
    assert sorted(each.name for each in arranged.checkpoints) == sorted(names)
    for each in arranged.checkpoints:
        assert each.step is None or str(each.step) in each.name


@pytest.mark.parametrize("piece", ["1", "1.", "1-", "a1", "2026-01-03", "0", "/", "1B", "é"])
def test_long_names_take_no_time(piece: str) -> None:
    """Whatever they repeat."""
    begun = time.process_time()
    for names in ([piece * 20_000 + end for end in "xyz"], [end + piece * 20_000 for end in ("a", "b1", "")]):
        numbers_in(names)
        by_names(names)
        tell_apart(names)
    assert time.process_time() - begun < 3


def test_gaps() -> None:
    """Judged by the usual distance."""
    assert wide_gaps([0, 10, 20, 80, 90]) == [(20, 80)]
    assert not wide_gaps([0, 10, 20, 30])
    assert not wide_gaps([0, 1000])
