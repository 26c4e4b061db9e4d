"""The model card's front matter: what the Hub's ``base_model``, ``base_model_relation`` and ``license`` declare.

The keys are those of https://huggingface.co/docs/hub/model-cards. A card is written for people: what cannot be read in
it is passed over, never an error.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from independence_audit.declaration.model import CARD, WHOLE, Declaration, Entry
from independence_audit.evidence.declaration import Origin

LARGEST = 1_000_000
"""Bytes of a card that are looked at; real ones have some ten thousand."""
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
        base_models=_texts(facts.get("base_model")),
        relation=_text(facts.get("base_model_relation")),
        licence=_text(facts.get("license")),
        licence_name=_text(facts.get("license_name")),
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


def _front_matter(text: str) -> dict[str, Any]:
    lines = text.splitlines()
    if not lines or lines[0].strip() != FENCE:
        return {}
    end = next((number for number, line in enumerate(lines[1:], 1) if line.strip() == FENCE), None)
    if end is None:
        return {}
    import yaml  # loaded only where there is a card to read

    block = "\n".join(lines[1:end])
    try:
        # Aliases could be nested into billions of values; no card needs them.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(block, Loader=yaml.SafeLoader)):
            return {}
        facts = yaml.safe_load(block)
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(text for text in map(_text, values) if text)
