"""Model cards: what the Hub's front matter declares, and nothing that could harm."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.declaration.card import declaration_of, licence_of, parse_card
from independence_audit.evidence.declared_origin import Origin

BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nbase_model: *b\n"


def test_front_matter_is_a_declaration() -> None:
    """Base model, relation and licence of the whole model."""
    card = parse_card(b"---\nbase_model: Qwen/Qwen3-4B\nbase_model_relation: finetune\nlicense: apache-2.0\n---\n# Hi")
    declaration = declaration_of(card)
    assert declaration is not None
    (entry,) = declaration.entries
    assert (entry.name, entry.origin, entry.sources, entry.licence, entry.notes) == (
        "*",
        Origin.INITIALISED_FROM,
        ("Qwen/Qwen3-4B",),
        "apache-2.0",
        "finetune",
    )


def test_several_base_models_and_a_named_licence() -> None:
    """A list of models is a merge; a licence called other has a name."""
    card = parse_card(b"---\nbase_model: [a/b, c/d, 7]\nlicense: other\nlicense_name: exaone\n---\n")
    assert card.base_models == ("a/b", "c/d")
    assert licence_of(card) == "exaone"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"# No front matter",
        b"---\nbase_model: a/b\n",
        b"---\n: : :\n---\n",
        b"---\n- a\n---\n",
        b"---\n!!python/object/apply:os.system ['true']\n---\n",
        f"---\n{BOMB}---\n".encode(),
        b"---\nbase_model: {a: b}\n---\n",
    ],
)
def test_what_cannot_be_read_declares_nothing(content: bytes) -> None:
    """A card is for people; a broken one is no error, a bomb does not go off, and no code runs."""
    assert declaration_of(parse_card(content)) is None


def test_other_keys_are_never_parsed() -> None:
    """A card of a megabyte of benchmark results is read as fast as a short one, whatever they hold."""
    results = "model-index:\n" + "".join(f"- name: {n}\n  results: [{{a: {n}}}]\n" for n in range(20_000))
    broken = "x: [" * 5_000 + "\ny: !!python/object:os.system\nz: &a 1\n"
    begun = time.process_time()
    card = parse_card(f"---\n{results}{broken}base_model:\n- a/b\n  \n- c/d\nlicense: mit\ntags:\n- x\n---\n".encode())
    assert (card.base_models, card.licence) == (("a/b", "c/d"), "mit")
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "value",
    [
        "[" * 5_000,
        "{a: " * 5_000,
        "[" * 2_500 + "]" * 2_500,
        "\n" + "".join(" " * n + "- \n" for n in range(1, 180)),
        "- " * 5_000,
        "\n" + " -" * 9_000,
        "? " * 5_000,
        "!!int '" + "9" * 5_000 + "'",
        "9" * 10_000,
        "0x" + "f" * 10_000,
        "1" + ":59" * 3_000,
        "2026-99-99",
        "!!timestamp 9999-99-99",
        "!!binary ===",
        "!!set {a, b}",
        "!!float 1e999999999",
        "&a a/b",
        "*a",
        "<<: *b",
        "|\n" + "  x\n" * 5_000,
        '"' + "\\x" * 4_000,
        "'" * 9_000,
        "\x00",
        "%YAML 9.9",
    ],
    ids=lambda value: f"{value[:12]!r}, {value[-5:]!r}",
)
def test_hostile_values_are_passed_over_at_once(value: str) -> None:
    """Nests, tags, anchors, numbers and dates that overflow."""
    begun = time.process_time()
    for key in ("base_model", "license"):
        assert not parse_card(f"---\n{key}: {value}\n---\n".encode()).base_models or key == "base_model"
    assert time.process_time() - begun < 5


@given(st.text(max_size=100))
def test_no_text_crashes_it(text: str) -> None:
    """Any front matter comes out as something."""
    parse_card(f"---\n{text}\n---\n".encode("utf-8", "surrogatepass"))
