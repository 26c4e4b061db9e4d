"""Model cards: what the Hub's front matter declares, and nothing that could harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.declaration.card import declaration_of, licence_of, parse_card
from independence_audit.evidence.declaration import Origin

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


@given(st.text(max_size=100))
def test_no_text_crashes_it(text: str) -> None:
    """Any front matter comes out as something."""
    parse_card(f"---\n{text}\n---\n".encode("utf-8", "surrogatepass"))
