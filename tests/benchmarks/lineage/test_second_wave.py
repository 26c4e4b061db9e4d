"""Disguises of the second wave keep what the network computes; the search finds each on a small trained model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Generator, Tensor

from benchmarks.lineage.manipulations import disguise, second_wave
from benchmarks.lineage.manipulations.model import Manipulation, Model, depth
from examples.training.checkpoint import write
from independence_audit import audit

BASE = Path(__file__).resolve().parents[3] / "examples" / "seeds_case" / "base"
HEAD = 32


def model() -> Model:
    """A small trained decoder, with a head of its own."""
    facts = json.loads((BASE / "config.json").read_text())
    tokenizer = json.loads((BASE / "tokenizer.json").read_text())
    weights = {name: tensor.float() for name, tensor in load_file(BASE / "model.safetensors").items()}
    return Model(weights, {**facts, "head_dim": HEAD}, tokenizer)


def rms(x: Tensor, gain: Tensor, width: int) -> Tensor:
    """RMSNorm over so many channels: those that nobody writes to count for nothing."""
    return x / (x.square().sum(-1, keepdim=True) / width + 1e-6).sqrt() * gain


def logits(one: Model, tokens: Tensor, width: int, *, added: float = 0.0) -> Tensor:
    """What a llama computes of tokens [t], without positions, which no disguise here touches: [t, vocabulary]."""
    w = one.weights
    x = w["model.embed_tokens.weight"][tokens]
    mask = torch.full((len(tokens), len(tokens)), -torch.inf).triu(1)
    for layer in range(depth(w)):
        at = f"model.layers.{layer}."
        normed = rms(x, w[f"{at}input_layernorm.weight"] + added, width)
        q, k, v = (
            (normed @ w[f"{at}self_attn.{role}_proj.weight"].T).unflatten(-1, (-1, HEAD)).transpose(0, 1)
            for role in "qkv"
        )
        k, v = (each.repeat_interleave(len(q) // len(each), 0) for each in (k, v))
        heads = ((q @ k.transpose(1, 2)) / HEAD**0.5 + mask).softmax(-1) @ v
        x = x + heads.transpose(0, 1).flatten(1) @ w[f"{at}self_attn.o_proj.weight"].T
        normed = rms(x, w[f"{at}post_attention_layernorm.weight"] + added, width)
        gate, up = (normed @ w[f"{at}mlp.{role}_proj.weight"].T for role in ("gate", "up"))
        x = x + (torch.nn.functional.silu(gate) * up) @ w[f"{at}mlp.down_proj.weight"].T
    return rms(x, w["model.norm.weight"] + added, width) @ w["lm_head.weight"].T


KEEPING: dict[str, Manipulation] = {
    "twins": second_wave.twins(2, 2.0),
    "four of each": second_wave.twins(4, 2.0),
    "decoys": second_wave.decoys(1),
    "uneven": second_wave.uneven,
    "zero units": second_wave.zero_units(5),
    "gains spread": second_wave.gains_spread(1.0),
    "quiet noise": second_wave.quiet_noise(32, 3.0),
}
TURNED = disguise.EVERYTHING


@pytest.mark.parametrize("how", KEEPING)
def test_what_is_computed_stays_what_it_was(how: str) -> None:
    """The same logits, to rounding; decoys write next to nothing."""
    base = model()
    made = KEEPING[how](base, Generator().manual_seed(3))
    tokens, width = torch.arange(3, 40), base.facts["hidden_size"]
    expected = logits(base, tokens, width)
    assert (logits(made, tokens, width) - expected).abs().max() < (0.05 if how == "decoys" else 2e-3)


def test_gains_less_one_are_what_they_were_to_code_that_adds_one() -> None:
    """The values alone are others."""
    base = model()
    made = second_wave.gains_less_one(base, Generator())
    tokens, width = torch.arange(3, 40), base.facts["hidden_size"]
    torch.testing.assert_close(logits(made, tokens, width, added=1.0), logits(base, tokens, width))


@pytest.mark.parametrize(
    ("how", "by"),
    [
        ("twins", "gates_alike"),
        ("four of each", "gates_alike"),
        ("decoys", "gates_alike"),
        ("uneven", "gates_alike"),
        ("zero units", "gates_alike"),
        ("gains spread", "gates_alike"),
        ("quiet noise", "gates_alike"),
    ],
)
def test_each_is_found_behind_a_rotation(how: str, by: str, tmp_path: Path) -> None:
    """With everything else of a disguise on top, the tokenizer kept."""
    keep(disguise.in_turn(KEEPING[how], TURNED), tmp_path)
    (component,) = audit(str(tmp_path), [str(BASE)]).components
    assert component.relation == "transformed"
    assert by in {test.test for test in component.disguised}


def test_gains_under_another_convention_are_seen_through_what_units_write(tmp_path: Path) -> None:
    """Gains of one, stored as zeros, hide all that is read; what is written stays."""
    keep(disguise.in_turn(TURNED, second_wave.gains_less_one), tmp_path)
    (component,) = audit(str(tmp_path), [str(BASE)]).components
    assert component.relation == "transformed"
    assert "downs_alike" in {test.test for test in component.disguised}


def keep(apply: Callable[[Model, Generator], Model], folder: Path) -> None:
    """Write what is made of the base as a checkpoint."""
    made = apply(model(), Generator().manual_seed(5))
    write(
        folder, {name: tensor.contiguous().clone() for name, tensor in made.weights.items()}, made.facts, made.tokenizer
    )
