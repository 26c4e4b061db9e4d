"""What attention does to anchors, as it is read: no basis of heads or of the width changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from independence_audit.anatomy import place
from independence_audit.checkpoint import open_checkpoint
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.units import attention_forms as module
from independence_audit.fingerprint.units.unit_reading import UnitPlan, read_units
from tests.fingerprint.units.small_decoder import WIDTH, decoder

if TYPE_CHECKING:
    import pytest

HEADS, SIZE = 4, WIDTH // 4


def forms(folder: Path, *, attention: bool = True) -> dict[int, Mapping[str, NDArray[np.float32]]]:
    """Those of all layers, by number."""
    checkpoint = open_checkpoint(folder)
    try:
        anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
        plan = replace(UnitPlan(2, Sampler()), attention=attention)
        (units,) = read_units(checkpoint, anatomy, plan)
    finally:
        checkpoint.source.close()
    return {layer.layer: layer.attention for layer in units.layers}


def test_forms_are_read_only_where_they_are_wanted(tmp_path: Path) -> None:
    """A fingerprint's plan does not want them."""
    folder = decoder(tmp_path)
    assert [sorted(each) for each in forms(folder).values()] == [[module.LOOKS, module.WRITES]] * 3
    assert not any(forms(folder, attention=False).values())


def test_heads_and_width_may_be_in_any_basis(tmp_path: Path) -> None:
    """Heads in another order, values mixed, queries scaled against keys, the residual stream turned."""
    (tmp_path / "own").mkdir()
    (tmp_path / "turned").mkdir()
    own = decoder(tmp_path / "own")
    weights, random = load_file(own / "model.safetensors"), np.random.default_rng(5)
    turn = np.linalg.qr(random.normal(size=(WIDTH, WIDTH)))[0]
    changed = {"model.embed_tokens.weight": weights["model.embed_tokens.weight"] @ turn}
    for layer in range(3):
        at = f"model.layers.{layer}.self_attn."
        q, k, v = (weights[f"{at}{role}_proj.weight"].reshape(HEADS, SIZE, WIDTH) @ turn for role in "qkv")
        o = (turn.T @ weights[f"{at}o_proj.weight"]).reshape(WIDTH, HEADS, SIZE)
        mix = random.normal(size=(HEADS, SIZE, SIZE))
        v, o = mix @ v, np.einsum("whs,hst->wht", o, np.linalg.inv(mix))
        heads = random.permutation(HEADS)
        changed |= {
            f"{at}q_proj.weight": 3.0 * q[heads].reshape(WIDTH, WIDTH),
            f"{at}k_proj.weight": k[heads].reshape(WIDTH, WIDTH) / 3.0,
            f"{at}v_proj.weight": v[heads].reshape(WIDTH, WIDTH),
            f"{at}o_proj.weight": o[:, heads].reshape(WIDTH, WIDTH),
        }
    turned = decoder(tmp_path / "turned", changed=changed)
    for one, other in zip(forms(own).values(), forms(turned).values(), strict=True):
        for form, values in one.items():
            assert np.allclose(values, other[form], rtol=1e-3, atol=1e-3 * np.abs(values).max())


def test_of_large_models_some_layers_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as the work allows, spread over the depth."""
    folder = decoder(tmp_path)
    anchors = len(forms(folder)[0][module.LOOKS])
    monkeypatch.setattr(module, "MOST_WORK", 4 * anchors * WIDTH * WIDTH)
    assert [layer for layer, each in forms(folder).items() if each] == [1]


def test_values_that_are_not_finite_leave_a_layer_out(tmp_path: Path) -> None:
    """They say nothing of the others."""
    folder = decoder(
        tmp_path, changed={"model.layers.1.self_attn.v_proj.weight": np.full((WIDTH, WIDTH), np.float32("nan"))}
    )
    assert [layer for layer, each in forms(folder).items() if each] == [0, 2]
