"""Units described by their own layers' matrices: what of a layer turns with its width, and when there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.anatomy import Anatomy, Component, place
from independence_audit.checkpoint import Checkpoint
from independence_audit.fingerprint.sampler import PUBLIC_SALT
from independence_audit.fingerprint.units import describe as describing
from independence_audit.fingerprint.units.describe import (
    affordable_layers,
    describe,
    described_widths,
    layer_matrices,
    norm_gain,
    read_to_describe,
)
from independence_audit.fingerprint.units.places import UnitPlace, unit_places
from independence_audit.statistics.descriptors import residual_matrices
from tests.fingerprint.small_checkpoints import anatomy_of, checkpoint_of, dense, part_of

WIDTH, UNITS, HEADS, KEYS, SIZE = 8, 12, 4, 2, 4
"""Four queries on two keys of four channels each: no multiple of the width tells the heads."""
CONFIG = {"model_type": "llama", "num_attention_heads": HEADS, "head_dim": SIZE, "hidden_size": WIDTH}
LAYER = "model.layers.{}."

Weights = dict[str, NDArray[np.float32]]


def weights(layers: int = 2) -> Weights:
    """A llama-named decoder with grouped queries."""
    random = np.random.default_rng(8)
    shapes = {
        "self_attn.q_proj": (HEADS * SIZE, WIDTH),
        "self_attn.k_proj": (KEYS * SIZE, WIDTH),
        "self_attn.v_proj": (KEYS * SIZE, WIDTH),
        "self_attn.o_proj": (WIDTH, HEADS * SIZE),
        "mlp.gate_proj": (UNITS, WIDTH),
        "mlp.up_proj": (UNITS, WIDTH),
        "mlp.down_proj": (WIDTH, UNITS),
        "input_layernorm": (WIDTH,),
        "post_attention_layernorm": (WIDTH,),
    }
    made = {"model.embed_tokens.weight": random.normal(size=(64, WIDTH))}
    for layer in range(layers):
        made |= {
            f"{LAYER.format(layer)}{name}.weight": random.normal(size=shape) + (len(shape) == 1)
            for name, shape in shapes.items()
        }
    return {name: value.astype(np.float32) for name, value in made.items()}


def opened(made: Weights, config: Mapping[str, Any] = CONFIG) -> tuple[Checkpoint, Component, list[UnitPlace]]:
    """A checkpoint of weights, its only component and the layers of its units."""
    checkpoint = replace(checkpoint_of(made), config=config)
    anatomy = place(list(checkpoint.tensors.values()), config)
    return checkpoint, anatomy.components[0], unit_places(anatomy, anatomy.components[0])


def plain(layers: int) -> tuple[Checkpoint, Anatomy]:
    """A tower without gates and without attention."""
    random = np.random.default_rng(9)
    shapes = {"fc1": (UNITS, WIDTH), "fc2": (WIDTH, UNITS)}
    parts = [
        part_of(f"{layer}.{role}", dense(*shape), layer=layer, role=role)
        for layer in range(layers)
        for role, shape in shapes.items()
    ]
    arrays = {part.tensor: random.normal(size=part.view.shape).astype(np.float32) for part in parts}
    return checkpoint_of(arrays), anatomy_of(parts)


@pytest.mark.parametrize("config", [CONFIG, {"model_type": "llama"}], ids=["heads", "no heads"])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_widths_are_those_of_the_descriptors(layers: int, config: dict[str, Any]) -> None:
    """Told from headers as they come out of the weights, whether heads can be told or not."""
    checkpoint, component, places = opened(weights(layers), config)
    found = describe(checkpoint, component, places, PUBLIC_SALT, however_large=False)
    assert [one and (one.even.shape[1], one.odd.shape[1]) for one in found] == described_widths(
        checkpoint, component, places, however_large=False
    )
    assert [one and len(one.even) for one in found] == [UNITS] * layers


def test_widths_without_gates() -> None:
    """As many of the second matrix as of the first."""
    checkpoint, anatomy = plain(2)
    places = unit_places(anatomy, anatomy.components[0])
    found = describe(checkpoint, anatomy.components[0], places, PUBLIC_SALT, however_large=False)
    widths = described_widths(checkpoint, anatomy.components[0], places, however_large=False)
    assert [one and (one.even.shape[1], one.odd.shape[1]) for one in found] == widths
    assert widths[0] is not None
    assert widths[0][0] == widths[0][1]


def test_a_gain_is_the_same_in_its_norm_and_in_the_matrices() -> None:
    """Who folds the norms' gains into what reads them changes no descriptor."""
    made = weights()
    folded = dict(made)
    for layer in range(2):
        at = LAYER.format(layer)
        for norm, roles in (
            ("input_layernorm", ("self_attn.q", "self_attn.k", "self_attn.v")),
            ("post_attention_layernorm", ("mlp.gate", "mlp.up")),
        ):
            for role in roles:
                folded[f"{at}{role}_proj.weight"] = made[f"{at}{role}_proj.weight"] * made[f"{at}{norm}.weight"]
            folded[f"{at}{norm}.weight"] = np.ones(WIDTH, np.float32)
    for one, other in zip(
        *(describe(*opened(each), PUBLIC_SALT, however_large=False) for each in (made, folded)), strict=True
    ):
        assert one is not None
        assert other is not None
        np.testing.assert_allclose(one.even, other.even, atol=1e-5)
        np.testing.assert_allclose(one.odd, other.odd, atol=1e-5)


