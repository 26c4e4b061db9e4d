"""Declared beside found: one agreement for each component."""

from __future__ import annotations

from collections.abc import Sequence

from independence_audit.declaration.declaration_file import WHOLE, Declaration, Entry
from independence_audit.evidence.audit_report import Reference
from independence_audit.evidence.declared_origin import Agreement, DeclarationEvidence, Declared, Origin
from independence_audit.evidence.measurement import ComponentEvidence
from independence_audit.evidence.reference_names import ReferenceNames
from independence_audit.evidence.relation import FOUND, Relation

_UNCHANGED = (Relation.IDENTICAL, Relation.ROUNDED)
_TOLD = (*FOUND, Relation.UNRELATED)


def hold(
    declaration: Declaration, components: Sequence[ComponentEvidence], references: Sequence[Reference]
) -> DeclarationEvidence:
    """Hold a declaration against the evidence.

    Args:
        declaration: What the submission says.
        components: What was found.
        references: Everything that was asked for, with its ancestors.
    """
    names = ReferenceNames(references)
    entries = _assigned(declaration, components)
    whole = {entry.name for entry in declaration.entries if entry.name == WHOLE}
    declared = [_declared(component, entries.get(component.name), names) for component in components]
    if whole and any(one.agreement in (Agreement.AGREED, Agreement.ATTRIBUTION_MISSING) for one in declared):
        # What is said of the model as a whole needs to be true of one component, not of all.
        declared = [_forgiven(one, entries.get(one.component)) for one in declared]
    used = entries.values()
    strays = [entry for entry in declaration.entries if entry.name != WHOLE and not any(entry is one for one in used)]
    return DeclarationEvidence(
        source=declaration.where,
        components=(*declared, *(_stray(entry) for entry in strays)),
        sha256=declaration.sha256,
        team=declaration.team,
        licence=declaration.licence,
        rights=declaration.rights,
    )


def _assigned(declaration: Declaration, components: Sequence[ComponentEvidence]) -> dict[str, Entry]:
    """The entry of every component that has one: by name, by a kind that only it has, or the one for all."""
    by_name = {entry.name: entry for entry in declaration.entries}
    kinds = [component.kind for component in components]
    assigned = {}
    for component in components:
        by_kind = by_name.get(component.kind) if kinds.count(component.kind) == 1 else None
        entry = by_name.get(component.name) or by_kind or by_name.get(WHOLE)
        if entry:
            assigned[component.name] = entry
    return assigned


def _declared(component: ComponentEvidence, entry: Entry | None, names: ReferenceNames) -> Declared:
    found = component.reference if component.relation in FOUND else None
    agreement = _agreement(component, entry, names)
    if entry is None:
        return Declared(component.name, None, "", "", "", agreement, found)
    return Declared(
        component.name, entry.origin, ", ".join(entry.sources), entry.licence, entry.notes, agreement, found
    )


def _agreement(component: ComponentEvidence, entry: Entry | None, names: ReferenceNames) -> Agreement:
    if entry is None:
        return _nothing_declared(component)
    if entry.origin is None:
        return _not_filled_in(component, entry, names)
    if entry.origin in (Origin.FROM_SCRATCH, Origin.ARCHITECTURE_FROM):
        return _own_weights(component, entry)
    return _found(component, entry, names) if component.relation in FOUND else _missed(component, entry, names)


def _missed(component: ComponentEvidence, entry: Entry, names: ReferenceNames) -> Agreement:
    """The agreement of weights that are declared to come from another model, and of which no shared ones are shown."""
    if any(names.covers(source, alike) for source in entry.sources for alike in _alike(component)):
        return Agreement.TABLES_ONLY
    tested = [
        other
        for other in component.runners_up
        if other.relation in _TOLD and any(names.means(source, other.reference) for source in entry.sources)
    ]
    return Agreement.DECLARED_NOT_FOUND if tested else Agreement.NOT_CHECKED


def _nothing_declared(component: ComponentEvidence) -> Agreement:
    """The agreement of a component without an entry."""
    if component.relation in FOUND:
        return Agreement.UNDECLARED_DERIVATION
    return Agreement.TABLES_ONLY if component.relation == Relation.TOKEN_TABLES else Agreement.NOT_DECLARED


def _not_filled_in(component: ComponentEvidence, entry: Entry, names: ReferenceNames) -> Agreement:
    """The agreement of an entry without an origin: it declares nothing, and so hides nothing that was found."""
    if component.relation not in FOUND:
        return Agreement.NOT_FILLED_IN
    covered = component.reference is not None and _is_covered(component, component.reference, entry, names)
    return Agreement.NOT_FILLED_IN if covered else Agreement.UNDECLARED_DERIVATION


def _alike(component: ComponentEvidence) -> list[str]:
    """References whose token tables the component's are like."""
    own = [component.reference] if component.relation == Relation.TOKEN_TABLES and component.reference else []
    return [*own, *(each.reference for each in component.runners_up if each.relation == Relation.TOKEN_TABLES)]


def _own_weights(component: ComponentEvidence, entry: Entry) -> Agreement:
    """The agreement of weights that are declared to be the team's own."""
    if component.relation in FOUND:
        return Agreement.UNDECLARED_DERIVATION
    if component.relation == Relation.TOKEN_TABLES:
        return Agreement.TABLES_ONLY
    if component.relation != Relation.UNRELATED:
        return Agreement.NOT_CHECKED
    unnamed = entry.origin == Origin.ARCHITECTURE_FROM and not entry.sources
    return Agreement.ATTRIBUTION_MISSING if unnamed else Agreement.AGREED


def _found(component: ComponentEvidence, entry: Entry, names: ReferenceNames) -> Agreement:
    """The agreement of weights that are declared to come from another model and do come from one."""
    if not entry.sources:
        return Agreement.ATTRIBUTION_MISSING
    if component.reference is None or not _is_covered(component, component.reference, entry, names):
        return Agreement.UNDECLARED_DERIVATION
    unchanged = component.relation in _UNCHANGED
    if unchanged != (entry.origin == Origin.FROZEN_FROM) and entry.name != WHOLE:
        return Agreement.OTHER_DEGREE
    return Agreement.AGREED if entry.licence else Agreement.ATTRIBUTION_MISSING


def _is_covered(component: ComponentEvidence, nearest: str, entry: Entry, names: ReferenceNames) -> bool:
    """Whether a declared source is the nearest reference, its ancestor, or another one that was found as well."""
    others = [other.reference for other in component.runners_up if other.relation in FOUND]
    return any(
        names.covers(source, nearest) or any(names.means(source, other) for other in others) for source in entry.sources
    )


def _forgiven(declared: Declared, entry: Entry | None) -> Declared:
    missed = declared.agreement in (Agreement.DECLARED_NOT_FOUND, Agreement.NOT_CHECKED)
    if not missed or entry is None or entry.name != WHOLE:
        return declared
    return Declared(declared.component, None, "", "", "", Agreement.NOT_DECLARED)


def _stray(entry: Entry) -> Declared:
    sources = ", ".join(entry.sources)
    return Declared(entry.name, entry.origin, sources, entry.licence, entry.notes, Agreement.NO_SUCH_COMPONENT)
