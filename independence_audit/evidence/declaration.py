"""What a submission declares of its own origin, and how that agrees with what was found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Origin(StrEnum):
    """Where a component's weights come from, as its team declares it."""

    FROM_SCRATCH = "from_scratch"
    INITIALISED_FROM = "initialised_from"
    FROZEN_FROM = "frozen_from"
    ARCHITECTURE_FROM = "architecture_from"
    """Own weights in another model's architecture."""


class Agreement(StrEnum):
    """What a declaration comes to beside what was found."""

    AGREED = "agreed"
    UNDECLARED_DERIVATION = "undeclared_derivation"
    DECLARED_NOT_FOUND = "declared_not_found"
    ATTRIBUTION_MISSING = "attribution_missing"
    NOT_DECLARED = "not_declared"
    """Nothing was declared, and nothing was found."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What is declared of one component, and what that comes to."""

    component: str
    origin: Origin | None
    source: str
    licence: str
    notes: str
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class DeclarationEvidence:
    """A submission's declaration beside the findings."""

    source: str
    """Where it was declared: a file's name, or the model card."""
    components: tuple[Declared, ...]
