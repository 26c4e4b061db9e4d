"""What ``adapter_config.json`` says is taken as ``peft`` takes it; what cannot be is one sentence."""

from __future__ import annotations

import json
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.checkpoint.merged.peft_settings import peft_settings
from independence_audit.errors import AuditError, MalformedError, UnsupportedError


def test_what_is_not_said_is_as_peft_has_it() -> None:
    """Rank 8 and alpha 8."""
    told = peft_settings(b"{}")
    assert (told.rank, told.alpha, told.base, told.kind, told.targets) == (8, 8.0, "", "LoRA", ())
    assert told.scaling("model.layers.0.q_proj", 8) == 1.0


def test_scalings() -> None:
    """Alpha of the whole or of a module; over r, or over its root."""
    told = peft_settings(b'{"lora_alpha": 16, "alpha_pattern": {"layers.1.q_proj": 4}, "use_rslora": true}')
    assert told.scaling("model.layers.0.q_proj", 4) == 8.0
    assert told.scaling("model.layers.1.q_proj", 4) == 2.0
    assert told.scaling("model.layers.11.q_proj", 4) == 8.0
    assert told.kind == "rsLoRA"
    both = peft_settings(b'{"use_dora": true, "use_rslora": true, "target_modules": ["v_proj", "q_proj", 3]}')
    assert both.kind == "rsLoRA DoRA"
    assert both.targets == ("q_proj", "v_proj")


@pytest.mark.parametrize(
    ("told", "error"),
    [
        (None, MalformedError),
        ("[", MalformedError),
        ([], MalformedError),
        ({"r": 0}, MalformedError),
        ({"r": "8"}, MalformedError),
        ({"r": True}, MalformedError),
        ({"lora_alpha": "16"}, MalformedError),
        ({"lora_alpha": float("inf")}, MalformedError),
        ({"lora_alpha": float("nan")}, MalformedError),
        ({"lora_alpha": 10**400}, MalformedError),
        ({"r": 10**400}, MalformedError),
        ({"alpha_pattern": [1]}, MalformedError),
        ({"alpha_pattern": {"q_proj": None}}, MalformedError),
        ({"alpha_pattern": {"(a+)+$": 4}}, UnsupportedError),
        ({"peft_type": "IA3"}, UnsupportedError),
        ({"peft_type": None}, UnsupportedError),
        ({"init_lora_weights": "pissa_niter_4"}, UnsupportedError),
        ({"init_lora_weights": "loftq"}, UnsupportedError),
    ],
)
def test_what_cannot_be_or_is_not_known(told: object, error: type[AuditError]) -> None:
    """No file, no JSON, no numbers, an expression that would have to be run, other kinds of adapters."""
    content = None if told is None else told.encode() if isinstance(told, str) else json.dumps(told).encode()
    with pytest.raises(error) as caught:
        peft_settings(content)
    assert caught.value.hint


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["peft_type", "r", "lora_alpha", "alpha_pattern", "rank_pattern", "use_dora", "target_modules", "init_lora_weights"]
)


@given(st.dictionaries(KEYS, JSON, max_size=4))
def test_whatever_is_said_is_taken_or_refused(told: dict[str, object]) -> None:
    """Nothing crashes, and what is taken gives every module a number."""
    try:
        settings = peft_settings(json.dumps(told).encode())
    except (MalformedError, UnsupportedError):
        return
    assert isfinite(settings.scaling("model.layers.0.q_proj", 4))


def test_of_several_ends_the_first_counts() -> None:
    """As ``peft`` takes the first pattern that fits."""
    for order in (("q_proj", "1.q_proj"), ("1.q_proj", "q_proj")):
        told = peft_settings(json.dumps({"alpha_pattern": {order[0]: 4, order[1]: 12}}).encode())
        assert told.scaling("layers.1.q_proj", 4) == 1.0


def test_ways_to_begin_that_leave_the_base_alone() -> None:
    """They are drawn otherwise, and merged as any other."""
    for begins in (True, False, "gaussian", "eva", "orthogonal"):
        assert peft_settings(json.dumps({"init_lora_weights": begins}).encode()).rank == 8
