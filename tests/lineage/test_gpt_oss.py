"""Decoders of gpt-oss's design, (up + 1) glu(gate), trained apart: gate and up lean alike, and nobody is accused."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from safetensors.numpy import load_file, save_file
from torch.nn import functional

from examples.training.text import byte_tokenizer, sources, windows
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.relation import Relation
from independence_audit.lineage.disguised import EMPIRICAL_Z, is_counted, is_empirical_sign
from independence_audit.pipeline.audit import audit
from independence_audit.statistics.descriptors import Descriptors, even_match
from independence_audit.statistics.leaning import leans
from independence_audit.statistics.units import sign_z
from tests.lineage.test_disguised import units_of

STEPS = 90
SEEDS = (1, 2)
WIDTH, HEAD = 64, 32

Make = Callable[..., Path]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Models by seed, and the first one trained further."""

    @cache
    def make(seed: int, *, further: bool = False) -> Path:
        folder = tmp_path_factory.mktemp(f"gpt_oss_{seed}{further}")
        model = _from_scratch(seed)
        if further:
            model.load_state_dict(_weights(make(seed)))
            _train(model, seed + 100, steps=30, rate=1e-3)
        else:
            _train(model, seed, steps=STEPS, rate=6e-3)
        model.save_pretrained(folder)
        (folder / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
        return folder

    return make


def _from_scratch(seed: int) -> transformers.GptOssForCausalLM:
    torch.manual_seed(seed)
    return transformers.GptOssForCausalLM(
        transformers.GptOssConfig(
            vocab_size=256,
            hidden_size=WIDTH,
            intermediate_size=256,
            num_hidden_layers=1,
            num_local_experts=2,
            num_experts_per_tok=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=HEAD,
            layer_types=["full_attention"],
            max_position_embeddings=128,
            tie_word_embeddings=False,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        )
    )


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value) for name, value in load_file(folder / "model.safetensors").items()}


def _train(model: transformers.GptOssForCausalLM, seed: int, *, steps: int, rate: float) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.1, betas=(0.9, 0.95))
    generator, text = torch.Generator().manual_seed(seed), sources()
    for _ in range(steps):
        tokens = windows(text, 8, 49, generator)
        logits = model(input_ids=tokens[:, :-1]).logits
        loss = functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def disguise(folder: Path, target: Path, *, new_tokens: bool) -> Path:
    """All that this design lets pass: the width turned, units and experts in other orders, values and outputs mixed."""
    random = np.random.default_rng(8)
    weights = {name: value.astype(np.float64) for name, value in load_file(folder / "model.safetensors").items()}
    turn, _ = np.linalg.qr(random.normal(size=(WIDTH, WIDTH)))
    layer = "model.layers.0."
    gains = {name: weights[f"{layer}{name}.weight"].copy() for name in ("input_layernorm", "post_attention_layernorm")}
    mix = random.normal(size=(HEAD, HEAD)) / HEAD**0.5 + 2 * np.eye(HEAD)
    for role in "qkv":
        name = f"{layer}self_attn.{role}_proj.weight"
        weights[name] = weights[name] * gains["input_layernorm"] @ turn
    value, out = f"{layer}self_attn.v_proj", f"{layer}self_attn.o_proj"
    weights[f"{value}.weight"] = mix @ weights[f"{value}.weight"]
    weights[f"{value}.bias"] = mix @ weights[f"{value}.bias"]
    by_head = (turn.T @ weights[f"{out}.weight"]).reshape(WIDTH, -1, HEAD) @ np.linalg.inv(mix)
    weights[f"{out}.weight"], weights[f"{out}.bias"] = by_head.reshape(WIDTH, -1), weights[f"{out}.bias"] @ turn
    _disguise_experts(weights, f"{layer}mlp.", turn, gains["post_attention_layernorm"], random)
    for name in gains:
        weights[f"{layer}{name}.weight"] = np.ones(WIDTH)
    weights["lm_head.weight"] = weights["lm_head.weight"] * weights["model.norm.weight"] @ turn
    weights["model.norm.weight"] = np.ones(WIDTH)
    weights["model.embed_tokens.weight"] = weights["model.embed_tokens.weight"] @ turn
    if new_tokens:
        for name in ("model.embed_tokens.weight", "lm_head.weight"):
            weights[name] = random.normal(size=weights[name].shape) * weights[name].std()
    target.mkdir()
    for file in ("config.json", "tokenizer.json"):
        (target / file).write_bytes((folder / file).read_bytes())
    save_file(
        {name: np.ascontiguousarray(each, dtype=np.float32) for name, each in weights.items()},
        target / "model.safetensors",
    )
    return target


