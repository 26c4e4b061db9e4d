"""Behind a disguise that was found: what was not asked to find it, compared once the rotation is undone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint import Model
from independence_audit.lineage import after_alignment
from independence_audit.lineage.after_alignment import AfterAlignment
from independence_audit.lineage.comparison import Comparisons
from independence_audit.lineage.disguised_units import DisguisedUnits, Units
from independence_audit.lineage.outcomes import SearchName
from tests.checkpoint.memory_source import MemorySource
from tests.cli.small_models import LAYERS, UNITS, WIDTH, Weights, llama
from tests.lineage.models_in_memory import SAMPLER, Gone, behind, in_place, model_of, sides


def turned(weights: Weights, seed: int) -> Weights:
    """The same function in another basis of the residual stream, gains folded and units in another order."""
    random = np.random.default_rng(seed)
    width = weights["model.norm.weight"].shape[0]
    rotation = np.linalg.qr(random.normal(size=(width, width)))[0]
    units = random.permutation(weights["model.layers.0.mlp.up_proj.weight"].shape[0])
    made = {}
    for name, value in weights.items():
        block, _, _ = name.partition(".self_attn.") if ".self_attn." in name else name.partition(".mlp.")
        norm = "input_layernorm" if ".self_attn." in name else "post_attention_layernorm"
        if name.endswith("norm.weight"):
            new = np.ones_like(value)
        elif name.endswith("o_proj.weight"):
            new = rotation.T @ value
        elif name.endswith("down_proj.weight"):
            new = (rotation.T @ value)[:, units]
        elif ".layers." in name:
            new = value * weights[f"{block}.{norm}.weight"] @ rotation
            new = new[units] if ".mlp." in name else new
        else:
            new = value @ rotation
        made[name] = np.ascontiguousarray(new, dtype=np.float32)
    return made


def pruned(weights: Weights, units: int) -> Weights:
    """The same with the first units of every block alone."""
    made = dict(weights)
    for name, value in weights.items():
        if name.endswith(("gate_proj.weight", "up_proj.weight")):
            made[name] = value[:units]
        elif name.endswith("down_proj.weight"):
            made[name] = np.ascontiguousarray(value[:, :units])
    return made


def grouped(weights: Weights) -> Weights:
    """The same with two queries to a key, of which no config says how large they are."""
    return {
        name: value[: WIDTH // 2] if ".k_proj" in name or ".v_proj" in name else value
        for name, value in weights.items()
    }


def noisy(weights: Weights, share: float) -> Weights:
    """Weights of which noise has taken a share of the variance, gains left as they are."""
    random = np.random.default_rng(5)

    def one(value: np.ndarray) -> np.ndarray:
        noise = value.std() * random.normal(size=value.shape)
        return (np.sqrt(1 - share) * value + np.sqrt(share) * noise).astype(np.float32)

    return {name: one(value) if value.ndim > 1 else value for name, value in weights.items()}


@pytest.fixture(scope="module")
def models() -> Mapping[str, Model]:
    """A base, its disguised copy, and an unrelated model."""
    weights = {"base": llama(1), "disguised": turned(llama(1), 7), "other": llama(2)}
    return {name: model_of(each, name) for name, each in weights.items()}


Found = tuple[Units, Comparisons]
"""Comparisons in which disguises were searched, and the units that were read for it."""


def searched(mine: Model, theirs: Model) -> Found:
    """A model beside another."""
    units = Units(SAMPLER, LAYERS)  # all of them, wherever they lie
    return units, DisguisedUnits(units).run(in_place(mine, theirs), sides(mine, theirs))


@pytest.fixture(scope="module")
def found(models: Mapping[str, Model]) -> Found:
    """The disguised copy beside its base."""
    return searched(models["disguised"], models["base"])


def looked(found: Found, mine: Model, theirs: Model) -> list[Message]:
    """What is said of what lies behind the disguises that were found."""
    units, comparisons = found
    run = AfterAlignment(units).run(comparisons, sides(mine, theirs))
    return [message for one in run.items for message in one.messages]


def said(mine: Model, theirs: Model) -> list[Message]:
    """The same of two models alone."""
    return looked(searched(mine, theirs), mine, theirs)


def number(message: Message, name: str) -> float:
    """A number of a message."""
    value = message.data[name]
    assert isinstance(value, float)
    return value


def test_behind_a_disguise_everything_is_alike(models: Mapping[str, Model], found: Found) -> None:
    """All units were matched, and what was not asked agrees with the reference's."""
    (message,) = looked(found, models["disguised"], models["base"])
    assert message.key == "fact.second_look"
    assert (message.data["component"], message.data["reference"]) == ("model", "base")
    assert message.data["units"] == UNITS
    assert number(message, "others") == pytest.approx(1.0, abs=1e-3)
    assert number(message, "attention") == pytest.approx(1.0, abs=1e-3)


