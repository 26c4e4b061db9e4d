"""What can be searched for, what became of each search, and without which searches nothing is cleared.

A search that finds nothing clears a component only where it was made. Where it was not, what counts is why: a design of
the reference that no disguise of the subject can bring about (it has no units at all) takes the ground from a search;
anything that a disguise can bring about, or that the reference's material lacks, leaves the question open.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SearchName(StrEnum):
    """What can be searched for, besides comparing in place."""

    MOVED = "moved"
    """Layers, experts and rows in other places."""
    TOKENS = "tokens"
    """Token tables under other numbers. What it finds is no more than tables: it is reported, and clears nobody."""
    DISGUISED = "disguised"
    """Units in another order, scale or basis."""
    WITHOUT_ANCHORS = "without_anchors"
    """The same where embeddings and tokenizer were replaced as well."""
    ELSEWHERE = "elsewhere"
    """Weights by shape and value in all of every reference."""


CLEARING = (SearchName.MOVED, SearchName.DISGUISED, SearchName.WITHOUT_ANCHORS)
"""The searches without which nothing is cleared."""


class Undone(StrEnum):
    """What was undone before a pair was measured; keys of the message group ``reason``."""

    LAYERS = "layer_moved"
    EXPERTS = "experts_reordered"
    KERNEL_SIDES = "kernel_sides_swapped"
    GATES = "gates_reordered"
    DENSE_EXPERTS = "experts_from_dense"
    """A pool of experts beside a dense matrix."""
    TOKENS = "tokens_reordered"
    PLACE = "stands_elsewhere"
    """The counterpart is another than the one in its place."""
    LAYOUT = "other_layout"
    BIT_PATTERN = "bit_pattern"
    SCATTERED_ROWS = "scattered_rows"
    DISGUISE = "disguised"


class Status(StrEnum):
    """What became of a search."""

    DONE = "done"
    NOT_NEEDED = "not_needed"
    """Something was found without."""
    NOT_APPLICABLE = "not_applicable"
    """The reference has nothing of what is searched for, whatever the subject is made to look like."""
    NOT_POSSIBLE = "not_possible"


class Reason(StrEnum):
    """Why a search was not made, or not of everything; keys of the message group ``reason``."""

    FOUND_IN_PLACE = "found_in_place"
    NO_REFERENCE_OF_KIND = "no_reference_of_kind"
    NO_LAYERS = "no_layers"
    NO_LAYERS_THERE = "no_layers_there"
    OTHER_WIDTHS = "other_widths"
    NO_UNITS = "no_units"
    NO_UNITS_THERE = "no_units_there"
    UNITS_UNREADABLE = "units_unreadable"
    HIDDEN_UNITS = "hidden_units"
    UNEVEN_LAYERS = "uneven_layers"
    GAIN_MISSING = "gain_missing"
    NO_ANCHORS = "no_anchors"
    NO_COMMON_TOKENS = "no_common_tokens"
    FEW_UNITS_THERE = "few_units_there"
    NO_DESCRIPTORS = "no_descriptors"
    NO_DESCRIPTORS_THERE = "no_descriptors_there"
    NOT_DESCRIBED = "not_described"
    UNITS_NOT_KEPT = "units_not_kept"
    NO_TOKENIZER = "no_tokenizer"
    NO_TABLES_THERE = "no_tables_there"
    TABLES_FAR = "tables_far"
    TOO_LARGE_TO_LOOK_THROUGH = "too_large_to_look_through"
    FINGERPRINT_ONLY = "fingerprint_only"
    VERBATIM_ONLY = "verbatim_only"
    UNREADABLE = "unreadable"


MATERIAL = (Reason.NO_DESCRIPTORS_THERE, Reason.NOT_DESCRIBED)
"""Why units were not looked for without anchors where no disguise is behind it: how much was read, or kept. What is
cleared then is cleared as far as tokens are the same; that nobody looked further stands on the first screen."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one search."""

    status: Status
    reason: str = ""
    """A key of the message group ``reason``; empty where it was made."""


DONE = Outcome(Status.DONE)
