"""The model card's front matter: what the Hub's ``base_model``, ``base_model_relation`` and ``license`` declare.

The keys are those of https://huggingface.co/docs/hub/model-cards. A card is written for people: what cannot be read in
it is passed over, never an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from independence_audit.declaration.declaration_file import CARD, WHOLE, Declaration, Entry
from independence_audit.declaration.plain_yaml import mapping_of, texts
from independence_audit.evidence.declared_origin import Origin

LARGEST = 1_000_000
"""Bytes of a card that are looked at; real ones have some ten thousand."""
KEYS = frozenset({"base_model", "base_model_relation", "license", "license_name"})
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
    root = mapping_of("\n".join(_wanted(lines[1:end]))) if end is not None else None
    return {str(key.value): texts(value) for key, value in root.value} if root is not None else {}


def _wanted(lines: Sequence[str]) -> Iterator[str]:
    """The lines of the keys that are looked at, each with those that belong to it: indented ones and list items."""
    taking = False
    for line in lines:
        if line[:1] not in {" ", "\t", "-", ""}:
            taking = line.partition(":")[0].strip("\"' ") in KEYS
        if taking:
            yield line


def _first(texts: Sequence[str]) -> str:
    return texts[0] if texts else ""
