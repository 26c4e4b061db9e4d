"""What a submission declares of its own origin, and how that agrees with what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    """Shared weights were found that the declaration does not name."""
    DECLARED_NOT_FOUND = "declared_not_found"
    """The declared source was compared with enough power, and no shared weights were found."""
    ATTRIBUTION_MISSING = "attribution_missing"
    """What was found is declared, but without its source or its licence."""
    OTHER_DEGREE = "other_degree"
    """The source is right; but what is declared frozen was changed, or what is declared trained on is unchanged."""
    NOT_CHECKED = "not_checked"
    """The declared source was not compared, or not with enough power."""
    TABLES_ONLY = "tables_only"
    """Nothing but token tables are like a reference's, which neither confirms nor contradicts a declaration."""
    NOT_FILLED_IN = "not_filled_in"
    """The declaration has an entry whose origin is empty, and no shared weights were found that it does not name."""
    NO_SUCH_COMPONENT = "no_such_component"
    """The declaration names a component that the checkpoint does not have."""
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
    found: str | None = None
    """The reference with which shared weights were found."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What a team declares that it may do with the weights without asking anybody; None where it does not say."""

    modify: bool | None = None
    operate: bool | None = None
    redistribute: bool | None = None


@dataclass(frozen=True, slots=True)
class DeclarationEvidence:
    """A submission's declaration beside the findings."""

    source: str
    """Where it was declared: a file's name, or the model card."""
    components: tuple[Declared, ...]
    """One entry for each component of the subject, then those that name none."""
    sha256: str = ""
    """Digest of the file."""
    team: str = ""
    """Who the declaration says made the model."""
    licence: str = ""
    """The submission's own licence."""
    rights: Rights = field(default_factory=Rights)
