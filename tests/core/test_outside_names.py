"""Names from outside: judged, quoted, ordered."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.core.outside_names import is_hostile, natural_key, quoted
from tests.checkpoint.hostile_names import HOSTILE

ORDINARY = (
    "model.layers.0.self_attn.q_proj.weight",
    "conv1/kernel:0",
    "a..b",
    "가중치",
    "weight with spaces",
    "a" * 1000,
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str) -> None:
    """Names that mislead readers, terminals, browsers or paths are found."""
    assert is_hostile(name)


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary(name: str) -> None:
    """Names of real checkpoints, in any script and with TensorFlow's slashes, are not."""
    assert not is_hostile(name)


@given(st.text())
def test_quoted_is_one_printable_line(text: str) -> None:
    """Whatever a file says, a message stays one short line that every terminal can print."""
    shown = quoted(text)
    assert shown.isprintable()
    assert shown[0] in "'\""


def test_quoted_is_short() -> None:
    """A name of a megabyte does not fill the screen; a cut is visible."""
    assert quoted("a" * 10**6) == f"'{'a' * 120}'..."


def test_natural_order() -> None:
    """Shard 2 comes before shard 10, with and without leading zeros."""
    names = ["model-10-of-12", "model-2-of-12", "model-1-of-12", "model-02-of-12"]
    assert sorted(names, key=natural_key) == ["model-1-of-12", "model-02-of-12", "model-2-of-12", "model-10-of-12"]


@given(st.text(alphabet="a0129-."), st.text(alphabet="a0129-."))
def test_natural_key_tells_names_apart(one: str, other: str) -> None:
    """The order of two names never depends on the order in which they came."""
    assert (natural_key(one) == natural_key(other)) == (one == other)
