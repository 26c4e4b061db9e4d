"""The model card's front matter: what the Hub's ``base_model``, ``base_model_relation`` and ``license`` declare.

The keys are those of https://huggingface.co/docs/hub/model-cards. A card is written for people: what cannot be read in
it is passed over, never an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from independence_audit.declaration.declaration_file import CARD, WHOLE, Declaration, Entry
from independence_audit.evidence.declared_origin import Origin

LARGEST = 1_000_000
"""Bytes of a card that are looked at; real ones have some ten thousand."""
LONGEST = 20_000
"""Characters of the keys that are looked at; a merge of a hundred models has some thousand."""
DEEPEST = 8
"""Flow collections; a list of models is one. The parser's time grows with the cube of a nest's depth."""
KEYS = frozenset({"base_model", "base_model_relation", "license", "license_name"})
TEXT = "tag:yaml.org,2002:str"
FENCE = "---"


@dataclass(frozen=True, slots=True)
class Card:
    """What a model card says of the model's origin. Empty where it says nothing."""

    sha256: str
    base_models: tuple[str, ...] = ()
    relation: str = ""
    """``finetune``, ``adapter``, ``quantized`` or ``merge``: all of them begin with the base model's weights."""
    licence: str = ""
    licence_name: str = ""
    """Where the licence is ``other``."""


def parse_card(content: bytes) -> Card:
    """Read a model card's front matter; what is not there or cannot be read comes out empty."""
    digest = hashlib.sha256(content).hexdigest()
    facts = _front_matter(content[:LARGEST].decode("utf-8", "replace"))
    return Card(
        sha256=digest,
        base_models=facts.get("base_model", ()),
        relation=_first(facts.get("base_model_relation", ())),
        licence=_first(facts.get("license", ())),
        licence_name=_first(facts.get("license_name", ())),
    )


def declaration_of(card: Card) -> Declaration | None:
    """Take a card as a declaration; None where it names neither a base model nor a licence.

    The card speaks of the model as a whole, so its entry stands for every component.
    """
    if not (card.base_models or card.licence):
        return None
    entries = (Entry(WHOLE, Origin.INITIALISED_FROM, card.base_models, licence_of(card), card.relation),)
    return Declaration(CARD, card.sha256, entries if card.base_models else (), licence=licence_of(card))


def licence_of(card: Card) -> str:
    """The licence by its name, also where the card calls it ``other``."""
    return card.licence_name if card.licence == "other" and card.licence_name else card.licence


def _front_matter(text: str) -> dict[str, tuple[str, ...]]:
    """The texts of the keys that are looked at; of nothing else anything is parsed."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != FENCE:
        return {}
    end = next((number for number, line in enumerate(lines[1:], 1) if line.strip() == FENCE), None)
    block = "\n".join(_wanted(lines[1:end])) if end is not None else ""
    if not block or len(block) > LONGEST or _depth(block) > DEEPEST:
        return {}
    import yaml  # loaded only where there is a card to read

    try:
        events = yaml.parse(block, Loader=yaml.SafeLoader)
        # Aliases could be nested into billions of values, and tags ask for other types than text; no card needs them.
        if any(getattr(event, "anchor", None) or getattr(event, "tag", None) for event in events):
            return {}
        root = yaml.compose(block, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    if not isinstance(root, yaml.MappingNode):
        return {}
    return {key.value: _texts(value) for key, value in root.value if isinstance(key, yaml.ScalarNode)}


def _wanted(lines: Sequence[str]) -> Iterator[str]:
    """The lines of the keys that are looked at, each with those that belong to it: indented ones and list items."""
    taking = False
    for line in lines:
        if line[:1] not in {" ", "\t", "-", ""}:
            taking = line.partition(":")[0].strip("\"' ") in KEYS
        if taking:
            yield line


def _depth(block: str) -> int:
    """How deep flow collections may be nested at most: what opens one may as well stand in a text."""
    return sum(block.count(bracket) for bracket in "[{")


def _texts(node: object) -> tuple[str, ...]:
    """The texts of a scalar or of a list of scalars; what YAML takes for a number, a date or nothing is no text."""
    import yaml

    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    texts = (each.value.strip() for each in nodes if isinstance(each, yaml.ScalarNode) and each.tag == TEXT)
    return tuple(text for text in texts if text)


def _first(texts: Sequence[str]) -> str:
    return texts[0] if texts else ""
