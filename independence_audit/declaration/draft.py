"""A first draft of ``independence.toml``, from the components of a checkpoint and what its model card says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from independence_audit.anatomy import Component
from independence_audit.declaration.card import Card, licence_of
from independence_audit.declaration.file import FORMAT
from independence_audit.evidence.declaration import Origin


def draft(components: Sequence[Component], card: Card | None, config: Mapping[str, Any]) -> str:
    """Write a declaration for a team to correct: from scratch unless the card names a base model.

    Args:
        components: The checkpoint's parts.
        card: Its model card, where there is one.
        config: Its ``config.json``; empty where there is none.
    """
    return "\n".join([*_head(card, config), *(line for each in components for line in _component(each, card))]) + "\n"


def _head(card: Card | None, config: Mapping[str, Any]) -> Iterator[str]:
    yield "# A draft: correct every entry before you hand it in. docs/declaration.md explains the keys."
    yield f"format = {FORMAT}"
    yield 'team = ""'
    yield 'stage = ""'
    yield f"model = {_quoted(_text(config.get('_name_or_path')))}"
    yield f"licence = {_quoted(licence_of(card) if card else '')}"
    yield ""
    yield "# What you may do with these weights without asking anybody; remove the lines that you cannot answer."
    yield "# [rights]"
    yield "# modify = true"
    yield "# operate = true"
    yield "# redistribute = true"


def _component(component: Component, card: Card | None) -> Iterator[str]:
    sources = card.base_models if card else ()
    yield ""
    yield f"# {component.kind.value}, tensor names of {_comment(component.family)}, {component.parameters:,} parameters"
    yield "[[component]]"
    yield f"name = {_quoted(component.name)}"
    if not sources:
        yield "# from_scratch, initialised_from, frozen_from (unchanged), architecture_from (own weights)"
        yield f"origin = {_quoted(Origin.FROM_SCRATCH.value)}"
        return
    yield f"# The model card calls the model a {_comment(card.relation if card else '') or 'derivative'} of this one."
    yield f"origin = {_quoted(Origin.INITIALISED_FROM.value)}"
    yield f"source = {_quoted(sources[0])}"
    if len(sources) > 1:
        yield f"# also named: {_comment(', '.join(sources[1:]))}"
    yield 'licence = ""  # of the source'


def _quoted(text: str) -> str:
    """A TOML string; JSON writes text alike, but for one control character."""
    unicode = text.encode("utf-8", "replace").decode()  # half of a surrogate pair cannot be written at all
    return json.dumps(unicode, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    """Text that stays on its line."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
