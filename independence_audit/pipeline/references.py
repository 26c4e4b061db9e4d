"""What a user calls references, as models: paths, names on the Hub, and names of the library, pulled if missing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from independence_audit.anatomy import Anatomy
from independence_audit.checkpoint import is_remote_name, open_named
from independence_audit.checkpoint.sources.deadline import pull_end
from independence_audit.checkpoint.tensors import State
from independence_audit.core.progress import NoProgress, Progress
from independence_audit.errors import ChangedError, InputError, MissingError, ReadError
from independence_audit.evidence.audit_report import Reference
from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint import Fingerprint, Model, WeightsAccess, read_model
from independence_audit.fingerprint.adapter_base import Bases
from independence_audit.fingerprint.cost import MB, Cost
from independence_audit.fingerprint.library import (
    Library,
    Status,
    Wanted,
    open_library,
    own_folder,
    pull,
    reference_of,
    resolve_all,
)
from independence_audit.fingerprint.library.known_models import Entry
from independence_audit.fingerprint.making import NO_BASES, open_model, reported_to
from independence_audit.pipeline.accounts import unread_of
from independence_audit.pipeline.incomplete import NOT_AVAILABLE
from independence_audit.pipeline.models import as_claimed, sayable
from independence_audit.pipeline.settings import AuditSettings
from independence_audit.work import Background

EXAMPLES = "example/"
HUB = "hf://"
"""Begins the address of a model on the Hub, whatever lies under its name in the working folder."""
FAILURES = ("notice.pull_failed", "notice.read_failed")
"""What is said of a reference that could not be had."""


@dataclass(frozen=True, slots=True)
class Known:
    """A reference that was asked for: its model where it could be had, else why not."""

    facts: Reference
    """Everything the report says of it but whether it was compared."""
    model: Model | None
    entry: Entry | None = None
    """What the library's catalogue says of it, where it is named so."""


@dataclass(frozen=True, slots=True)
class References:
    """All references of an audit, and the state of the library if one of them came from there."""

    known: tuple[Known, ...]
    library_digest: str | None

    @property
    def models(self) -> list[Model]:
        """Those that could be had."""
        return [one.model for one in self.known if one.model]

    def with_models(self, models: Sequence[Model]) -> References:
        """The same references by other models, in the order of :attr:`models`."""
        rest = iter(models)
        return replace(self, known=tuple(replace(one, model=next(rest)) if one.model else one for one in self.known))


@dataclass(frozen=True, slots=True)
class Begun:
    """A model that was read in another process, and what its files were then."""

    fingerprint: Fingerprint
    anatomy: Anatomy | None
    """None for a fingerprint."""
    states: Mapping[str, State]


def begin_reading(
    names: Sequence[str], settings: AuditSettings, bases: Bases = NO_BASES
) -> Mapping[str, Background[Begun]]:
    """Begin to read the first reference that lies on this machine, beside whatever is read meanwhile."""
    local = [name for name in names if os.path.lexists(name)]
    return {name: Background(partial(_without_source, name, settings, bases)) for name in local[:1]}


def _without_source(name: str, settings: AuditSettings, bases: Bases) -> Begun:
    """A model without its open files, which cannot be handed to another process."""
    model = read_model(name, settings.sampler, NoProgress(), offline=settings.offline, bases=bases)
    model.confirm()
    model.close()
    if model.weights is None:
        return Begun(model.fingerprint, None, {})
    return Begun(model.fingerprint, model.weights.anatomy, model.weights.checkpoint.source.states())


def _given(
    name: str, begun: Mapping[str, Background[Begun]], settings: AuditSettings, progress: Progress, bases: Bases
) -> Known:
    """A reference that is named by where it is; one elsewhere may be out of reach, which the report says.

    Raises:
        InputError: It is not there, or cannot be used.
    """
    if name in settings.absent:
        return Known(settings.absent[name], None)
    try:
        model = as_claimed(_read_given(name, begun, settings, progress, bases))
    except ReadError as error:
        if os.path.lexists(name):
            raise
        said = Message("notice.read_failed", {"model": name, "reason": error.message, "cause": error.cause})
        return Known(Reference(name, NOT_AVAILABLE, "read_failed", notices=(said,)), None)
    return Known(_facts_of(model, unread_of(name, model)), model)


def _read_given(
    name: str, begun: Mapping[str, Background[Begun]], settings: AuditSettings, progress: Progress, bases: Bases
) -> Model:
    if name not in begun:
        return read_model(name, settings.sampler, progress, offline=settings.offline, bases=bases)
    read = begun[name].result()
    if read.anatomy is None:
        return Model(read.fingerprint)
    checkpoint = open_model(name, bases=bases)
    if checkpoint.source.states() != read.states:
        checkpoint.source.close()
        raise ChangedError(
            f"{checkpoint.name} was changed while it was read.", "Audit a checkpoint that nothing writes to any more."
        )
    return Model(read.fingerprint, WeightsAccess(checkpoint, read.anatomy))


