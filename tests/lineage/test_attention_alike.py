"""Attention that does the same to the anchors: whatever the basis, in other layers, and not between strangers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from independence_audit.evidence.measurement import UnitTest
from independence_audit.fingerprint.units.unit_layers import Anchors, ComponentUnits, Frame, UnitLayer
from independence_audit.lineage.attention_alike import attention_alike
from independence_audit.lineage.disguised import is_counted
from independence_audit.statistics.anchors import root

ANCHORS, WIDTH, LAYERS = 64, 96, 4
LABELS = tuple(f"token:{number}" for number in range(ANCHORS))


def attention(seed: int, noise: float = 0.0, turn: int | None = None) -> ComponentUnits:
    """A component whose attention was drawn at random, drifted by noise, and turned into another basis."""
    random, drift = np.random.default_rng(seed), np.random.default_rng(seed + 100)
    basis = np.eye(WIDTH) if turn is None else np.linalg.qr(np.random.default_rng(turn).normal(size=(WIDTH, WIDTH)))[0]
    directions = random.normal(size=(ANCHORS, WIDTH)) @ basis
    gram = directions @ directions.T
    frame = root(gram, -0.5) @ directions
    layers = []
    for layer in range(LAYERS):
        forms = {}
        for form in ("looks", "writes"):
            matrix = random.normal(size=(WIDTH, WIDTH)) + noise * drift.normal(size=(WIDTH, WIDTH))
            forms[form] = np.asarray(frame @ basis.T @ matrix @ basis @ frame.T, dtype=np.float32)
        none = np.zeros(0, dtype=np.int64)
        layers.append(UnitLayer("model", layer, whole=False, units=none, responses={}, attention=forms))
    return ComponentUnits("model", Anchors("model", LABELS, gram), tuple(layers))


def beside(subject: ComponentUnits, reference: ComponentUnits) -> tuple[int, dict[str, int]]:
    """How many layers are alike, and which."""
    assert subject.anchors
    assert reference.anchors
    found = attention_alike(subject, reference, Frame(subject.anchors, LABELS), Frame(reference.anchors, LABELS))
    assert found is not None
    assert found.test == UnitTest.ATTENTION_ALIKE
    assert is_counted(found) == ((found.count or 0) > 1)
    return found.count or 0, dict(found.layers)


def test_a_turned_copy_is_alike_in_every_layer() -> None:
    """Also one that changed a little; one that changed as much as an imitation would is not."""
    every = {str(layer): layer for layer in range(LAYERS)}
    assert beside(attention(1, turn=7), attention(1)) == (LAYERS, every)
    assert beside(attention(1, noise=0.1, turn=7), attention(1)) == (LAYERS, every)
    assert beside(attention(1, noise=0.3, turn=7), attention(1)) == (0, {})


def test_layers_in_another_order_are_named_with_their_own() -> None:
    """Each by its number there."""
    one = attention(1)
    moved = replace(one, layers=tuple(replace(each, layer=LAYERS - 1 - each.layer) for each in one.layers))
    assert beside(moved, one) == (LAYERS, {str(layer): LAYERS - 1 - layer for layer in range(LAYERS)})


def test_one_form_alone_is_enough() -> None:
    """Queries and keys taken, values and outputs the maker's own."""
    one, other = attention(1), attention(2)
    layers = tuple(
        replace(mine, attention={"looks": mine.attention["looks"], "writes": own.attention["writes"]})
        for mine, own in zip(one.layers, other.layers, strict=True)
    )
    assert beside(replace(one, layers=layers), one)[0] == LAYERS


def test_strangers_are_not_alike() -> None:
    """Nor where all look at themselves, as anchors do in every model."""
    assert beside(attention(1), attention(2)) == (0, {})
    both = []
    for one in (attention(1), attention(2)):
        own = np.asarray(30 * np.eye(ANCHORS), dtype=np.float32)
        layers = [
            replace(layer, attention={form: each + own for form, each in layer.attention.items()})
            for layer in one.layers
        ]
        both.append(replace(one, layers=tuple(layers)))
    assert beside(*both) == (0, {})


def test_without_forms_nothing_is_said() -> None:
    """A fingerprint keeps none."""
    one = attention(1)
    assert one.anchors
    none = replace(one, layers=tuple(replace(layer, attention={}) for layer in one.layers))
    frame = Frame(one.anchors, LABELS)
    assert attention_alike(none, one, frame, frame) is None
    assert attention_alike(one, none, frame, frame) is None
