"""Reading a config: the few numbers of it that say how fused tensors are cut, for the component they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from independence_audit.anatomy.component import Kind
from independence_audit.anatomy.tensor_names import is_number

MAX_DEPTH = 6
"""Configs are nested two or three deep; deeper ones are not looked into."""

_WORDS = {
    Kind.TEXT_DECODER: {"text", "llm", "language", "decoder"},
    Kind.VISION_ENCODER: {"vision", "visual", "image"},
    Kind.AUDIO_ENCODER: {"audio", "speech", "encoder"},
}


def sections(config: Mapping[str, Any], kind: Kind, prefix: Sequence[str]) -> list[Mapping[str, Any]]:
    """The config and the configs within it, those first that speak of a component of this kind and prefix."""
    wanted = set(_WORDS.get(kind, ())) | {word for segment in prefix for word in segment.split("_")}

    def strangeness(item: tuple[tuple[str, ...], Mapping[str, Any]]) -> tuple[int, int]:
        words = {word for key in item[0] for word in key.split("_")} - {"config"}
        return -len(words & wanted), len(words - wanted)

    return [section for _, section in sorted(_walk(config, ()), key=strangeness)]


def model_types(config: Mapping[str, Any]) -> frozenset[str]:
    """What the config calls the model and its parts."""
    called = (section.get("model_type") for _, section in _walk(config, ()))
    return frozenset(name for name in called if isinstance(name, str))


def count(section: Mapping[str, Any], *keys: str) -> int | None:
    """The first of these keys that holds a whole number above zero."""
    for key in keys:
        value = section.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0 and is_number(str(value)):
            return value
    return None


def head_groups(config: Sequence[Mapping[str, Any]], rows: int) -> tuple[int, int] | None:
    """Heads that have a key of their own, and queries to each of them, where q, k and v have these rows together.

    Args:
        config: Sections of the config, the likeliest first.
        rows: Rows of q, k and v together, interleaved by groups.
    """
    for section in config:
        heads = count(section, "num_attention_heads", "num_heads", "n_head", "n_heads")
        if heads is None:
            continue
        keys = count(section, "num_key_value_heads", "num_kv_heads", "n_kv_heads") or heads
        if "new_decoder_architecture" in section and section["new_decoder_architecture"] is not True:
            keys = 1 if section.get("multi_query") is True else heads  # Falcon's first generation
        if heads % keys == 0 and rows % (heads + 2 * keys) == 0:
            return keys, heads // keys
    return None


def query_width(config: Sequence[Mapping[str, Any]], rows: int, width: int) -> int | None:
    """Rows of q where q, k and v have these rows together, one behind the other.

    Args:
        config: Sections of the config, the likeliest first.
        rows: Rows of q, k and v together.
        width: The residual width, which the heads divide where their size is not given.
    """
    for section in config:
        heads = count(section, "num_attention_heads", "num_heads", "n_head", "n_heads")
        if heads is None:
            continue
        size = count(section, "head_dim") or width // heads
        keys = count(section, "num_key_value_heads", "num_kv_heads", "n_kv_heads") or heads
        if (heads + 2 * keys) * size == rows:
            return heads * size
    return rows // 3 if rows % 3 == 0 else None


def _walk(section: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    yield path, section
    if len(path) < MAX_DEPTH:
        for key, value in section.items():
            if isinstance(value, Mapping) and isinstance(key, str):
                yield from _walk(value, (*path, key))
