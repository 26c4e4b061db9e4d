"""Every sentence and word of a report in the reader's language, from the catalogues under ``messages/``.

Figures that sentences state of the method itself are the constants that the method rests on, and no copies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module

from independence_audit.core.toml import shipped_table
from independence_audit.errors import MalformedError, UsageError
from independence_audit.evidence.measurement import Message, Value
from independence_audit.report import numbers
from independence_audit.report.josa import PARTICLES, particle
from independence_audit.report.languages import ENGLISH, LANGUAGES
from independence_audit.report.plain import shortened, visible

PLACEHOLDER = re.compile(
    r"(?P<equals>= )?\{(?P<name>[a-z_][a-z0-9_]*)(?::(?P<format>[a-z_]+))?\}"
    rf"(?P<particle>{'|'.join(re.escape(particle) for particle in PARTICLES)})?"
)
"""A placeholder, with an equals sign that gives way to a number's own "<" or ">", and the Korean particle after it."""
LONGEST_NAME = 200
"""Characters of a name inside a sentence; the JSON report has all of it."""

NUMBERS: Mapping[str, Callable[[float | None], str]] = {
    "count": numbers.count,
    "coefficient": numbers.coefficient,
    "score": numbers.score,
    "decimal": numbers.decimal,
    "p_statement": numbers.p_statement,
    "percent": numbers.percent,
    "ratio": numbers.ratio,
    "size": numbers.size,
}
"""Formats of a placeholder that write a number."""
COMPARISONS = {"< ": "below", "> ": "above"}
"""How a number begins that is known to be smaller or larger than what is written."""
REASON = "reason"
WORDS = ("relation", REASON, "kind", "mode", "layer_map", "law", "conclusion", "unusable", "direction")
"""Formats of a placeholder that look a word up in the group of that name."""
CAUSE = "cause"
"""Format of a placeholder that stands for an error's sentence. These are English; other languages have a word for the
kind of error, which stands in the message beside it."""
RUNS = "runs"
"""Format of a placeholder for runs of layers, ``0-2 from 1-3``."""
PLURALS = ("files", "models", "tensors")
"""Formats of a placeholder that stand for a noun, which agrees with the number."""


@cache
def catalogue(lang: str) -> Mapping[str, str]:
    """Read all entries of a language by their full keys, such as ``fact.identical``.

    Raises:
        UsageError: There is no catalogue for the language.
    """
    if lang not in LANGUAGES:
        raise UsageError(f"There is no language {visible(lang)}.", f"Choose one of: {', '.join(LANGUAGES)}.")
    groups = shipped_table("independence_audit.report", f"messages/{lang}.toml")
    return {f"{group}.{key}": text for group, entries in groups.items() for key, text in entries.items()}


def say(message: Message, lang: str) -> str:
    """Word a message as one line of plain text, with its names made visible; not escaped for any markup.

    Raises:
        MalformedError: The catalogue has no such message, or the message lacks what its sentence names.
    """
    text = _entry(message.key, lang)

    def fill(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in message.data and name not in FIGURES:
            raise MalformedError(
                f"The message {visible(message.key)} of the report says nothing about {name}.",
                "Make the report again, or use the version of the tool that wrote it.",
            )
        value = message.data[name] if name in message.data else figure(name)
        filled = _cause(message, name, lang) if match["format"] == CAUSE else _filled(value, match["format"], lang)
        compares = not isinstance(value, str) and filled.startswith(tuple(COMPARISONS))
        equals = "" if compares else match["equals"] or ""
        return equals + filled + (particle(filled, match["particle"]) if match["particle"] else "")

    return PLACEHOLDER.sub(fill, text)


def label(key: str, lang: str, **data: Value) -> str:
    """Word a heading, a column's name or another fixed text of the report."""
    return say(Message(f"label.{key}", data), lang)


def word(group: str, key: str, lang: str) -> str:
    """Look up a word, such as a relation's or a kind's.

    Raises:
        MalformedError: The catalogue has no such word.
    """
    text = _entry(f"{group}.{key}", lang)
    return say(Message(f"{group}.{key}"), lang) if "{" in text else text


def word_or_name(group: str, key: str, lang: str) -> str:
    """Look up a word of an open vocabulary; what has no word is shown as it is."""
    return catalogue(lang).get(f"{group}.{key}") or visible(key)


def _entry(key: str, lang: str) -> str:
    try:
        return catalogue(lang)[key]
    except KeyError:
        raise MalformedError(
            f"The report uses {visible(key)}, for which this version has no words.",
            "Use the version of the tool that wrote the report.",
        ) from None


def _cause(message: Message, name: str, lang: str) -> str:
    value, kind = message.data[name], message.data.get(CAUSE)
    known = isinstance(kind, str) and f"{CAUSE}.{kind}" in catalogue(lang)
    return word(CAUSE, str(kind), lang) if known and lang != ENGLISH else _filled(value, None, lang)


def _filled(value: Value, form: str | None, lang: str) -> str:
    if form in WORDS and isinstance(value, str):
        return word(form, value, lang)
    if form == REASON and value is None:
        return word(form, "unstated", lang)
    if isinstance(value, str):
        shown = shortened(visible(value), LONGEST_NAME)
        return shown.replace(" from ", f" {word(RUNS, 'from', lang)} ") if form == RUNS else shown
    if form in PLURALS:
        return word(form, "one" if value == 1 else "other", lang)
    written = NUMBERS[form or "count"](value)
    if form == "percent" and written.startswith(tuple(COMPARISONS)):
        return say(Message(f"percent.{COMPARISONS[written[:2]]}", {"limit": written[2:]}), lang)
    return written


PACKAGE = "independence_audit"
FIGURES: Mapping[str, tuple[str, str]] = {
    "trained_top": ("statistics.spectrum", "TRAINED_TOP"),
    "empirical_z": ("lineage.disguised", "EMPIRICAL_Z"),
    "agreeing": ("lineage.disguised", "AGREEING"),
    "described_agreeing": ("lineage.disguised", "DESCRIBED_AGREEING"),
    "layers_alike": ("lineage.attention_alike", "LAYERS_ALIKE"),
    "units_alike": ("lineage.units_together", "UNITS_ALIKE"),
    "strangers_others": ("statistics.recovery", "UNRELATED_OTHERS"),
    "strangers_attention": ("statistics.recovery", "UNRELATED_ATTENTION"),
    "combined_below": ("training.trajectory.forgery", "COMBINED"),
    "noise_below": ("training.trajectory.forgery", "NOISE"),
    "excess_above": ("training.trajectory.forgery", "EXCESS"),
    "carried_above": ("training.trajectory.start", "CARRIED"),
    "follows_above": ("training.log_check", "FOLLOWS"),
    "dependence_above": ("training.initialisers", "DEPENDENCE"),
    "single_z": ("lineage.decide", "SINGLE_Z"),
    "power": ("statistics.decision", "POWER"),
    "chance": ("report.distribution", "CHANCE"),
}
"""By the name that a placeholder has: the module and its constant."""


@cache
def figure(name: str) -> float:
    """The constant behind a placeholder; its module is loaded when a sentence first needs it."""
    module, constant = FIGURES[name]
    return float(getattr(import_module(f"{PACKAGE}.{module}"), constant))
