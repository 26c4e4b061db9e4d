"""The benchmark of real models, without any: its subjects on a small model, its page on made-up outcomes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.lineage.manipulations.model import Model
from benchmarks.processes import Cost
from benchmarks.real import subjects
from benchmarks.real.cases import CHECKPOINTS, QWEN, SMOLLM2, Case, Outcome, drifted
from benchmarks.real.page import accused, page
from benchmarks.real.subjects import cropped, token_rows


def small(width: int, units: int, layers: int, vocabulary: list[str]) -> Model:
    """A decoder of one matrix a layer and embeddings; every value is its own."""
    shapes = {"model.embed_tokens.weight": (len(vocabulary), width)}
    shapes |= {f"model.layers.{layer}.mlp.up_proj.weight": (units, width) for layer in range(layers)}
    sizes = {name: shape[0] * shape[1] for name, shape in shapes.items()}
    weights = {name: torch.arange(sizes[name]).float().view(shape) for name, shape in shapes.items()}
    facts = {"hidden_size": width, "intermediate_size": units, "num_hidden_layers": layers}
    return Model(weights, facts, {"model": {"vocab": {token: number for number, token in enumerate(vocabulary)}}})


TARGET, SOURCE = small(4, 6, 3, ["a", "b", "c"]), small(8, 10, 2, ["x", "y", "c", "a"])


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two small models in the real ones' place."""
    monkeypatch.setattr(subjects, "model_of", lambda name: {SMOLLM2: TARGET, QWEN: SOURCE}[name])


def test_a_crop_has_one_models_shapes_and_the_others_values(models: None) -> None:
    """Names and shapes of the first; every row of equal tokens is a part of the second's; crops differ."""
    first, second = cropped(1), cropped(2)
    shapes = {name: tensor.shape for name, tensor in TARGET.weights.items()}
    assert {name: tensor.shape for name, tensor in first.weights.items()} == shapes
    assert token_rows(TARGET, SOURCE) == [3, 1, 2]
    embeddings = SOURCE.weights["model.embed_tokens.weight"]
    for row, number in zip(first.weights["model.embed_tokens.weight"], [3, 1, 2], strict=True):
        assert set(row.tolist()) <= set(embeddings[number].tolist())
    name = "model.layers.0.mlp.up_proj.weight"
    assert not torch.equal(first.weights[name], second.weights[name])


def outcome(name: str, relation: str, *, is_copy: bool, reference: str = str(CHECKPOINTS[SMOLLM2])) -> Outcome:
    """An audit that said this."""
    nearest = {"r": 0.01, "p_value": 0.5}
    component = {"relation": relation, "reason": None, "r": None, "p_value": None, "runners_up": [nearest]}
    statistics = [{"pair": name, "name": str(z), "role": "q", "z": z} for z in (-1.0, 0.5, 1.0)]
    return Outcome(Case(name, is_copy, reference), component, statistics, Cost(12.0, 20.0, 300_000_000))


def test_the_page_counts_what_was_found_and_who_was_accused() -> None:
    """Open audits are neither; statistics are those of strangers alone."""
    outcomes = [
        outcome("fine-tuned", "related", is_copy=True),
        outcome("rotated", "unrelated", is_copy=True),
        outcome("pruned", "not_tested", is_copy=True, reference=SMOLLM2),
        outcome("stranger", "related", is_copy=False),
        outcome("another", "unrelated", is_copy=False),
    ]
    assert [accused(one) for one in outcomes] == [False, False, False, True, False]
    text = page(outcomes)
    assert "**Found: 1** of 3 copies; 1 called unrelated, 1 left open." in text
    assert "**Accused: 1** of 2 strangers" in text
    assert "Cleared: 1" in text
    assert f"| pruned | *{SMOLLM2}* | not_tested |" in text
    assert "| q | 6 |" in text
    assert str(Path.home()) not in text


def test_drifted_copies_have_a_table_of_their_own() -> None:
    """They are neither found nor missed: what is asked is from which r on they are found."""
    near, far = (
        outcome(drifted(r, 768), said, is_copy=True) for r, said in ((0.55, "transformed"), (0.4, "unrelated"))
    )
    near.component["disguised"] = [{"test": "signs_together", "z": 21.0}]
    control = {"bound": 0.47, "z": 1.5}
    far.component.update(disguised=[], runners_up=[{"r": None, "p_value": None, "control": control}])
    told = [replace(one, case=replace(one.case, drift=r)) for one, r in ((near, 0.55), (far, 0.4))]
    text = page([outcome("fine-tuned", "related", is_copy=True), *told])
    assert "**Found: 1** of 1 copies" in text
    assert "| drifted to 0.55, 768 wide | transformed | 21.0 | – |" in text
    assert "| drifted to 0.4, 768 wide | unrelated | 1.5 | 0.470 |" in text
