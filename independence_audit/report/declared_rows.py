"""What a submission declares of its components, beside what was found, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from independence_audit.evidence.declared_origin import DeclarationEvidence
from independence_audit.report import numbers
from independence_audit.report.plain import visible
from independence_audit.report.wording import word

COLUMNS = ("component", "origin", "source", "licence", "agreement")
"""Label keys of the table's columns."""


@dataclass(frozen=True, slots=True)
class DeclaredRow:
    """A component as it is declared."""

    component: str
    origin: str
    source: str
    licence: str
    agreement: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The row's texts in the order of ``COLUMNS``."""
        return self.component, self.origin, self.source, self.licence, self.agreement


def declared_rows(
    declaration: DeclarationEvidence | None, labels: Mapping[str, str], lang: str
) -> tuple[DeclaredRow, ...]:
    """Word a declaration; nothing where none was submitted.

    Raises:
        MalformedError: The catalogue lacks a word for an origin or an agreement.
    """
    if declaration is None:
        return ()
    return tuple(
        DeclaredRow(
            component=labels.get(declared.component) or visible(declared.component),
            origin=word("origin", declared.origin, lang) if declared.origin else numbers.NONE,
            source=visible(declared.source) if declared.source else numbers.NONE,
            licence=visible(declared.licence) if declared.licence else numbers.NONE,
            agreement=word("agreement", declared.agreement, lang),
        )
        for declared in declaration.components
    )
