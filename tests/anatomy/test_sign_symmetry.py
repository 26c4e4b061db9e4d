"""Families whose blocks compute the same after (up, down) -> -(up, down), held against the library's own forward."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import Tensor

from independence_audit.anatomy import has_sign_symmetry
from independence_audit.anatomy.families import families
from tests.anatomy.gather import place_arrays, places
from tests.anatomy.tiny_models import MLA, MODELS, MOE, TEXT, VIT

Forward = Callable[[Any], Tensor]


def of_tokens(model: Any) -> Tensor:
    """A decoder's logits."""
    logits: Tensor = model(input_ids=torch.arange(3, 27)[None]).logits
    return logits


def of_pixels(model: Any) -> Tensor:
    """A tower's hidden states."""
    generator = torch.Generator().manual_seed(3)
    hidden: Tensor = model(pixel_values=torch.randn(1, 3, 28, 28, generator=generator)).last_hidden_state
    return hidden


def of_blocks(model: Any) -> Tensor:
    """The outputs of a tower's gated blocks, each by itself."""
    hidden = torch.randn(5, 64, generator=torch.Generator().manual_seed(3))
    tower: Any = next(module for name, module in model.named_modules() if name.endswith("visual"))
    return torch.stack([block.mlp(hidden) for block in tower.blocks])


def in_metas_names(name: str) -> str:
    """A llama's tensor under the name that Meta's own code gives it."""
    words = {
        "model.embed_tokens": "tok_embeddings",
        "lm_head": "output",
        "model.": "",
        "self_attn": "attention",
        "mlp": "feed_forward",
        "gate_proj": "w1",
        "down_proj": "w2",
        "up_proj": "w3",
        "post_attention_layernorm": "ffn_norm",
        "input_layernorm": "attention_norm",
        **{f"{role}_proj": f"w{role}" for role in "qkvo"},
    }
    for word, other in words.items():
        name = name.replace(word, other)
    return name


def _decoder(model_type: str, **settings: Any) -> Callable[[], Any]:
    config = transformers.AutoConfig.for_model(model_type, **{**TEXT, **settings})
    return lambda: transformers.AutoModelForCausalLM.from_config(config)


LATENT = ("deepseek_v2", "deepseek_v3", "axk1")
"""Their tiny models have heads of no size that a forward could turn."""

FORWARD: dict[str, Forward] = {
    **{name: of_tokens for name, tiny in MODELS.items() if list(tiny.components) == ["model"]},
    "qwen3_vl_moe": of_tokens,
    "llama_meta": of_tokens,
    "dinov2_swiglu": of_pixels,
    "pixtral": of_pixels,
    "qwen2_5_vl": of_blocks,
    "qwen2_5_omni": of_blocks,
}
MAKE: dict[str, Callable[[], Any]] = {
    **{name: MODELS[name].make for name in FORWARD if name in MODELS},
    **{name: _decoder(name, **{**MOE, **MLA, "head_dim": MLA["qk_rope_head_dim"]}) for name in LATENT},
    "pixtral": lambda: transformers.PixtralVisionModel(transformers.PixtralVisionConfig(**{**VIT, "head_dim": 16})),
    "llama_meta": MODELS["llama"].make,
}


@cache
def checked(name: str) -> tuple[frozenset[str], float]:
    """The families of a tiny model's gated components, and how far its outputs move when every second unit is turned.

    Turned are rows of up with their biases, and columns of down, in the model's own memory.
    """
    torch.manual_seed(11)
    model = MAKE[name]().eval()
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                value.copy_(0.3 * torch.randn(value.shape))
        before = FORWARD[name](model)
        turned = _turn(model.state_dict(), model.config.to_dict(), in_metas_names if name == "llama_meta" else str)
        after = FORWARD[name](model)
    size = float(before.abs().max())
    assert np.isfinite(size)
    assert size > 0.0
    return turned, float((after - before).abs().max()) / size


def _turn(state: Mapping[str, Tensor], config: Mapping[str, Any], rename: Callable[[str], str]) -> frozenset[str]:
    arrays = {rename(name): value.numpy() for name, value in state.items()}
    anatomy = place_arrays(arrays, config)
    family = {component.name: component.family for component in anatomy.components}
    found = set()
    for part in anatomy.parts:
        role = part.role.removesuffix(".bias").rpartition(".")[2]
        if role not in {"up", "down"} or part.role.endswith("down.bias"):
            continue
        where = places(part.view)
        along_rows = role == "up" and not part.role.endswith(".bias")
        flat = arrays[part.tensor].reshape(-1)
        flat[(where[1::2] if along_rows else where[:, 1::2]).ravel()] *= -1.0
        found.add(family[part.component])
    return frozenset(found)


WITHOUT_A_GATE = frozenset({"qwen2_vl_vision", "qwen3_vl_vision", "vit", "internvit"})
"""They bear the names of a gated family, and have no unit with a sign."""

SYMMETRIC = sorted(name for name in FORWARD if name not in {"gpt_oss", "starcoder2"})


@pytest.mark.parametrize("name", SYMMETRIC)
def test_flagged_blocks_compute_the_same(name: str) -> None:
    """Turning signs of (up, down), biases of up included, leaves every output where it was."""
    turned, moved = checked(name)
    assert turned
    assert all(has_sign_symmetry(family) for family in turned)
    assert moved < 1e-5


def test_a_block_that_adds_one_to_up_is_not_flagged() -> None:
    """Of gpt-oss's (up + 1) glu(gate) the outputs change."""
    turned, moved = checked("gpt_oss")
    assert turned == {"gpt_oss"}
    assert not has_sign_symmetry("gpt_oss")
    assert moved > 1e-2


def test_every_flag_was_checked_on_a_forward() -> None:
    """A family or dialect without a block that was run has no flag, whatever is known of it."""
    names = set(families()) | {each.name for one in families().values() for each in one.dialects}
    flagged = {name for name in names if has_sign_symmetry(name)}
    shown = frozenset().union(*(checked(name)[0] for name in SYMMETRIC))
    assert flagged - shown == WITHOUT_A_GATE
    assert not has_sign_symmetry("unknown")
    assert not has_sign_symmetry("no such family")
