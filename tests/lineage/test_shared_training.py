"""Training that is shared is told from a draw that is, where weights are at hand; elsewhere nothing is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest

from independence_audit.core.progress import NoProgress
from independence_audit.evidence.measurement import Message
from independence_audit.evidence.measurement import Shared as Verdict
from independence_audit.fingerprint import Model, read_model, sampler_of
from independence_audit.lineage.comparison import Comparisons
from independence_audit.lineage.in_place import compare_fingerprints
from independence_audit.lineage.searches import Models
from independence_audit.lineage.shared_training import SharedTraining, shared_of
from tests.cli.small_models import Weights, llama, save


def trained(weights: Weights, seed: int, strength: float) -> Weights:
    """Weights with a few strong directions of a seed."""
    random = np.random.default_rng(seed)

    def one(values: np.ndarray) -> np.ndarray:
        if values.ndim == 1:
            return values
        rows, columns = values.shape
        update = random.normal(size=(rows, 8)) @ random.normal(size=(8, columns))
        return (values + strength * update).astype(np.float32)

    return {name: one(values) for name, values in weights.items()}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Model]]:
    """A trained base, one that was trained on, one of the same draw trained apart, and one of another draw."""
    folder = tmp_path_factory.mktemp("models")
    base = trained(llama(1), 10, 0.01)
    weights = {
        "base": base,
        "tuned": trained(base, 11, 0.002),
        "same draw": trained(llama(1), 12, 0.01),
        "other": trained(llama(2), 13, 0.01),
    }
    read = {
        name: read_model(save(each, folder / f"{name}.safetensors"), sampler_of("default", None), NoProgress())
        for name, each in weights.items()
    }
    yield read
    for model in read.values():
        model.close()


def said(mine: Model, theirs: Model) -> list[Message]:
    """What the search says of a model beside another."""
    compared = compare_fingerprints(mine.fingerprint, theirs.fingerprint)
    comparisons = Comparisons(mine.fingerprint, 1e-6, tuple(compared))
    models = Models(mine, {theirs.name: theirs}, NoProgress())
    settled = SharedTraining().run(comparisons, models).settled()
    return [message for one in settled.items for message in one.messages]


def test_what_was_trained_on_shares_training(models: Mapping[str, Model]) -> None:
    """The reference's leading directions are all there."""
    (message,) = said(models["tuned"], models["base"])
    assert message.key == "fact.shared_training"
    assert shared_of(message) == Verdict.TRAINING
    assert message.data["matrices"] == 2


def test_one_draw_trained_apart_shares_the_draw(models: Mapping[str, Model]) -> None:
    """The bulk is there, the leading directions are not."""
    (message,) = said(models["same draw"], models["base"])
    assert shared_of(message) in {Verdict.DRAW, Verdict.UNRESOLVED}
    assert shared_of(message) != Verdict.TRAINING


def test_of_unrelated_models_nothing_is_said(models: Mapping[str, Model]) -> None:
    """Nor of a model whose weights are not at hand."""
    assert said(models["other"], models["base"]) == []
    alone = replace(models["base"], weights=None)
    assert said(models["tuned"], alone) == []


def test_other_messages_say_nothing_of_it() -> None:
    """It is asked by key."""
    assert shared_of(Message("fact.related")) is None
