"""The words for relations between weights, and which of two is the stronger."""

from __future__ import annotations

from enum import StrEnum


class Relation(StrEnum):
    """What was measured between two tensors or components. "Derived" is a policy's word, not one of these."""

    IDENTICAL = "identical"
    """Every compared value is equal."""
    ROUNDED = "rounded"
    """Equal up to the rounding of a narrower or quantised type."""
    RELATED = "related"
    """Shares weights or an initial draw, by the aligned test."""
    TRANSFORMED = "transformed"
    """Related only after a move or a disguise is undone."""
    TOKEN_TABLES = "token_tables"  # noqa: S105  no password
    """Nothing but token tables and norm gains are alike: the tables were taken, come from the same public table, or the
    model imitates another's hidden states. No weight beyond them is shown to be shared."""
    UNRELATED = "unrelated"
    """Tested with enough power; nothing was found."""
    INCONCLUSIVE = "inconclusive"
    """Not enough power or data."""
    UNINFORMATIVE = "uninformative"
    """Constant, or without an exchangeable axis: equal or not, it says nothing."""
    NOT_TESTED = "not_tested"
    """Not compared, for the reason given."""


FOUND = (Relation.IDENTICAL, Relation.ROUNDED, Relation.RELATED, Relation.TRANSFORMED)
"""The relations that say weights are shared, the strongest first."""

NAMED = (*FOUND, Relation.TOKEN_TABLES)
"""The relations that name a reference: those of shared weights, and the one that only token tables speak for."""

STRENGTH = {relation: rank for rank, relation in enumerate(reversed(tuple(Relation)))}
"""Rank of every relation; the larger, the stronger."""
