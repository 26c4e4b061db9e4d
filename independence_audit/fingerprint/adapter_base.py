"""Which model an adapter is merged with: the one named for it, or the one that it names, where that is here."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import PurePath

from independence_audit.checkpoint import Checkpoint, open_named
from independence_audit.checkpoint.merged.merge import merged
from independence_audit.checkpoint.merged.peft_settings import peft_settings
from independence_audit.checkpoint.sidecars import read_local_sidecar, read_sidecar
from independence_audit.checkpoint.submission import adapters
from independence_audit.core.outside_names import quoted
from independence_audit.errors import UnsupportedError

SNAPSHOTS = "snapshots"
"""Between a model's folder and a commit in the cache of the Hub's library."""
CACHED = "models--"


@dataclass(frozen=True, slots=True)
class Bases:
    """Where an adapter's base may be found."""

    named: str = ""
    """What was named as the base; empty for none."""
    stands_for: str | None = None
    """The name that the subject gives its base, for which the named one stands; None where it stands for any."""
    others: tuple[str, ...] = ()
    """Models that are opened anyway; the one whose name an adapter's config gives is its base."""


def with_base(name: str, adapter: Checkpoint, bases: Bases) -> Checkpoint:
    """An adapter merged with its base.

    Args:
        name: What the user called the adapter.
        adapter: The same, opened; it is closed where it cannot be merged.
        bases: Where its base may be found.

    Raises:
        UnsupportedError: Its base is not here, is no model, or the adapter is of a kind that cannot be merged.
        InputError: Its base cannot be read, or does not fit.
    """
    with ExitStack() as stack:
        stack.callback(adapter.source.close)
        config = read_sidecar(name, adapter.source, adapters.CONFIG)
        wanted = adapters.base_of(config)
        found = (bases.named if bases.stands_for in {None, "", wanted} or not wanted else "") or next(
            _candidates(wanted, name, bases), ""
        )
        if not found:
            raise no_base(adapter, wanted)
        settings = peft_settings(config)
        base = open_named(found, offline=True)
        stack.callback(base.source.close)
        if base.is_fingerprint or adapters.is_adapter(base.tensors.values()):
            kind = "a fingerprint" if base.is_fingerprint else "an adapter itself"
            raise UnsupportedError(
                f"{base.name} is {kind}, and {adapter.name} can be merged with weights only.",
                "Name the weights of its base with --base.",
            )
        if adapter.source.near and not base.source.near:
            raise UnsupportedError(
                f"{base.name} does not lie on this machine.", "Download it, and name it with --base."
            )
        whole = merged(adapter, base, settings)
        stack.pop_all()
    return whole


def bases_of(subject: str, references: Sequence[str], named: str) -> Bases:
    """Where the bases of adapters may be found: what was named for the subject's, and the references.

    Args:
        subject: What the user calls the subject.
        references: What the user calls the references.
        named: The base that was named; empty for none.

    Raises:
        InputError: The subject's config is there and could not be read.
    """
    config = read_local_sidecar(subject, adapters.CONFIG) if named else None
    return Bases(named, adapters.base_of(config) if config is not None else None, tuple(references))


def no_base(adapter: Checkpoint, wanted: str) -> UnsupportedError:
    """The error for an adapter whose base is not here."""
    named = f" of {quoted(wanted)}" if wanted else f"; {adapters.CONFIG} does not name its base"
    return UnsupportedError(
        f"{adapter.name} is an adapter{named}, not a model of its own: it holds changes to weights, not weights.",
        "Merge it into its base (merge_and_unload of peft) and name the result; or name its base by compare --base.",
    )


def _candidates(wanted: str, adapter: str, bases: Bases) -> Iterator[str]:
    """Models on this machine that are, by their names, the one that an adapter names."""
    if not wanted:
        return
    here = [other for other in bases.others if os.path.lexists(other) and not _is_same(other, adapter)]
    yield from (other for other in here if _is_same(other, wanted))
    yield from (other for other in here if _called(other) in {wanted.lower(), wanted.lower().rpartition("/")[2]})
    if os.path.lexists(wanted) and not _is_same(wanted, adapter):
        yield wanted


def _is_same(first: str, second: str) -> bool:
    """Whether two names are of one file or folder."""
    return os.path.realpath(first) == os.path.realpath(second)


def _called(path: str) -> str:
    """What a model's folder or file calls it; for the cache of the Hub's library, owner and name."""
    place = PurePath(os.path.realpath(path))
    if place.suffix == ".safetensors":
        place = place.parent if place.stem.startswith("model") else place.with_suffix("")
    if place.parent.name == SNAPSHOTS and place.parent.parent.name.startswith(CACHED):
        return place.parent.parent.name.removeprefix(CACHED).replace("--", "/", 1).lower()
    return place.name.lower()
