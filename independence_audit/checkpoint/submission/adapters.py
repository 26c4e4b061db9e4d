"""Adapters: low-rank changes to another model's weights, which are nothing without them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from independence_audit.checkpoint.tensors import TensorInfo
from independence_audit.core.strict_json import JsonError, parse_object

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model"
"""How the file of an adapter's weights begins."""
BASE = "base_model_name_or_path"

_CHANGE = re.compile(
    r"(?:^|\.)(?:lora_(?:[ABab]|embedding_A|embedding_B|magnitude_vector|up|down)|hada_w\d_[ab]|lokr_w\d(?:_[ab])?|"
    r"oft_[rs]|vera_lambda_[bd]|ia3_[lw]|prompt_embeddings|trainable_tokens_delta)(?:\.|$)"
)
"""Tensors of adapters as PEFT, diffusers, LyCORIS and MLX name them."""
_FACTOR = re.compile(r"(?:base_model\.model\.)?(?P<base>.+)\.lora_(?P<side>[AB])(?:\.default)?\.weight")
_LARGEST_RANK = 8
"""Part of a matrix's smaller side that the rank of a change is, at most 1/8: a larger one could hold a layer."""


def is_adapter(tensors: Collection[TensorInfo]) -> bool:
    """Whether most of some tensors' values are changes to another model's weights."""
    total = sum(tensor.size for tensor in tensors)
    changes = sum(tensor.size for tensor in tensors if is_change(tensor.name))
    return 2 * changes > total


def is_change(tensor: str) -> bool:
    """Whether a tensor's name is that of a change to another model's weights."""
    return _CHANGE.search(tensor) is not None


def base_of(config: bytes | None) -> str:
    """The model that an adapter says it changes; empty where it does not say."""
    try:
        base = parse_object(config or b"{}").get(BASE)
    except JsonError:
        return ""
    return base if isinstance(base, str) else ""


def changes_only(tensors: Collection[TensorInfo], judged: Mapping[str, TensorInfo]) -> bool:
    """Whether all of some tensors are factors of low rank that fit the judged matrices of their names."""
    return all(_fits(tensor, judged) for tensor in tensors)


def _fits(tensor: TensorInfo, judged: Mapping[str, TensorInfo]) -> bool:
    factor = _FACTOR.fullmatch(tensor.name)
    matrix = judged.get(f"{factor['base']}.weight") if factor else None
    if factor is None or matrix is None or len(matrix.shape) != 2 or len(tensor.shape) != 2:  # noqa: PLR2004
        return False
    own = 1 if factor["side"] == "A" else 0
    rank = tensor.shape[1 - own]
    return tensor.shape[own] == matrix.shape[own] and _LARGEST_RANK * rank <= min(matrix.shape)
