"""What a GGUF file's tensors are called in the model that was converted, and how the converter changed their values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from independence_audit.checkpoint.gguf.gguf_header import GgufTensor, Value
from independence_audit.core.toml import shipped_table

ARCHITECTURE = "general.architecture"
_PROJECTORS = ("clip.projector_type", "clip.vision.projector_type")
_BLOCK = re.compile(r"(?P<stem>[a-z.]*blk\.)(?P<layer>[0-9]{1,9})\.(?P<rest>.+)")
_SUFFIX = re.compile(r"(?P<stem>.+?)(?P<suffix>\.(?:weight|bias))?")
_QUERIES = re.compile(r".*\.attn_(?P<which>[qk])\.(?:weight|bias)")
_GAINS = "norm.weight"
_UP, _DOWN = ".ffn_up.", ".ffn_down."


@dataclass(frozen=True, slots=True)
class Architecture:
    """One of the architectures whose names are known."""

    model_type: str
    """What a config calls the model."""
    layer_from: str
    layer_to: str
    top: Mapping[str, str]
    block: Mapping[str, str]
    is_paired: bool
    """Whether the converter puts rows of q and k into pairs, for positions that rotate neighbours."""
    is_shifted: bool
    """Whether the converter adds 1 to gains."""

    def name(self, stored: str) -> str:
        """What a tensor is called in the model; as it is stored where nobody knows."""
        found = _SUFFIX.fullmatch(stored)
        if found is None:
            return stored
        stem, suffix = found["stem"], found["suffix"] or ""
        inside = _BLOCK.fullmatch(stem)
        if inside is None:
            return _of(self.top, stem, suffix) or stored
        if f"{inside['stem']}#." != self.layer_from:
            return stored
        rest = _of(self.block, inside["rest"], suffix)
        return self.layer_to.replace("#", inside["layer"]) + rest if rest else stored


def _of(names: Mapping[str, str], stem: str, suffix: str) -> str:
    """What a table calls a name; empty where it does not know it."""
    whole = names.get(stem + suffix)
    return whole or (names[stem] + suffix if stem in names else "")


@cache
def architecture(called: str) -> Architecture | None:
    """The architecture of a name, from ``gguf_names.toml``; None where its names are not known."""
    for style in shipped_table("independence_audit.checkpoint.gguf", "gguf_names.toml").values():
        told: Mapping[str, Any] | None = style["architectures"].get(called)
        if told is not None:
            other = style["names"][told["names"]] if "names" in told else {}
            return Architecture(
                told["model_type"],
                style["from"],
                style["to"],
                style["top"],
                {**style["block"], **other},
                told.get("paired", False),
                told.get("shifted", False),
            )
    return None


@dataclass(frozen=True, slots=True)
class Meant:
    """What a stored tensor stands for."""

    name: str
    heads: int = 0
    """Heads whose rows stand in pairs; 0 where rows stand as in the model."""
    added: float = 0.0
    """What was added to every value."""


def meant(metadata: Mapping[str, Value], tensors: Sequence[GgufTensor]) -> dict[str, Meant]:
    """What the tensors of a file stand for, by their stored names.

    Where two would have one name, all stay as they are called.
    """
    called = metadata.get(ARCHITECTURE)
    special = next((f"{called}/{metadata[key]}" for key in _PROJECTORS if key in metadata), "")
    known = (architecture(special) or architecture(called)) if isinstance(called, str) else None
    known = known or _as_any_decoder(tensors)
    if known is None:
        return {tensor.name: Meant(tensor.name) for tensor in tensors}
    found = {tensor.name: _meant(tensor, known, metadata) for tensor in tensors}
    if known.layer_from.startswith("v.") and any(_UP in each.name and _is_wide(each) for each in tensors):
        # Early converters called the first matrix of a tower's MLP the second (llama.cpp, tools/mtmd/clip.cpp).
        found = {name: Meant(known.name(_exchanged(name))) for name in found}
    if len({each.name for each in found.values()}) < len(found):
        return {tensor.name: Meant(tensor.name) for tensor in tensors}
    return found


def _as_any_decoder(tensors: Sequence[GgufTensor]) -> Architecture | None:
    """The names of decoders in general, where a file of an unknown architecture has what each of them has."""
    ends = {tensor.name.rpartition("blk.")[2].partition(".")[2] for tensor in tensors}
    if "attn_norm.weight" not in ends or all(tensor.name != "token_embd.weight" for tensor in tensors):
        return None
    gated = not ends.isdisjoint({"ffn_gate.weight", "ffn_gate_exps.weight"})
    return architecture("* gated" if gated else "* ungated")


def _is_wide(tensor: GgufTensor) -> bool:
    return len(tensor.shape) > 1 and tensor.shape[-1] > tensor.shape[-2]


def _exchanged(stored: str) -> str:
    return stored.replace(_UP, _DOWN) if _UP in stored else stored.replace(_DOWN, _UP)


def _meant(tensor: GgufTensor, known: Architecture, metadata: Mapping[str, Value]) -> Meant:
    heads, added = 0, 0.0
    query = _QUERIES.fullmatch(tensor.name)
    if known.is_paired and query is not None:
        heads = _heads(metadata, query["which"], tensor)
    if known.is_shifted and tensor.name.endswith(_GAINS):
        added = 1.0
    return Meant(known.name(tensor.name), heads, added)


def _heads(metadata: Mapping[str, Value], which: str, tensor: GgufTensor) -> int:
    """Heads of a matrix of queries or keys; 0 where the metadata's number does not divide its rows."""
    key = f"{metadata[ARCHITECTURE]}.attention.head_count"
    count = metadata.get(f"{key}_kv", metadata.get(key)) if which == "k" else metadata.get(key)
    if isinstance(count, list):  # one for each layer
        layer = int(tensor.name.split(".")[1])
        count = count[layer] if layer < len(count) else 0
    if type(count) is not int or count <= 0 or tensor.shape[0] % (2 * count):
        return 0
    return count if len(tensor.shape) > 1 or tensor.kind.values == 1 else 0
