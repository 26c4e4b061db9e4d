"""JSON with a single reading."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.core.strict_json import JsonError, parse_object

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
def test_agrees_with_the_standard_library(value: dict[str, object]) -> None:
    """What has one reading is read as everyone reads it."""
    assert parse_object(json.dumps(value).encode()) == value
    assert parse_object(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is not valid JSON"),
        (b"{", "is not valid JSON"),
        (b'{"a": 1,}', "is not valid JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not valid JSON"),
        (b"[]", "is not a JSON object"),
        (b"null", "is not a JSON object"),
        (b'{"a": 1, "a": 1}', "has the key 'a' twice"),
        (b'{"a": 1, "\\u0061": 2}', "has the key 'a' twice"),
        (b'{"x": [{"y": {"b": 1, "c": 2, "b": 3}}]}', "has the key 'b' twice"),
        (b'{"a": NaN}', "holds NaN, which is not JSON"),
        (b'{"a": -Infinity}', "holds -Infinity, which is not JSON"),
        (b'{"\xff": 1}', "holds text that is not valid Unicode"),
        (b'{"\\ud800": 1}', "holds text that is not valid Unicode"),
        (b'{"a": ["\\uDC00"]}', "holds text that is not valid Unicode"),
        ('{"a": 1}'.encode("utf-16"), "holds text that is not valid Unicode"),
        (b'{"a": ' + b"[" * 100_000, "is nested too deeply"),
        (b'{"a": ' * 100_000, "is nested too deeply"),
    ],
)
def test_rejected(raw: bytes, reason: str) -> None:
    """What has two readings, or none, is rejected with the reason."""
    with pytest.raises(JsonError) as caught:
        parse_object(raw)
    assert str(caught.value) == reason


def test_surrogate_pairs_are_text() -> None:
    """Escapes that make up one character together are ordinary JSON."""
    assert parse_object(b'{"a": "\\ud83d\\ude00"}') == {"a": "\N{GRINNING FACE}"}


def test_infinities_where_allowed() -> None:
    """Python writes Infinity into configs, and they are read where the caller says so."""
    parsed = parse_object(b'{"a": Infinity, "b": NaN, "c": -Infinity}', infinities=True)
    assert parsed["a"] == math.inf
    assert parsed["c"] == -math.inf
    assert str(parsed["b"]) == "nan"


@pytest.mark.parametrize("raw", [b'{"a":[' + b"[]," * 2000, b'{"a":[' + b"{}," * 2000, b'{"a":[' + b"1," * 4001])
def test_too_many_values(raw: bytes) -> None:
    """Small values are many times as large in memory as in text; they are counted before they are parsed."""
    with pytest.raises(JsonError, match="holds more than 4,000 values"):
        parse_object(raw, most_values=4000)


def test_halves_of_characters_anywhere() -> None:
    """In keys, values, lists and objects of lists, also where other escapes stand around them."""
    for text in (r'{"\ud800x": 1}', r'{"a": [[{"b": "\udc00"}]]}', r'{"a": "\ude00\ud83d"}', r'{"a": "\ud83d\\ude00"}'):
        with pytest.raises(JsonError, match="not valid Unicode"):
            parse_object(text.encode())
    assert parse_object(rb'{"a": ["\\ud800", "\ud83d\ude00\n"]}') == {"a": ["\\ud800", "\N{GRINNING FACE}\n"]}
