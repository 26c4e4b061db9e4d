"""A search: what finds weights that are not alike as they stand, or says more of those that are; and what it states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from independence_audit.core.progress import Progress
from independence_audit.fingerprint import Model
from independence_audit.lineage.comparison import Comparisons
from independence_audit.lineage.outcomes import SearchName


class Law(StrEnum):
    """How the law of a search's statistics is known where nothing is shared."""

    EXACT = "exact"
    """A permutation that training commutes with: the law follows from the draw alone."""
    RIGOROUS = "rigorous bound"
    """A p-value that is at most too large."""
    EMPIRICAL = "empirical"
    """Measured between unrelated models; the table is beside the threshold."""
    NONE = "no test"
    """It describes what was found by others, and finds nothing."""


class Cost(StrEnum):
    """What is read for a search."""

    SAMPLES = "nothing beyond the fingerprints"
    ROWS = "some rows of token tables"
    UNITS = "the units of a few layers"
    MATRICES = "a few whole matrices"
    TENSORS = "tensors without a counterpart, within a budget"
    EVERYTHING = "every byte of both sides"


@dataclass(frozen=True, slots=True)
class About:
    """What a search states of itself."""

    title: str
    names: tuple[SearchName, ...]
    """What it records of a comparison; empty where it searches for nothing."""
    law: Law
    null: str
    """Whose law that is, and where it was measured."""
    bound: str
    """What it is sure to find."""
    cost: Cost
    messages: tuple[str, ...] = ()
    """The messages that a report owes to it."""


@dataclass(frozen=True, slots=True)
class Models:
    """Both sides of an audit, as searches read them."""

    mine: Model
    known: Mapping[str, Model]
    """The references by name, in their order."""
    progress: Progress


class Search(Protocol):
    """One search through all comparisons of an audit.

    It sees all of them at once, because the subject is read once for every reference, and a level is spread over all.
    """

    @property
    def about(self) -> About:
        """What it states of itself."""

    def run(self, comparisons: Comparisons, models: Models) -> Comparisons:
        """The comparisons with what it came to.

        Raises:
            InputError: Weights that it reads cannot be read.
        """