def test_attention_is_that_of_every_query_with_its_own_key() -> None:
    """Grouped queries give what every head of its own, with the key it shares, would give."""
    made = weights(1)
    checkpoint, component, (only,) = opened(made)
    found = layer_matrices(checkpoint, component, only)
    at = LAYER.format(0)
    q, k, v = (
        (made[f"{at}self_attn.{role}_proj.weight"] * made[f"{at}input_layernorm.weight"]).astype(np.float64)
        for role in "qkv"
    )
    o = made[f"{at}self_attn.o_proj.weight"].astype(np.float64)
    heads = []
    for head in range(HEADS):
        own, key = (slice(number * SIZE, (number + 1) * SIZE) for number in (head, head // (HEADS // KEYS)))
        heads.append((q[own], k[key], v[key], o[:, own]))
    assert found is not None
    gate, up, down = found.units
    expected = residual_matrices(gate, up, down, heads)[-2:]
    for mine, theirs in zip(found.attention, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)


def test_heads_that_cannot_be_told_say_nothing() -> None:
    """Units are there without attention where no config says how many heads there are."""
    checkpoint, component, (only,) = opened(weights(1), {"model_type": "llama"})
    found = layer_matrices(checkpoint, component, only)
    assert found is not None
    assert found.attention == ()
    assert found.units[2] == pytest.approx(weights(1)[f"{LAYER.format(0)}mlp.down_proj.weight"].T)


def test_a_key_for_every_query_needs_no_config() -> None:
    """Attention summed over heads is the same however the rows are cut into them."""
    made = weights(1)
    at = f"{LAYER.format(0)}self_attn."
    for role in "kv":
        made[f"{at}{role}_proj.weight"] = np.concatenate([made[f"{at}{role}_proj.weight"]] * (HEADS // KEYS))
    told, untold = (
        layer_matrices(checkpoint, component, only)
        for checkpoint, component, (only,) in (opened(made, config) for config in (CONFIG, {"model_type": "llama"}))
    )
    assert told is not None
    assert untold is not None
    assert len(told.attention) == 2
    for mine, theirs in zip(told.attention, untold.attention, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)


@pytest.mark.parametrize(
    ("limit", "value", "found"),
    [("MOST_LAYERS", 8, 5), ("MOST_LAYERS", 3, 3), ("LITTLE_WORK", 0, 1), ("LITTLE_WORK", 18 * 1800 * 3 * 64, 3)],
)
def test_as_many_layers_as_cost_little(monkeypatch: pytest.MonkeyPatch, limit: str, value: int, found: int) -> None:
    """Of five layers with 600 units of width 8 all, unless they are too many or the work too much; at least one."""
    parts = [
        part_of(f"{layer}.{role}", dense(*shape), layer=layer, role=role)
        for layer in range(5)
        for role, shape in (("gate", (600, WIDTH)), ("up", (600, WIDTH)), ("down", (WIDTH, 600)))
    ]
    checkpoint = checkpoint_of({part.tensor: np.zeros(part.view.shape, np.float32) for part in parts})
    anatomy = anatomy_of(parts)
    monkeypatch.setattr(describing, limit, value)
    places = unit_places(anatomy, anatomy.components[0])
    assert affordable_layers(checkpoint, anatomy.components[0], places, 1) == found


def test_a_unit_of_zeros_leaves_the_others_as_they_are() -> None:
    """A quantiser makes them, and so may who wants a layer not to be looked at: they say nothing, the others all."""
    made, longer = weights(1), weights(1)
    at = LAYER.format(0)
    for role in ("gate", "up"):
        longer[f"{at}mlp.{role}_proj.weight"] = np.pad(made[f"{at}mlp.{role}_proj.weight"], ((0, 5), (0, 0)))
    longer[f"{at}mlp.down_proj.weight"] = np.pad(made[f"{at}mlp.down_proj.weight"], ((0, 0), (0, 5)))
    (alone,), (padded,) = (describe(*opened(each), PUBLIC_SALT, however_large=False) for each in (made, longer))
    assert alone is not None
    assert padded is not None
    np.testing.assert_allclose(padded.even[:UNITS], alone.even, atol=1e-9)
    np.testing.assert_allclose(padded.odd[:UNITS], alone.odd, atol=1e-9)
    assert not padded.even[UNITS:].any()


def test_of_many_units_some_are_described_by_the_salt(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as may be, the same for one salt and others for another; what is described is what it would be anyway."""
    opened_ = opened(weights(1))
    (every,) = describe(*opened_, PUBLIC_SALT, however_large=False)
    monkeypatch.setattr(describing, "DESCRIBED", 7)
    some, again, others = (
        np.flatnonzero(found.even.any(axis=1))
        for salt in (PUBLIC_SALT, PUBLIC_SALT, b"another")
        for found in describe(*opened_, salt, however_large=False)
        if found
    )
    assert every is not None
    assert len(some) == 7
    assert some.tolist() == again.tolist() != others.tolist()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_layer_with_a_unit_that_points_nowhere_is_not_described(value: float) -> None:
    """The others are, without its matrices."""
    made = weights(2)
    made[f"{LAYER.format(0)}mlp.down_proj.weight"][:, 3] = value
    checkpoint, component, places = opened(made)
    broken, whole = describe(checkpoint, component, places, PUBLIC_SALT, however_large=False)
    (alone,) = describe(checkpoint, component, places[1:], PUBLIC_SALT, however_large=False)
    assert broken is None
    assert layer_matrices(checkpoint, component, places[0]) is None
    assert whole is not None
    assert alone is not None
    np.testing.assert_array_equal(whole.even, alone.even)


def test_large_models_are_described_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it would take too long there are no descriptors, and no widths of any, but for who wants them."""
    checkpoint, component, places = opened(weights(2))
    monkeypatch.setattr(describing, "MOST_WORK", 18 * (2 * UNITS) * 2 * WIDTH**2 - 1)
    assert describe(checkpoint, component, places, PUBLIC_SALT, however_large=False) == [None, None]
    assert described_widths(checkpoint, component, places, however_large=False) == [None, None]
    assert None not in described_widths(checkpoint, component, places, however_large=True)
    assert None not in describe(checkpoint, component, places, PUBLIC_SALT, however_large=True)
    assert None not in describe(checkpoint, component, places[:1], PUBLIC_SALT, however_large=False)


@pytest.mark.parametrize(("family", "expected"), [("llama", 0.5), ("gemma", 1.5), ("gemma2", 1.5)])
def test_a_gain_is_what_the_norm_multiplies_by(family: str, expected: float) -> None:
    """Gemma stores it less one; one of another width, or that is not finite, is none."""
    arrays = {name: np.full(WIDTH, value, np.float32) for name, value in (("g", 0.5), ("n", np.nan))}
    part, broken = (part_of(name, dense(1, WIDTH)) for name in arrays)
    component = replace(anatomy_of([part]).components[0], family=family)
    checkpoint = checkpoint_of(arrays)
    assert norm_gain(checkpoint, component, part, WIDTH) == pytest.approx(np.full(WIDTH, expected))
    assert [
        norm_gain(checkpoint, component, *each) for each in ((part, 2 * WIDTH), (broken, WIDTH), (None, WIDTH))
    ] == [None] * 3


def test_what_is_read_is_what_describing_needs() -> None:
    """Units and attention of the layers that are described; of others, and of embeddings, nothing."""
    _, _, places = opened(weights(2))
    assert {part.tensor for part in read_to_describe(places[:1])} == {
        f"{LAYER.format(0)}{name}_proj.weight"
        for name in ("self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o", "mlp.gate", "mlp.up", "mlp.down")
    }
