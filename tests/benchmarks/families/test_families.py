"""The benchmark of families: two families built and trained briefly, recipes, and the page of made-up outcomes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.families import designs, members, train
from benchmarks.families.cases import SEEDS_APART, Case, Outcome, cases
from benchmarks.families.designs import DESIGNS, Design, design
from benchmarks.families.members import Member, Way, of_design
from benchmarks.families.page import accused, found, page
from benchmarks.families.unit_tests import Extremes, extremes
from benchmarks.lineage import tokens
from benchmarks.processes import Cost
from examples.training import digits, vowels
from independence_audit.anatomy import place
from independence_audit.checkpoint import open_checkpoint
from independence_audit.evidence.measurement import UnitTest


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two steps for every model, kept in a folder of the test."""
    brief = {one.name: replace(one, steps=2) for one in DESIGNS}
    monkeypatch.setattr(members, "design", brief.__getitem__)
    monkeypatch.setattr(members, "STORE", tmp_path)
    return tmp_path


def test_sizes_are_those_of_the_tasks() -> None:
    """What the designs write down again is what texts, images and sounds have."""
    theirs = tokens.VOCABULARY, digits.SIDE, vowels.FRAMES, vowels.MEL_BINS
    assert theirs == (designs.VOCABULARY, designs.SIDE, designs.FRAMES, designs.MEL_BINS)


def test_names_are_distinct_and_strangers_enough() -> None:
    """No two models share a folder; at least sixty pairs of strangers, and a copy of every family."""
    names = Counter(one.name for one in members.members())
    assert set(names.values()) == {1}
    every = [case for one in DESIGNS for case in cases(one)]
    assert sum(not case.is_copy for case in every) >= 60
    assert {case.subject.design for case in every if case.is_copy} == {one.name for one in DESIGNS}
    assert all(case.subject.design == case.reference.design for case in every)


def test_a_student_and_its_teacher_are_strangers() -> None:
    """So are pressed models of two seeds; a pressed model and what it was made of are not."""
    own = cases(design("llama"))
    assert [case.is_copy for case in own if case.group in {Way.LOGITS, Way.STATES}] == [False] * 3
    assert [case.is_copy for case in own if case.group == Way.INT4] == [False, True, True]


@pytest.mark.parametrize("name", ["gpt-oss", "T5"])
def test_a_recipe_is_trained_once(short: Path, name: str) -> None:
    """What was trained is current, and nothing but its own recipe's model is."""
    member = Member(name, 1)
    assert not train.is_current(member)
    assert "loss" in train.make(member)
    assert train.is_current(member)
    assert train.digest(member) != train.digest(Member(name, 2))
    other = Member(name, 5, Way.PERMUTED, 1)
    train.make(other)  # raises where the function is another
    assert {path.name for path in (short / "models").iterdir()} == {member.name, other.name}


def test_the_anatomy_of_a_built_model_is_read(short: Path) -> None:
    """Units of two strangers are tested against each other."""
    one, other = Member("llama", 1), Member("llama", 2)
    for each in (one, other):
        train.make(each)
    checkpoint = open_checkpoint(one.folder)
    anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
    checkpoint.source.close()
    assert [component.family for component in anatomy.components] == ["llama"]
    (most,) = extremes([Case(one, other, SEEDS_APART)])
    assert most.strangers == "llama"
    assert most.tests > 0
    assert UnitTest.SIGNS_TOGETHER in most.z
    assert most.share[UnitTest.GATES_ALIKE] < 0.1


@pytest.mark.parametrize("one", DESIGNS, ids=lambda one: one.name)
def test_members_begin_with_plain_ones(one: Design) -> None:
    """Whatever is made of another names one that is trained."""
    own = of_design(one)
    assert all(each.origin in own for each in own if each.origin)


SIGNS = {"test": "signs_together", "layer": 2, "units": 384, "count": None, "z": 9.0}
GATES = {"test": "gates_alike", "layer": 1, "units": 384, "count": 96, "z": None}


def outcome(case: Case, relation: str, z: float = 0.5) -> Outcome:
    """An audit that said this."""
    component: dict[str, Any] = {
        "name": "model",
        "family": "llama",
        "parameters": 10,
        "relation": relation,
        "p_value": 0.5,
        "disguised": [SIGNS, GATES] if relation == "transformed" else [],
    }
    statistics = [{"pair": case.name, "name": str(sign), "role": "q", "z": sign * z} for sign in (-1.0, 0.5, 1.0)]
    return Outcome(case, [component], 0.75, statistics, Cost(1.5, 2.0, 300_000_000))


def test_the_page_tells_found_missed_and_accused(short: Path) -> None:
    """Token tables are no accusation; whoever is accused is named with what speaks against him."""
    first, second, third = (Member("llama", seed) for seed in (1, 2, 3))
    copy = Member("llama", 11, Way.FINE_TUNED, 1)
    public = Case(Member("llama", 41, Way.PUBLIC), Member("llama", 42, Way.PUBLIC), Way.PUBLIC)
    outcomes = [
        outcome(Case(first, second, SEEDS_APART), "unrelated"),
        outcome(Case(first, third, SEEDS_APART), "transformed"),
        outcome(public, "token_tables"),
        outcome(Case(copy, first, Way.FINE_TUNED, is_copy=True), "related"),
    ]
    assert [accused(one) for one in outcomes] == [False, True, False, False]
    assert [found(one) for one in outcomes] == [False, True, False, True]
    most = Extremes("llama", 9, 0.02, {UnitTest.SIGNS_TOGETHER: 2.25}, {UnitTest.GATES_ALIKE: 0.0123})
    text = page(outcomes, [most])
    assert "**Accused: 1** of 3 pairs of strangers" in text
    assert "**Accused: 1** of 2 pairs that differ in their seeds alone" in text
    assert "**Found: 1** of 1 copies, **missed: 0**." in text
    tests = "signs_together z 9.0 (layer 2), gates_alike 96 of 384 (layer 1)"
    assert f"| llama_trained_1 / llama_trained_3 | model | transformed | 0.5 | {tests} |" in text
    assert "| 75.0% | llama | 1 of 3 | 1 unrelated, 1 transformed | found (related) | – |" in text
    assert "| llama | public start (41, 42) | token_tables |" in text
    assert "1.2%" in text
    assert str(Path.home()) not in text
