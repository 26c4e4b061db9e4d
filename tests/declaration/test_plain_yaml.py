"""YAML that people write is read; what programs and attackers write is not."""

from __future__ import annotations

import time

import pytest

from independence_audit.declaration.plain_yaml import LONGEST, mapping_of, texts, under


def values(text: str, *keys: str) -> list[str]:
    """The texts of some keys, wherever they stand."""
    return list(under(mapping_of(text), frozenset(keys)))


def test_texts_of_a_key_are_found_wherever_they_stand_in_the_file_s_order() -> None:
    """In lists, in lists of lists, in flow collections and beside other keys."""
    text = "a: one\nb:\n- {a: two, c: [x, {a: three}]}\n- d:\n    a: four\n"
    assert values(text, "a") == ["one", "two", "three", "four"]


def test_what_is_no_text_is_passed_over() -> None:
    """Numbers, dates, nothing and collections under a key."""
    assert values("a: 3\nb:\n- a: 2024-01-01\n- a:\n- a: [x]\n- a: yes\n- a: 'x'", "a") == ["x"]
    root = mapping_of("a: [x, 2, y]")
    assert root is not None
    assert texts(root.value[0][1]) == ("x", "y")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a text",
        "- a\n- b",
        "a: &x 1\nb: *x",
        "a: !!python/object:os.system x",
        "a: [",
        "a: {b: }}",
        "a: " + "x" * LONGEST,
    ],
)
def test_what_is_not_plain_or_too_large_is_nothing(text: str) -> None:
    """No error, and nothing read."""
    assert mapping_of(text) is None


def test_deep_nests_cost_nothing() -> None:
    """The parser is not asked for them."""
    begun = time.process_time()
    assert mapping_of("a: " + "[" * 9000 + "]" * 9000) is None
    assert time.process_time() - begun < 5.0
