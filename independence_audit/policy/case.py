"""What a rule may ask about: one component's evidence as a few words, each out of a fixed list, licences by class."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from independence_audit.anatomy import Kind
from independence_audit.core.toml import shipped_table
from independence_audit.evidence.audit_report import Reference
from independence_audit.evidence.declared_origin import Agreement, DeclarationEvidence, Declared, Rights
from independence_audit.evidence.measurement import ComponentEvidence, Message, Shared
from independence_audit.evidence.reference_names import ReferenceNames
from independence_audit.evidence.relation import FOUND, NAMED, Relation
from independence_audit.evidence.training_evidence import Conclusion, TrainingEvidence
from independence_audit.policy.criteria import NONE, OTHER


class Licence(StrEnum):
    """What the licence of a match allows."""

    PERMISSIVE = "permissive"
    CONDITIONAL = "conditional"
    RESTRICTED = "restricted"
    UNKNOWN = "unknown"
    CONTRADICTED = "contradicted"
    """The team declares another licence than the owner does."""


def licence_class(name: str | None) -> Licence:
    """The class of a licence by its name on the Hub, whatever its case; unknown where there is none."""
    return _classes().get(_plain_licence(name or ""), Licence.UNKNOWN)


def same_licence(one: str, other: str) -> bool:
    """Whether two names mean one licence."""
    return _plain_licence(one) == _plain_licence(other)


def _plain_licence(name: str) -> str:
    return name.strip().casefold().replace(" ", "-").replace("_", "-")


@cache
def _classes() -> Mapping[str, Licence]:
    groups = shipped_table("independence_audit.policy", "licences.toml")
    return {_plain_licence(name): Licence(group) for group, names in groups.items() for name in names}


COUNTRY = re.compile(r"[A-Z]{2}")
TOLD = (Relation.RELATED,)
"""Relations of which can be told whether training is shared: where values are equal it is, and behind a disguise the
matrices cannot be laid on each other."""


FEWEST = 3
"""Checkpoints without a verified first one from which a way is judged at all (``training.conclude``)."""
_WHY = {"limit.ends_elsewhere": "ends_elsewhere", "limit.order_doubted": "order", "limit.shared": "shares_training"}
"""What a limit of a training's conclusion makes checkpoints unusable for."""


class Owner(StrEnum):
    """Whose the matched model is."""

    FOREIGN = "foreign"
    """Somebody else's, or nobody knows whose."""
    OWN = "own"
    """The team's, as whoever runs the audit names it with ``--team``."""
    CLAIMED = "claimed"
    """The team's by its own declaration alone, which nobody confirmed."""


class Structure(StrEnum):
    """Whether the component's tensors fit those of a model of somebody else, in names and shapes."""

    SHARED_NAMED = "shared_named"
    """They do, and the declaration names that model."""
    SHARED_NOT_NAMED = "shared_not_named"
    NOT_SHARED = "not_shared"
    """No reference of another owner could be compared tensor by tensor."""


class Right(StrEnum):
    """What is declared about modifying, operating and redistributing the weights."""

    ALL = "all"
    NOT_ALL = "not_all"
    """At least one of them is denied."""
    UNDECLARED = "undeclared"
    """At least one of them is not spoken of."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the weights' comparison.

    Attributes:
        verified: False where the subject is a fingerprint that somebody submitted: no criterion is met by it.
        team: Who submitted, in the words of whoever runs the audit.
        declaration: What the submission declares.
        training: What was seen of its training.
        incomplete: Why the audit as a whole is inconclusive.
    """

    verified: bool = True
    team: str = ""
    declaration: DeclarationEvidence | None = None
    training: TrainingEvidence | None = None
    incomplete: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One component in the words of rules, and whom they are about."""

    words: Mapping[str, str]
    """By condition: ``kinds``, ``relations``, ``owners``, ``countries``, ..."""
    structure_of: str | None
    """A reference of another owner whose tensors it fits."""
    owner: str | None
    licence: str | None
    declared: Declared | None
    unusable: str = ""
    """Why checkpoints that were submitted say nothing of it; empty where none were, or they do."""


VOCABULARY: Mapping[str, frozenset[str] | None] = {
    "kinds": frozenset(Kind),
    "relations": frozenset(Relation),
    "owners": frozenset({*Owner, NONE}),
    "countries": None,
    "declarations": frozenset({*Agreement, NONE}),
    "licences": frozenset({*Licence, NONE}),
    "shared": frozenset({*Shared, NONE}),
    "trainings": frozenset({*Conclusion, NONE}),
    "structures": frozenset(Structure),
    "rights": frozenset(Right),
}
"""The words of every condition; None where they are countries. Conditions of a component first."""
OF_MATCH = ("owners", "countries", "licences")
"""Conditions that have a word other than ``none`` exactly where there is a match."""
OF_SUBMISSION = ("rights",)
"""Conditions that need no component."""


def case_of(component: ComponentEvidence, kind: Kind, references: Mapping[str, Reference], known: Known) -> Case:
    """Put one component's evidence into the words of rules, judged as a component of this kind."""
    match = references.get(component.reference or "") if component.relation in NAMED else None
    found = component.relation in NAMED
    declared = _declared(component, known.declaration)
    fitting = list(_fitting(component, references, known))
    licence, licence_name = _licence(match, declared) if found else (NONE, None)
    words = {
        "kinds": kind.value,
        "relations": component.relation.value,
        "owners": owner_of(match, known).value if found else NONE,
        "countries": country_of(match) if found else NONE,
        "declarations": declared.agreement.value if declared else NONE,
        "licences": licence,
        "shared": component.shared.value if component.shared and component.relation in TOLD else NONE,
        "trainings": _training(component, known.training),
        "structures": _structure(fitting, references, declared).value,
        "rights": rights_of(known.declaration).value,
    }
    return Case(
        words,
        structure_of=fitting[0] if fitting else None,
        owner=match.owner if match else None,
        licence=licence_name,
        declared=declared,
        unusable=_unusable(component, known.training),
    )