def _disguise_experts(
    weights: dict[str, np.ndarray], place: str, turn: np.ndarray, gain: np.ndarray, random: np.random.Generator
) -> None:
    both, down = weights[f"{place}experts.gate_up_proj"], weights[f"{place}experts.down_proj"]
    bias = weights[f"{place}experts.gate_up_proj_bias"]
    units = random.permutation(down.shape[1])
    pairs = np.stack((2 * units, 2 * units + 1), axis=1).ravel()
    experts = random.permutation(len(down))
    weights[f"{place}experts.gate_up_proj"] = (turn.T @ (both * gain[:, None]))[experts][:, :, pairs]
    weights[f"{place}experts.gate_up_proj_bias"] = bias[experts][:, pairs]
    weights[f"{place}experts.down_proj"] = (down @ turn)[experts][:, units]
    weights[f"{place}experts.down_proj_bias"] = (weights[f"{place}experts.down_proj_bias"] @ turn)[experts]
    weights[f"{place}router.weight"] = (weights[f"{place}router.weight"] * gain @ turn)[experts]
    weights[f"{place}router.bias"] = weights[f"{place}router.bias"][experts]


def logits(folder: Path) -> torch.Tensor:
    """What a model says of a few tokens."""
    model = transformers.GptOssForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        result: torch.Tensor = model(input_ids=torch.arange(40, 70)[None]).logits
    return result


def only(report: AuditReport) -> Relation:
    """The relation of the only component."""
    return report.components[0].relation


def test_strangers_agree_in_sign(trained: Make) -> None:
    """Signs at the matches would accuse models that share nothing: no bound on them is rigorous here."""
    pair = []
    for seed in SEEDS:
        even, odd = units_of(trained(seed))[0].layers[0].even, units_of(trained(seed))[0].layers[0].odd
        assert even is not None
        assert odd is not None
        pair.append(Descriptors(even, odd / np.sqrt(np.square(odd).mean(axis=0))))
        assert leans(pair[-1].odd, even)
    i, j = even_match(pair[0], pair[1]).one_to_one()
    assert sign_z((pair[0].odd[i] * pair[1].odd[j]).sum(axis=1)) > 5.0


def test_strangers_are_not_accused(trained: Make) -> None:
    """Both ways; the tests were made, and none has a rigorous p-value but that of the order."""
    first, second = SEEDS
    for subject, reference in ((first, second), (second, first)):
        report = audit(str(trained(subject)), [str(trained(reference))])
        assert only(report) not in {Relation.TRANSFORMED, Relation.RELATED}


def test_disguised_copies_are_found(trained: Make, tmp_path: Path) -> None:
    """Trained further, everything disguised that keeps the function, with their own tokens and with new ones."""
    reference, copy = trained(SEEDS[0]), trained(SEEDS[0], further=True)
    hidden = disguise(copy, tmp_path / "hidden", new_tokens=False)
    torch.testing.assert_close(logits(hidden), logits(copy), atol=1e-3, rtol=1e-3)
    for subject in (hidden, disguise(copy, tmp_path / "new_tokens", new_tokens=True)):
        report = audit(str(subject), [str(reference)])
        assert only(report) == Relation.TRANSFORMED
        found = report.components[0].disguised
        assert {test.test for test in found if is_empirical_sign(test)} >= {"descriptors"}
        assert all(is_counted(test) and (test.z or 0.0) >= EMPIRICAL_Z for test in found if is_empirical_sign(test))
        said = {message.key for message in report.components[0].explanation}
        assert "fact.disguised_descriptors_empirical" in said
        assert "fact.disguised_descriptors" not in said
