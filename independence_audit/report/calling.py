"""How sentences call a component: by its kind, with its name in brackets where the kind alone would not tell it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from independence_audit.evidence.measurement import ComponentEvidence, Message
from independence_audit.report.plain import visible
from independence_audit.report.wording import catalogue, say, word_or_name

SEPARATOR = ", "
"""Between the components that one message names together."""


def labels_of(components: Iterable[ComponentEvidence], lang: str) -> Mapping[str, str]:
    """Every component's label by its name; a kind that occurs once needs no name beside it."""
    listed = tuple(components)
    kinds = Counter(component.kind for component in listed)
    return {
        component.name: _label(component, lang, alone=kinds[component.kind] == 1 and _known(component.kind, lang))
        for component in listed
    }


def sentences(messages: Iterable[Message], labels: Mapping[str, str], lang: str) -> tuple[str, ...]:
    """Word messages, with the components that they name called by their labels."""
    return tuple(_begun(say(_labelled(message, labels), lang), lang) for message in messages)


def _label(component: ComponentEvidence, lang: str, *, alone: bool) -> str:
    kind = word_or_name("kind", component.kind, lang)
    return kind if alone or component.name == component.kind else f"{kind} ({visible(component.name)})"


def _known(kind: str, lang: str) -> bool:
    return f"kind.{kind}" in catalogue(lang)


def _begun(sentence: str, lang: str) -> str:
    """Begin a sentence with a capital where it begins with a kind's word; names stay as they are."""
    kinds = [text for key, text in catalogue(lang).items() if key.startswith("kind.")]
    word_begins = any(sentence.startswith(kind) and not _goes_on(sentence[len(kind) :]) for kind in kinds)
    return sentence[:1].upper() + sentence[1:] if word_begins else sentence


def _goes_on(rest: str) -> bool:
    """Whether a word, or a name, goes on after what it begins with."""
    return rest[:1].isalnum() or rest[:1] in set("_-./")


def _labelled(message: Message, labels: Mapping[str, str]) -> Message:
    called = dict(message.data)
    if called.get("component") in labels:
        called["component"] = labels[str(called["component"])]
    several = called.get("components")
    if isinstance(several, str) and all(name in labels for name in several.split(SEPARATOR)):
        called["components"] = SEPARATOR.join(labels[name] for name in several.split(SEPARATOR))
    return replace(message, data=called)