def kind_of(component: ComponentEvidence) -> Kind:
    """The kind that rules know a component by; a report may carry another word."""
    return Kind(component.kind) if component.kind in frozenset(Kind) else Kind.OTHER


def judged_as(component: ComponentEvidence, kinds: Collection[Kind]) -> Kind | None:
    """As which of a criterion's kinds a component is judged; None where the criterion is not about it.

    Its own kind is a label. Where it shares weights, it is judged as what it shares them with, too: a decoder's
    matrices stay a decoder's under a projector's name.
    """
    own, theirs = kind_of(component), component.reference_kind
    if own in kinds:
        return own
    return next((kind for kind in kinds if kind == theirs), None) if component.relation in FOUND else None


def is_possible(words: Mapping[str, str]) -> bool:
    """Whether a combination of words can occur.

    There are an owner, a country and a licence exactly where there is a match, and what is shared can be told of
    related weights only.
    """
    found = {words[name] != NONE for name in OF_MATCH if name in words}
    relation = words.get("relations")
    if relation is not None:
        found.add(relation in frozenset(NAMED))
    if words.get("shared", NONE) != NONE:
        found |= {True}
        if relation is not None and relation not in frozenset(TOLD):
            return False
    return len(found) <= 1


def owner_of(reference: Reference | None, known: Known) -> Owner:
    """Whose a reference is, seen from the submission."""
    owner = _plain(reference.owner if reference else None)
    if owner and owner == _plain(known.team):
        return Owner.OWN
    if owner and known.declaration and owner == _plain(known.declaration.team):
        return Owner.CLAIMED
    return Owner.FOREIGN


def country_of(reference: Reference | None) -> str:
    """Where a reference was made, as ISO 3166-1 alpha-2; what is no such code is another country."""
    country = (reference.country if reference else None) or ""
    return country if COUNTRY.fullmatch(country) else OTHER


def rights_of(declaration: DeclarationEvidence | None) -> Right:
    """What the rights that a submission declares come to."""
    rights = declaration.rights if declaration else Rights()
    said = (rights.modify, rights.operate, rights.redistribute)
    if False in said:
        return Right.NOT_ALL
    return Right.UNDECLARED if None in said else Right.ALL


def _plain(name: str | None) -> str:
    return "".join(filter(str.isalnum, name or "")).casefold()


def _declared(component: ComponentEvidence, declaration: DeclarationEvidence | None) -> Declared | None:
    entries = declaration.components if declaration else ()
    named = (entry for entry in entries if entry.component == component.name)
    return next((entry for entry in named if entry.agreement != Agreement.NO_SUCH_COMPONENT), None)


def _licence(match: Reference | None, declared: Declared | None) -> tuple[str, str | None]:
    """The class of the licence that the match is under, and its name: the owner's word goes before the team's."""
    theirs, ours = (match.licence if match else None), (declared.licence if declared else None)
    if theirs and ours and not same_licence(theirs, ours):
        return Licence.CONTRADICTED.value, f"{theirs} / {ours}"
    name = theirs or ours or None
    return licence_class(name).value, name


def _training(component: ComponentEvidence, training: TrainingEvidence | None) -> str:
    own = [each for each in (training.components if training else ()) if each.component == component.name]
    return own[0].conclusion.value if own else NONE


def _unusable(component: ComponentEvidence, training: TrainingEvidence | None) -> str:
    """A word of the message group ``unusable``: why checkpoints say nothing of a component."""
    if training is None or training.trajectory is None:
        return ""
    own = next((each for each in training.components if each.component == component.name), None)
    if own is None or own.conclusion != Conclusion.NO_EVIDENCE:
        return ""
    limits = {limit.key for limit in own.limits}
    for key, reason in _WHY.items():
        if key in limits:
            return reason
    if any(finding.contradicts for finding in own.findings):
        shared = any(finding.message.key == "finding.shares_training" for finding in own.findings)
        return "shares_training" if shared else "contradicted"
    read = [seen for seen in training.trajectory.checkpoints if seen.status == "read"]
    return "too_few" if len(read) < FEWEST else "no_change"


def _fitting(component: ComponentEvidence, references: Mapping[str, Reference], known: Known) -> Iterator[str]:
    """Other owners' references that the component was compared with tensor by tensor, the nearest first."""
    tested = [component.reference] if component.relation in NAMED else []
    tested += [other.reference for other in component.runners_up if other.relation in (*NAMED, Relation.UNRELATED)]
    for name in tested:
        if name and owner_of(references.get(name), known) != Owner.OWN:
            yield name


def _structure(fitting: Sequence[str], references: Mapping[str, Reference], declared: Declared | None) -> Structure:
    if not fitting:
        return Structure.NOT_SHARED
    names = ReferenceNames(references.values())
    sources = declared.source.split(", ") if declared else []
    named = any(names.covers(source, reference) for source in sources if source for reference in fitting)
    return Structure.SHARED_NAMED if named else Structure.SHARED_NOT_NAMED
