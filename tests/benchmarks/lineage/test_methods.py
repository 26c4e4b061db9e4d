"""The other methods, on examples small enough to work by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.lineage.manipulations.model import Model
from benchmarks.lineage.methods.embeddings import awm, huref, unbiased_cka
from benchmarks.lineage.methods.independence import csu, fisher, match, robust_match, spearman
from benchmarks.lineage.methods.peers import PEERS
from benchmarks.lineage.methods.simple import config_match, norm_cosine, raw_cosine, std_profile


def _model(facts: Mapping[str, object] | None = None, /, **weights: Tensor) -> Model:
    names = {
        "embed": "model.embed_tokens.weight",
        "up": "model.layers.0.mlp.up_proj.weight",
        "gain": "model.norm.weight",
    }
    return Model({names.get(name, name): tensor for name, tensor in weights.items()}, facts or {})


def test_cosines() -> None:
    """Of (3, 4) and (4, 3) it is 24/25; matrices and gains are kept apart; without a common tensor there is none."""
    mine = _model(up=torch.tensor([[3.0, 4.0]]), gain=torch.tensor([1.0, 1.0]))
    theirs = _model(up=torch.tensor([[4.0, 3.0]]), gain=torch.tensor([1.0, 0.0]))
    assert raw_cosine(mine, theirs) == pytest.approx(0.96)
    assert norm_cosine(mine, theirs) == pytest.approx(1 / math.sqrt(2))
    assert raw_cosine(mine, _model(up=torch.ones(2, 2))) is None


def test_std_profile() -> None:
    """Spreads 1, 2, 4 against 2, 1, 0 in every role: r = -13/14 scaled, worked from the sums of squares."""

    def profile(spreads: list[float]) -> Model:
        signs = torch.tensor([[1.0, -1.0]])
        return _model(
            **{
                f"model.layers.{i}.self_attn.{role}_proj.weight": spread * signs
                for i, spread in enumerate(spreads)
                for role in "qkvo"
            }
        )

    # Centred (-4/3, -1/3, 5/3) and (1, 0, -1): -3 / sqrt(42/9 * 2)
    assert std_profile(profile([1, 2, 4]), profile([2, 1, 0])) == pytest.approx(-3 / math.sqrt(42 / 9 * 2))
    assert std_profile(profile([1, 2, 4]), profile([2, 4, 8])) == pytest.approx(1.0)
    assert std_profile(profile([1, 2]), profile([1, 2])) is None


def test_config_match() -> None:
    """Three facts stated, two agree."""
    mine, theirs = {"hidden_size": 8, "vocab_size": 9}, {"hidden_size": 8, "vocab_size": 9, "head_dim": 4}
    assert config_match(_model(mine), _model(theirs)) == pytest.approx(2 / 3)
    assert config_match(_model({"other": 1}), _model()) is None


def test_matching() -> None:
    """The best assignment, not the best of each: both rows of the first like the second's row 0 most."""
    first = torch.tensor([[1.0, 0.0], [1.0, 0.5]])
    second = torch.tensor([[1.0, 0.1], [0.0, 1.0]])
    assert match(first, second).tolist() == [0, 1]
    assert match(torch.eye(3), torch.eye(3)[[2, 0, 1]]).tolist() == [1, 2, 0]


def test_spearman_and_fisher() -> None:
    """Four places, one swap: rho = 0.8, p = 0.2 by the t law with two degrees; Fisher of two p of 0.1 is 0.0561."""
    log_p = spearman(np.array([0, 1, 3, 2]), np.arange(4))
    assert math.exp(log_p) == pytest.approx(0.2)
    combined = fisher([math.log(0.1), math.log(0.1)])
    # P(chi2 with 4 degrees > x) = exp(-x/2) (1 + x/2), x = -2 ln 0.01
    assert combined == pytest.approx(-math.log10(0.01 * (1 + math.log(100))))
    assert fisher([]) is None


def test_csu() -> None:
    """A copy scores far above its permutation; other shapes are no pair."""
    up = torch.randn(40, 16, generator=torch.Generator().manual_seed(1))
    copy, shuffled = csu(_model(up=up), _model(up=up)), csu(_model(up=up[torch.randperm(40)]), _model(up=up))
    assert copy is not None
    assert shuffled is not None
    assert copy > 100
    assert shuffled < 6
    assert csu(_model(up=up), _model(up=up[:5])) is None


def test_unbiased_cka() -> None:
    """Four items on two axes, worked by hand: off-diagonal Grams ±1 around the square of signs."""
    first = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]], dtype=torch.float64)
    second = torch.tensor([[1.0], [-1.0], [1.0], [-1.0]], dtype=torch.float64)
    # Gram of the first: 1 for {1,2} and {3,4}, else -1; sums of rows -1, total -4, tr KK 12.
    # HSIC(K, K) = (12 + 16/6 - 2*4/2) / 4 = 8/3; HSIC(K, L): tr KL = -4: (-4 + 16/6 - 4) / 4 = -4/3.
    assert unbiased_cka(first, first.clone()) == pytest.approx(1.0)
    assert unbiased_cka(first, second) == pytest.approx(-0.5)
    turned = torch.randn(9, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64)).Q
    assert unbiased_cka(turned, turned @ turn) == pytest.approx(1.0)


def _attention(order: Tensor, signs: Tensor) -> Model:
    generator = torch.Generator().manual_seed(4)
    names = {name: torch.randn(6, 6, generator=generator) for name in ("q", "k", "v")}
    out, up, down = (torch.randn(*shape, generator=generator) for shape in ((6, 6), (10, 6), (6, 10)))
    weights = {"model.embed_tokens.weight": torch.randn(30, 6, generator=generator)[:, order] * signs}
    for layer in range(2):
        stem = f"model.layers.{layer}."
        weights |= {f"{stem}self_attn.{name}_proj.weight": x[:, order] * signs for name, x in names.items()}
        weights[f"{stem}self_attn.o_proj.weight"] = out[order] * signs[:, None]
        weights[f"{stem}mlp.up_proj.weight"] = up[:, order] * signs
        weights[f"{stem}mlp.down_proj.weight"] = down[order] * signs[:, None]
    tokenizer = {"model": {"vocab": {f"t{i}": i for i in range(30)}}}
    return Model(weights, {"head_dim": 3}, tokenizer)


def test_awm_and_huref_undo_signed_permutations() -> None:
    """Both are one on a model and its signed permutation, and no method of tokens speaks without shared ones."""
    plain = _attention(torch.arange(6), torch.ones(6))
    other = _attention(torch.tensor([3, 1, 5, 0, 2, 4]), torch.tensor([1.0, -1, 1, -1, -1, 1]))
    assert awm(other, plain) == pytest.approx(1.0)
    assert huref(other, plain) == pytest.approx(1.0)
    foreign = Model(plain.weights, plain.facts, {"model": {"vocab": {f"u{i}": i for i in range(30)}}})
    assert awm(foreign, plain) is None
    assert huref(foreign, plain) is None
    assert robust_match(foreign, plain) is None


def test_levels() -> None:
    """Every method has a source, and says nothing where it cannot be applied."""
    assert [peer.name for peer in PEERS][4:] == ["CSU", "MATCH", "AWM", "HuRef"]
    for peer in PEERS:
        assert peer.source
        assert peer.level_source
        assert not peer.says_related(None)
        assert peer.says_related(peer.level)
        assert not peer.says_related(peer.level - 1e-6)
