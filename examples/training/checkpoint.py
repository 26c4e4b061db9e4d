"""Writing an example checkpoint: a folder with its weights, architecture facts and tokenizer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from .text import byte_tokenizer

METADATA = {
    "format": "pt",
    "synthetic": "true",
    "note": "Small model trained for the examples of independence-audit; "
    "no weights of the model family whose tensor names it bears.",
}

BYTES = byte_tokenizer()


def tensors(parts: Mapping[str, nn.Module], dtype: torch.dtype) -> dict[str, Tensor]:
    """The tensors of some modules under their prefixes, cast; a router's bias stays in float32, as in transformers."""
    return {
        prefix + name: tensor.detach().to(torch.float32 if name.endswith("correction_bias") else dtype).contiguous()
        for prefix, module in parts.items()
        for name, tensor in module.state_dict().items()
    }


def write(
    folder: Path, weights: dict[str, Tensor], config: Mapping[str, Any], tokenizer: Mapping[str, Any] | None = BYTES
) -> None:
    """Write ``model.safetensors``, ``config.json`` and, where there is one, ``tokenizer.json`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(_ordered_metadata(save(weights, METADATA)))
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    if tokenizer is not None:
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False) + "\n", encoding="utf-8")


def _ordered_metadata(file: bytes) -> bytes:
    """The same safetensors file with its metadata in one order; the library's own differs from run to run."""
    end = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(file[8:end]) | {"__metadata__": METADATA}
    return file[:8] + json.dumps(header, separators=(",", ":")).encode().ljust(end - 8) + file[end:]


def correlations(before: nn.Module, after: nn.Module) -> dict[str, float]:
    """Pearson correlation of each matrix of a model with the one it was trained from."""
    trained = after.state_dict()
    return {
        name: float(torch.corrcoef(torch.stack([tensor.flatten(), trained[name].flatten()]))[0, 1])
        for name, tensor in before.state_dict().items()
        if tensor.ndim > 1
    }


def print_correlations(name: str, before: nn.Module, after: nn.Module) -> None:
    """Say how far training moved the matrices of a model."""
    values = sorted(correlations(before, after).values())
    print(f"{name}: r per matrix {values[0]:.4f} to {values[-1]:.4f}, median {values[len(values) // 2]:.4f}")
