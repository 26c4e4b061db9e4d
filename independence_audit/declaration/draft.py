"""A first draft of ``independence.toml``, from a checkpoint's components, its model card and its adapter's config."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from independence_audit.anatomy import Component
from independence_audit.declaration.card import Card, licence_of
from independence_audit.declaration.declaration_file import FORMAT
from independence_audit.evidence.declared_origin import Origin


@dataclass(frozen=True, slots=True)
class Adapter:
    """What an adapter's config says of it."""

    base: str
    """The model whose weights it changes; empty where it does not say."""
    kind: str
    """Such as ``LORA``; empty where it does not say."""


def adapter_of(config: Mapping[str, Any]) -> Adapter:
    """An adapter from its ``adapter_config.json``, as ``peft`` writes it."""
    return Adapter(_text(config.get("base_model_name_or_path")), _text(config.get("peft_type")))


def draft(
    components: Sequence[Component], card: Card | None, config: Mapping[str, Any], adapter: Adapter | None = None
) -> str:
    """Write a declaration for a team to fill in: where weights come from is for the team to say, never for a draft.

    Only an adapter's origin is drafted, because an adapter is nothing without its base.

    Args:
        components: The checkpoint's parts.
        card: Its model card, where there is one.
        config: Its ``config.json``; empty where there is none.
        adapter: What its ``adapter_config.json`` says, where there is one.
    """
    lines = [line for each in components for line in _component(each, card, adapter)]
    return "\n".join([*_head(card, config), *lines]) + "\n"


def _head(card: Card | None, config: Mapping[str, Any]) -> Iterator[str]:
    yield "# A draft: fill in every origin and correct every entry before you hand it in."
    yield "# docs/declaration.md explains the keys."
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


def _component(component: Component, card: Card | None, adapter: Adapter | None) -> Iterator[str]:
    yield ""
    yield f"# {component.kind.value}, tensor names of {_comment(component.family)}, {component.parameters:,} parameters"
    yield "[[component]]"
    yield f"name = {_quoted(component.name)}"
    if adapter is not None:
        yield from _adapter(adapter, card)
        return
    yield "# from_scratch, initialised_from, frozen_from (unchanged), architecture_from (own weights)"
    yield 'origin = ""'
    sources = card.base_models if card else ()
    if not sources:
        return
    yield f"# The model card calls the model a {_comment(card.relation if card else '') or 'derivative'} of this one."
    yield from _source(sources)


def _adapter(adapter: Adapter, card: Card | None) -> Iterator[str]:
    """An adapter's origin: it changes the weights of its base, which it does not hold."""
    kind = f" ({_comment(adapter.kind)})" if adapter.kind else ""
    yield f"# An adapter{kind}, which changes the weights of its base: not a model of its own."
    yield f"origin = {_quoted(Origin.INITIALISED_FROM.value)}"
    sources = [adapter.base] if adapter.base else list(card.base_models if card else ())
    if sources:
        yield from _source(sources)
    else:
        yield 'source = ""  # adapter_config.json does not name the base'
        yield 'licence = ""  # of the source'


def _source(sources: Sequence[str]) -> Iterator[str]:
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
