"""Training that is shared is told from a draw that is, where weights are at hand; elsewhere nothing is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import pytest

from independence_audit.evidence.measurement import Message
from independence_audit.evidence.measurement import Shared as Verdict
from independence_audit.fingerprint import Model
from independence_audit.lineage import shared_training
from independence_audit.lineage.comparison import Comparisons
from independence_audit.lineage.shared_training import SMALLEST, SharedTraining, shared_of
from tests.checkpoint.memory_source import MemorySource
from tests.cli.small_models import LAYERS, Weights, llama
from tests.lineage.models_in_memory import Asked, Gone, behind, in_place, model_of, sides

Compared = Callable[[str, str], Comparisons]


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


def narrow(weights: Weights) -> Weights:
    """The same with values of so few rows that they have no bulk, and with as many keys."""
    few = SMALLEST // 2
    return {name: each[:few] if ".k_proj" in name or ".v_proj" in name else each for name, each in weights.items()}


@pytest.fixture(scope="module")
def models() -> Mapping[str, Model]:
    """A draw, a base trained from it, one that was trained on, one of the same draw trained apart, and a stranger."""
    base = trained(llama(1), 10, 0.01)
    weights = {
        "draw": llama(1),
        "base": base,
        "tuned": trained(base, 11, 0.002),
        "same draw": trained(llama(1), 12, 0.01),
        "other": trained(llama(2), 13, 0.01),
    }
    return {name: model_of(each, name) for name, each in weights.items()}


@pytest.fixture(scope="module")
def compared(models: Mapping[str, Model]) -> Compared:
    """Two of the models compared in place, each pair once."""
    return cache(lambda mine, theirs: in_place(models[mine], models[theirs]))


def said(comparisons: Comparisons, mine: Model, theirs: Model) -> list[Message]:
    """What the search says of a model beside another."""
    settled = SharedTraining().run(comparisons, sides(mine, theirs)).settled()
    return [message for one in settled.items for message in one.messages]


def ratio(message: Message, band: str) -> float:
    """A number of a message."""
    value = message.data[band]
    assert isinstance(value, float)
    return value


def test_what_was_trained_on_shares_training(models: Mapping[str, Model], compared: Compared) -> None:
    """The reference's leading directions are all there."""
    (message,) = said(compared("tuned", "base"), models["tuned"], models["base"])
    assert message.key == "fact.shared_training"
    assert shared_of(message) == Verdict.TRAINING
    assert (message.data["component"], message.data["reference"]) == ("model", "base")
    assert message.data["matrices"] == LAYERS
    assert ratio(message, "top") > 0.95


def test_one_draw_trained_apart_shares_the_draw(models: Mapping[str, Model], compared: Compared) -> None:
    """The bulk is there, the leading directions are not."""
    (message,) = said(compared("same draw", "base"), models["same draw"], models["base"])
    assert message.key == "fact.shared_draw"
    assert shared_of(message) == Verdict.DRAW
    assert ratio(message, "top") < 0.1
    assert ratio(message, "low") > 0.9


def test_the_training_that_is_looked_for_is_the_reference_s(models: Mapping[str, Model], compared: Compared) -> None:
    """The draw that a reference was trained from has none of it; of a draw there is none that could be shared."""
    for mine, theirs, shared in (("draw", "base", Verdict.DRAW), ("base", "draw", Verdict.UNRESOLVED)):
        (message,) = said(compared(mine, theirs), models[mine], models[theirs])
        assert shared_of(message) == shared


def test_of_unrelated_models_nothing_is_said(models: Mapping[str, Model], compared: Compared) -> None:
    """Their weights are at hand, and share nothing."""
    assert said(compared("other", "base"), models["other"], models["base"]) == []


def test_without_weights_nothing_is_said(models: Mapping[str, Model], compared: Compared) -> None:
    """Fingerprints tell that models are related and not what they share, whichever side is one."""
    related, mine, theirs = compared("tuned", "base"), models["tuned"], models["base"]
    assert said(related, mine, Model(theirs.fingerprint)) == []
    assert said(related, Model(mine.fingerprint), theirs) == []


@pytest.mark.parametrize("far_side", [0, 1])
def test_weights_far_away_say_the_same(models: Mapping[str, Model], compared: Compared, far_side: int) -> None:
    """This process reads them when it is asked: connections cannot be shared between processes."""
    both = [models["tuned"], models["base"]]
    here = said(compared("tuned", "base"), *both)
    both[far_side], source = behind(both[far_side], Asked, near=False)
    begun = SharedTraining().run(compared("tuned", "base"), sides(*both))
    assert isinstance(source, Asked)
    assert source.times == 0
    assert [message for one in begun.settled().items for message in one.messages] == here
    assert source.times > 0


@pytest.mark.parametrize(("kind", "found"), [(Gone, 0), (MemorySource, 1)])
@pytest.mark.parametrize("near", [True, False])
def test_what_cannot_be_read_is_left_out(
    models: Mapping[str, Model],
    compared: Compared,
    kind: type[MemorySource],
    found: int,
    near: bool,  # noqa: FBT001  a case's parameter
) -> None:
    """It is no error: nothing is said of what was found already, and all of it where the same bytes can be read."""
    model, _ = behind(models["tuned"], kind, near=near)
    assert len(said(compared("tuned", "base"), model, models["base"])) == found


def test_components_that_are_related_only_later_are_looked_at_then(
    models: Mapping[str, Model], compared: Compared
) -> None:
    """What was begun knew of none of them."""
    comparisons = compared("tuned", "base")
    begun = SharedTraining().run(comparisons.with_items([]), sides(models["tuned"], models["base"]))
    assert begun.settled().items == ()
    settled = begun.with_items(comparisons.items).settled()
    assert [shared_of(message) for one in settled.items for message in one.messages] == [Verdict.TRAINING]
    assert settled.pending == ()


def test_a_few_matrices_are_looked_at(
    models: Mapping[str, Model], compared: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many more there are."""
    assert LAYERS > 1
    monkeypatch.setattr(shared_training, "MATRICES", 1)
    (message,) = said(compared("tuned", "base"), models["tuned"], models["base"])
    assert message.data["matrices"] == 1


@pytest.mark.parametrize(("change", "shared"), [(dict, Verdict.TRAINING), (narrow, Verdict.DRAW)])
def test_the_first_role_that_is_large_enough_is_asked(change: Callable[[Weights], Weights], shared: Verdict) -> None:
    """Where only values share training, these are asked before all others; where they have no bulk, others are."""
    base, apart = trained(llama(1), 10, 0.01), trained(llama(1), 12, 0.01)
    tuned = trained(base, 11, 0.002)
    values_only = {name: tuned[name] if ".v_proj" in name else each for name, each in apart.items()}
    mine, theirs = model_of(change(values_only), "mine"), model_of(change(base), "base")
    assert [shared_of(message) for message in said(in_place(mine, theirs), mine, theirs)] == [shared]


def test_other_messages_say_nothing_of_it() -> None:
    """It is asked by key."""
    assert shared_of(Message("fact.related")) is None
    assert shared_of(Message("fact.shared_unresolved")) == Verdict.UNRESOLVED
