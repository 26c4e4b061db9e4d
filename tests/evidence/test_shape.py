"""Shapes of JSON values: what is written is read back, and a value that does not fit is named by its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from independence_audit.errors import MalformedError
from independence_audit.evidence.shape import SINCE, shape_of, step
from tests.evidence.strategies import values


class Colour(StrEnum):
    """Two words, not in the alphabet's order."""

    WHITE = "white"
    BLACK = "black"


@dataclass(frozen=True, slots=True)
class Sheep:
    """A record with a field that earlier versions did not have."""

    name: str
    wool: float | None
    lambs: int = field(default=0, metadata={SINCE: "1.1"})


HINTS: dict[str, Any] = {
    "text": str,
    "truth": bool,
    "whole": int,
    "number": float,
    "word": Colour,
    "either": str | int | float | None,
    "number first": float | int | None,
    "list": tuple[int, ...],
    "pair": tuple[int, int],
    "entries": Mapping[str, float],
    "shares": Mapping[Colour, float],
    "record": Sheep,
    "flock": Mapping[str, tuple[Sheep, ...]],
    "free": object,
}
PLAIN = [name for name in HINTS if name not in ("record", "flock")]
"""Those whose description stands by itself."""
JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.just(0.5), st.sampled_from(["", "white", "black"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["white", "name"]), inner, max_size=2)
    ),
    max_leaves=4,
)


@pytest.mark.parametrize("name", HINTS)
@settings(max_examples=15)
@given(data=st.data())
def test_what_is_written_is_read_back(name: str, data: st.DataObject) -> None:
    """Through the text of a JSON file, with the types that the hint says."""
    shape = shape_of(HINTS[name])
    value = data.draw(values(HINTS[name]))
    again = shape.decode(json.loads(json.dumps(shape.encode(value, "$"))), "$")
    assert again == value
    assert type(again) is type(value)


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=25)
@given(value=JSON)
def test_the_description_allows_what_is_read(name: str, value: Any) -> None:
    """The JSON Schema and the reader take the same values, and refuse the same."""
    shape = shape_of(HINTS[name])
    try:
        shape.decode(value, "$")
    except MalformedError:
        assert not Draft202012Validator(shape.describe()).is_valid(value)
    else:
        assert Draft202012Validator(shape.describe()).is_valid(value)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("text", 1, "$: 1 is not a string."),
        ("truth", 1, "$: 1 is not true or false."),
        ("whole", True, "$: true is not a whole number."),
        ("number", "x" * 99, f'$: "{"x" * 36}... is not a number.'),
        ("number", 10**400, "$: the number is too large."),
        ("word", "grey", '$: "grey" is not one of white, black.'),
        ("list", {}, "$: {} is not a list."),
        ("list", [1, 2, "x"], '$[2]: "x" is not a whole number.'),
        ("pair", [1], "$: the list has 1 entries instead of 2."),
        ("entries", [], "$: [] is not an object."),
        ("entries", {"a b": "x"}, '$["a b"]: "x" is not a number.'),
        ("shares", {"grey": 1}, '$: "grey" is not one of white, black.'),
        ("record", None, "$: null is not an object."),
        ("record", {"wool": 1.5}, "$.name: the key is missing."),
        ("record", {"name": "a", "wool": None, "legs": 4}, "$.legs: the key is unknown."),
        ("flock", {"ours": [{"name": "a", "wool": "x"}]}, '$.ours[0].wool: "x" is not a number.'),
    ],
)
def test_a_value_that_does_not_fit_is_named_by_its_place(name: str, value: object, sentence: str) -> None:
    """With the value as JSON, cut where it is long, and what should be there."""
    with pytest.raises(MalformedError) as caught:
        shape_of(HINTS[name]).decode(value, "$")
    assert caught.value.message == f"The report is malformed at {sentence}"


def test_a_field_that_came_later_has_its_default() -> None:
    """Reports of earlier versions do not have it; it is written all the same."""
    shape = shape_of(Sheep)
    sheep = shape.decode({"name": "Dolly", "wool": 2}, "$")
    assert sheep == Sheep("Dolly", 2.0, 0)
    assert shape.encode(sheep, "$") == {"name": "Dolly", "wool": 2.0, "lambs": 0}


def test_words_are_written_in_their_own_order_and_names_as_they_come() -> None:
    """Two mappings with the same shares give one text."""
    assert list(shape_of(HINTS["shares"]).encode({Colour.BLACK: 0.5, Colour.WHITE: 0.5}, "$")) == ["white", "black"]  # type: ignore[call-overload]  # an object in JSON
    assert list(shape_of(HINTS["entries"]).encode({"b": 0.5, "a": 0.5}, "$")) == ["b", "a"]  # type: ignore[call-overload]  # an object in JSON


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", 1),
        ("whole", True),
        ("word", "white"),
        ("list", [1]),
        ("pair", (1,)),
        ("entries", {1: 0.5}),
        ("record", 1),
    ],
)
def test_a_value_that_the_hint_does_not_allow_is_not_written(name: str, value: object) -> None:
    """It is a mistake of the program, and the error names the place."""
    with pytest.raises(TypeError, match=r"^\$\.here should be "):
        shape_of(HINTS[name]).encode(value, "$.here")


@pytest.mark.parametrize("hint", [list[int], dict[str, int], bytes, complex])
def test_a_hint_that_no_report_has_is_refused(hint: object) -> None:
    """Lists are tuples in the evidence, and mappings do not say how they are made."""
    with pytest.raises(TypeError, match="no JSON shape"):
        shape_of(hint)


@pytest.mark.parametrize(
    ("key", "path"),
    [("run", "$.run"), ("layer 3", '$["layer 3"]'), ("", '$[""]'), ("3", '$["3"]'), ("\x1b[2J", '$["\\u001b[2J"]')],
)
def test_keys_that_are_no_plain_words_are_quoted(key: str, path: str) -> None:
    """A path can be read back, and does nothing to a terminal."""
    assert step("$", key) == path