def find_references(
    names: Sequence[str],
    settings: AuditSettings,
    progress: Progress,
    begun: Mapping[str, Background[Begun]] = MappingProxyType({}),
    bases: Bases = NO_BASES,
) -> References:
    """Open every reference that was asked for; those of the library that are missing are pulled where that is allowed.

    Args:
        names: What the user calls them.
        settings: What to do.
        progress: Is told how far it has come.
        begun: What :func:`begin_reading` began.
        bases: Where the bases of adapters may be found.

    Raises:
        InputError: A path or name cannot be used, or not one reference could be had.
    """
    sampler = settings.sampler
    given = [name for name in names if _is_given(name)]
    asked = [name for name in names if not _is_given(name)]
    known = [_given(name, begun, settings, progress, bases) for name in given]
    library = open_library(own_folder(settings.library), sampler) if asked else None
    if library:
        wanted = resolve_all(library.catalogue, asked)
        known += [_from_library(library, one, settings, progress) for one in wanted]
    if not any(one.model for one in known):
        raise _none_available(known)
    return References(tuple(_told_apart(known)), library.digest() if library else None)


def _told_apart(known: Sequence[Known]) -> Iterator[Known]:
    """The references with numbers behind names that occur more than once, so that a report can tell them apart.

    A name of the library keeps to the library's model: a file that bears it is the one that gets a number.
    """
    seen = {one.facts.name: 1 for one in known if one.entry}
    for one in known:
        name = one.facts.name
        if not one.entry:
            seen[name] = seen.get(name, 0) + 1
        distinct = name if one.entry or seen[name] == 1 else f"{name} ({seen[name]})"
        model = replace(one.model, fingerprint=replace(one.model.fingerprint, name=distinct)) if one.model else None
        yield replace(one, facts=replace(one.facts, name=distinct), model=model)


def _is_given(name: str) -> bool:
    """Whether a reference is named by where it is, not by what the library calls it."""
    return os.path.lexists(name) or (is_remote_name(name) and not name.startswith(EXAMPLES)) or _looks_like_path(name)


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "~", os.sep)) or name.endswith((".safetensors", ".gguf"))


def _facts_of(model: Model, notices: tuple[Message, ...]) -> Reference:
    fingerprint, checkpoint = model.fingerprint, model.checkpoint
    return Reference(
        name=fingerprint.name,
        status="compared",
        source=checkpoint.name if checkpoint and checkpoint.revision else None,
        revision=(checkpoint.revision or None) if checkpoint else None,
        sampler=fingerprint.sampler,
        parameters=fingerprint.parameters,
        synthetic=fingerprint.synthetic,
        files=fingerprint.files,
        notices=(*fingerprint.notices, *notices),
    )


def _from_library(library: Library, wanted: Wanted, settings: AuditSettings, progress: Progress) -> Known:
    entry = wanted.entry
    if entry.name in settings.absent:
        return Known(settings.absent[entry.name], None, entry)
    try:
        if library.stored(entry).status == Status.MISSING:
            if settings.offline:
                return Known(reference_of(entry, NOT_AVAILABLE, "not_pulled"), None, entry)
            pull_into(library, entry, settings, progress)
        fingerprint = sayable(library.read(entry, wanted.kinds))
    except InputError as error:
        facts = reference_of(entry, NOT_AVAILABLE, "pull_failed")
        said = Message("notice.pull_failed", {"model": entry.name, "reason": error.message, "cause": error.cause})
        return Known(replace(facts, notices=(said,)), None, entry)
    facts = reference_of(entry, "compared", None, fingerprint)
    if facts.made_from:
        held = {component.kind for component in fingerprint.components}
        left_out = [
            Message("notice.kind_left_out", {"kind": kind}) for kind in sorted(entry.kinds & wanted.kinds - held)
        ]
        facts = replace(facts, notices=(*facts.notices, *left_out))
    return Known(facts, Model(fingerprint), entry)


def pull_into(library: Library, entry: Entry, settings: AuditSettings, progress: Progress) -> None:
    """Make a model's fingerprint from its public weights and keep it in the user's library.

    Raises:
        InputError: The weights cannot be had, or the fingerprint cannot be written.
    """
    opener = partial(open_named, offline=settings.offline, until=pull_end())
    pull(
        library,
        entry,
        lambda source: opener(f"{HUB}{source}"),
        lambda cost: reported_to(progress, _announced(entry.name, cost)),
    )


def _announced(name: str, cost: Cost) -> str:
    """The stage of a pull: what is read of which model, before it is."""
    return f"pulling {name}: {cost.read_bytes / MB:,.1f} MB in {cost.requests:,} requests"


def _none_available(known: Sequence[Known]) -> InputError:
    names = [one.facts.name for one in known]
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")  # noqa: PLR2004
    why = next((str(notice.data["reason"]) for notice in _failures(known)), "no fingerprint is at hand")
    pullable = [one.entry.name for one in known if one.entry]
    way_out = f"On a machine with a network, run: audit refs pull {' '.join(pullable[:3])}"
    return MissingError(
        f"None of the {len(names)} references asked for could be had ({shown}): {why.rstrip('.')}.",
        way_out if pullable else "Run the audit again when they can be reached.",
    )


def _failures(known: Sequence[Known]) -> Iterator[Message]:
    for one in known:
        yield from (notice for notice in one.facts.notices if notice.key in FAILURES)
