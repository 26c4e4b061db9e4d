"""Tasks as values: equal work has one name, other work another."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.work import Task

ALGORITHMS = st.sampled_from(["align", "align-1", "count"])
CONTENTS = st.text(min_size=1, max_size=4)
WORK = st.tuples(ALGORITHMS, st.integers(1, 12), CONTENTS)


def named(algorithm: str, version: int, content: str) -> str:
    """The name of a task, whatever its item is."""
    return Task(object(), content).name(algorithm, version)


@given(WORK, WORK)
def test_work_has_one_name_and_other_work_another(first: tuple[str, int, str], second: tuple[str, int, str]) -> None:
    """By algorithm, version and content alone: no two of these run into each other."""
    assert (named(*first) == named(*second)) == (first == second)


@given(st.text(min_size=1))
def test_a_name_is_a_files_name(content: str) -> None:
    """Short, and without anything that a path gives a meaning, whatever the content is."""
    name = named("align", 1, content)
    assert name.startswith("align-")
    assert name.removeprefix("align-").isalnum()
    assert len(name) < 64


def test_a_name_is_the_same_in_the_next_process() -> None:
    """Results that were kept by an earlier run are found: the name is written down here."""
    assert named("align", 1, "both tensors") == "align-28ca603b489b5e99cade245ea4a64e72"


def test_what_is_not_worth_keeping_has_no_name() -> None:
    """Or all such tasks would share one file."""
    with pytest.raises(ValueError, match="without content has no name"):
        Task(3).name("align", 1)


def test_a_task_is_a_value() -> None:
    """It goes to another process and stays equal, and nobody changes it on the way."""
    task = Task((1, "layer"), "both tensors")
    assert pickle.loads(pickle.dumps(task)) == task  # noqa: S301 - its own bytes
    assert task != Task((1, "layer"), "others")
    with pytest.raises(FrozenInstanceError):
        task.content = "others"  # type: ignore[misc]  # what is refused