def test_training_since_the_copy_shows(models: Mapping[str, Model]) -> None:
    """Of units and of attention: the more of the weights it has changed, the less is alike behind the disguise."""
    few, many = (said(model_of(turned(noisy(llama(1), share), 7), "copy"), models["base"])[0] for share in (0.2, 0.5))
    for name in ("others", "attention"):
        assert 0.95 > number(few, name) > number(many, name) + 0.2 > 0.4


def test_heads_that_cannot_be_told_leave_the_units() -> None:
    """Attention is not spoken of."""
    (message,) = said(model_of(turned(grouped(llama(1)), 7), "mine"), model_of(grouped(llama(1)), "base"))
    assert message.key == "fact.second_look_units"
    assert "attention" not in message.data
    assert number(message, "others") == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(("units", "looks"), [(WIDTH - 1, 0), (WIDTH, 1)])
def test_fewer_units_than_the_width_fix_no_rotation(models: Mapping[str, Model], units: int, looks: int) -> None:
    """Whatever they agree on, some directions would be free; the copy itself is found all the same."""
    mine = model_of(turned(pruned(llama(1), units), 7), "pruned")
    both, comparisons = searched(mine, models["base"])
    assert [one.tried[SearchName.DISGUISED].units != () for one in comparisons.items] == [True]
    found = looked((both, comparisons), mine, models["base"])
    assert [look.data["units"] for look in found] == [units] * looks


def test_without_a_disguise_there_is_nothing_to_undo(models: Mapping[str, Model]) -> None:
    """Of an unrelated model nothing is said, nor of a copy that stands as it was."""
    assert said(models["other"], models["base"]) == []
    assert said(models["base"], models["base"]) == []


@pytest.mark.parametrize("side", [0, 1])
def test_without_weights_nothing_is_said(models: Mapping[str, Model], found: Found, side: int) -> None:
    """It takes whole matrices of both sides, on this machine and readable; where they are, it speaks."""

    def looks(model: Model) -> int:
        both = [models["disguised"], models["base"]]
        both[side] = model
        return len(looked(found, *both))

    own = models["disguised"], models["base"]
    here, far, gone = (
        behind(own[side], kind, near=near)[0]
        for kind, near in ((MemorySource, True), (MemorySource, False), (Gone, True))
    )
    assert [looks(model) for model in (here, far, gone, Model(own[side].fingerprint))] == [1, 0, 0, 0]


@pytest.mark.parametrize(("limit", "value"), [("WIDEST", WIDTH), ("MOST_VALUES", UNITS * WIDTH)])
def test_layers_that_are_too_large_are_left_alone(
    models: Mapping[str, Model], found: Found, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    """The last that fits is looked at."""
    for most, looks in ((value, 1), (value - 1, 0)):
        monkeypatch.setattr(after_alignment, limit, most)
        assert len(looked(found, models["disguised"], models["base"])) == looks
