"""The few numbers of a config that are read: from the section that speaks of the component, and never blindly."""

from __future__ import annotations

from typing import Any

import pytest

from independence_audit.anatomy import Kind
from independence_audit.anatomy.config_numbers import count, head_groups, model_types, query_width, sections

OMNI: dict[Any, Any] = {
    "model_type": "omni",
    "num_attention_heads": 1,
    "thinker_config": {
        "model_type": "omni_thinker",
        "text_config": {"num_attention_heads": 2},
        "vision_config": {"num_heads": 3},
        "audio_config": {"num_attention_heads": 4},
    },
    "talker_config": {"text_config": {"num_attention_heads": 5}},
    7: {"num_attention_heads": 6},
}


@pytest.mark.parametrize(
    ("kind", "prefix", "heads"),
    [
        (Kind.TEXT_DECODER, ("thinker", "model"), 2),
        (Kind.VISION_ENCODER, ("thinker", "visual"), 3),
        (Kind.AUDIO_ENCODER, ("thinker", "audio_tower"), 4),
        (Kind.TEXT_DECODER, ("talker", "model"), 5),
        (Kind.OTHER, (), 1),
    ],
)
def test_the_likeliest_section_comes_first(kind: Kind, prefix: tuple[str, ...], heads: int) -> None:
    """A component's numbers come from the section whose name speaks of its kind and prefix."""
    found = sections(OMNI, kind, prefix)
    assert count(found[0], "num_attention_heads", "num_heads") == heads
    assert len(found) == 7


def test_model_types() -> None:
    """Every section's model type is known, whatever else stands in their places."""
    assert model_types(OMNI) == {"omni", "omni_thinker"}
    assert model_types({"model_type": ["llama"], "text_config": {"model_type": None}}) == frozenset()


@pytest.mark.parametrize("value", [0, -8, True, 8.0, "8", None, [8], 10**30])
def test_only_sensible_numbers_count(value: object) -> None:
    """A number that cannot count heads or layers is as good as none."""
    assert count({"heads": value}, "heads") is None
    assert count({"heads": value, "n_head": 8}, "heads", "n_head") == 8


FALCON = {"num_attention_heads": 8, "num_kv_heads": 2, "new_decoder_architecture": True}


@pytest.mark.parametrize(
    ("section", "rows", "groups"),
    [
        ({"num_attention_heads": 8}, 240, (8, 1)),
        ({"num_attention_heads": 8, "num_key_value_heads": 2}, 120, (2, 4)),
        (FALCON, 120, (2, 4)),
        (FALCON | {"new_decoder_architecture": False, "multi_query": True}, 100, (1, 8)),
        (FALCON | {"new_decoder_architecture": False, "multi_query": False}, 240, (8, 1)),
        ({"num_attention_heads": 8, "num_key_value_heads": 3}, 140, None),
        ({"num_attention_heads": 7}, 100, None),
        ({}, 100, None),
    ],
)
def test_groups_of_heads(section: dict[str, Any], rows: int, groups: tuple[int, int] | None) -> None:
    """Groups and queries to a group, where heads divide the rows."""
    assert head_groups([{}, section], rows) == groups


@pytest.mark.parametrize(
    ("section", "rows", "queries"),
    [
        ({"num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 10}, 120, 80),
        ({"num_attention_heads": 8, "num_key_value_heads": 2}, 96, 64),
        ({"num_attention_heads": 8, "num_key_value_heads": 2}, 192, 64),
        ({"num_attention_heads": 8, "num_key_value_heads": 2}, 97, None),
        ({}, 192, 64),
        ({}, 97, None),
    ],
)
def test_query_width(section: dict[str, Any], rows: int, queries: int | None) -> None:
    """Rows of q by a config that agrees with the shape; else a third, where there is one."""
    assert query_width([section], rows, 64) == queries


def test_deep_configs_are_left_alone() -> None:
    """A config nested without end is read some levels deep."""
    config: dict[str, Any] = {}
    for _ in range(5000):
        config = {"text_config": config}
    assert len(sections(config, Kind.TEXT_DECODER, ())) == 7
