"""What repeats inside one model is said, with its figures, and nothing is said of a model that nobody grew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from independence_audit.anatomy import Axis
from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint.samples import Sample
from independence_audit.lineage.arrangements import expert_scores, repetitions, shared_rows
from tests.lineage.deep_models import layers, taken, trained_on
from tests.lineage.hand_made import component_of, noise, sample_of


def said(samples: Sequence[Sample]) -> dict[str, Message]:
    """What repeats, by its kind."""
    return {message.key: message for message in repetitions(component_of(), samples)}


def experts(layer: int, sources: Sequence[int], seed: int, *, noised: float = 0.0) -> Sample:
    """A pool of experts of eight rows each; equal numbers are copies."""
    blocks = [noise(8, 64, seed=1000 * seed + source) for source in sources]
    extra = [noised * noise(8, 64, seed=1000 * seed + 500 + place) for place in range(len(sources))]
    return sample_of(
        np.concatenate([block + more for block, more in zip(blocks, extra, strict=True)]).astype(np.float32),
        layer=layer,
        role="expert.up",
        members=len(sources),
        shape=(8, 64),
        rows=np.tile(np.arange(8), len(sources)),
        experts=np.repeat(np.arange(len(sources)), 8),
    )


@pytest.mark.parametrize("share", [0.0, 0.3], ids=["equal", "trained on"])
def test_duplicated_layers(share: float) -> None:
    """Which layers are copies of which, and how like them."""
    model = taken(layers(6, 1, shared=0.3), [0, 1, 2, 3, 2, 3, 4, 5])
    found = said(trained_on(model, share, 7000) if share else model)
    assert set(found) == {"repeated.layers"}
    assert (found["repeated.layers"].data["runs"], found["repeated.layers"].data["count"]) == ("4-5 from 2-3", 2)
    assert found["repeated.layers"].data["r"] == pytest.approx(1 - share, abs=0.1)


@pytest.mark.parametrize("noised", [0.0, 0.5])
def test_cloned_experts(noised: float) -> None:
    """Upcycled experts are copies of each other, with noise on top as well; in which layers is said."""
    pools = [experts(0, [0, 1, 2, 3], 1), experts(1, [7, 7, 7, 7], 2, noised=noised), experts(2, [7, 7, 7, 7], 3)]
    found = said(pools)["repeated.experts"]
    assert (found.data["layers"], found.data["count"], found.data["experts"]) == ("1-2", 3, 4)


def test_grown_widths() -> None:
    """The channels are named by what they are, with how often each is there."""
    model = [sample_of(np.tile(noise(8, 64, seed=n), (1, 2)), layer=0, role=role) for n, role in enumerate("qkv")]
    assert said(model)["repeated.widths"].data == pytest.approx(
        {"component": "model", "axis": "residual", "width": 128, "copies": 2, "period": 64, "r": 1.0}
    )


def test_nothing_is_said_of_strangers() -> None:
    """Thirty models of layers that share a basis, and of experts drawn apart."""
    for seed in range(30):
        assert not said([*layers(4, seed, shared=0.5), experts(0, range(6), seed)])


def test_bad_input() -> None:
    """One layer, one expert, constants, pools without common rows, no values: nothing to say, and no error."""
    bare = sample_of(np.ones((4, 64), np.float32), layer=1)
    apart = sample_of(
        noise(4, 64), layer=2, role="expert.up", members=2, rows=np.arange(4), experts=np.array([0, 0, 1, 1])
    )
    unread = sample_of(noise(4, 64), layer=3, raw=None)
    rope = sample_of(noise(4, 64), layer=3, axis=Axis.NONE)
    assert not said([bare, apart, unread, rope, experts(0, [0], 1)])
    assert not said([])


def test_experts_by_number() -> None:
    """A pool is taken apart by its experts, with the rows that all of them have."""
    pool = experts(0, [3, 1], 1)
    numbers, scores = expert_scores(pool, shared_rows(pool))
    assert numbers == [0, 1]
    assert scores.shape == (2, 8, 64)
