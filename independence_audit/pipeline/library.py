"""The library as commands use it: listing, pulling, adding, verifying, bundles for machines without network."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from independence_audit.checkpoint import open_checkpoint
from independence_audit.core.progress import Progress
from independence_audit.errors import InputError, UsageError
from independence_audit.fingerprint import Fingerprint, read_fingerprint
from independence_audit.fingerprint.library import (
    Exported,
    Library,
    StoredFingerprint,
    add,
    export_bundle,
    import_bundle,
    new_entry,
    open_library,
    own_folder,
    read_file,
    remove,
    resolve_all,
)
from independence_audit.pipeline.references import pull_into
from independence_audit.pipeline.settings import AuditSettings
from independence_audit.pipeline.verification import Verification, refuse_repackaged, verify_fingerprint


def library_at(folder: str = "") -> Library:
    """The library of this machine, or the one in a folder."""
    return open_library(own_folder(folder))


def stored(library: Library, names: Sequence[str]) -> list[StoredFingerprint]:
    """What there is of the models that names mean; of all where there are none.

    Raises:
        MissingError: Nothing is called so.
    """
    if not names:
        return library.everything()
    return [library.stored(wanted.entry) for wanted in resolve_all(library.catalogue, names)]


def pull_all(
    library: Library, names: Sequence[str], settings: AuditSettings, progress: Progress
) -> Iterator[tuple[str, InputError | None]]:
    """Make the fingerprints of models from their public weights, one after the other.

    Yields:
        The name of each model as it is done, with the error that stopped it; the others go on.

    Raises:
        MissingError: Nothing is called so.
    """
    for wanted in resolve_all(library.catalogue, names):
        try:
            pull_into(library, wanted.entry, settings, progress)
        except InputError as error:
            yield wanted.entry.name, error
        else:
            yield wanted.entry.name, None


def add_file(library: Library, name: str, source: Path, facts: dict[str, str], ancestors: Sequence[str]) -> Path:
    """Put a fingerprint into the user's library, as a new model or as that of one it knows.

    Raises:
        UsageError: Facts are given of a model that the library knows already.
        InputError: The file is no fingerprint, or cannot be that of the model.
    """
    known = [entry for entry in library.catalogue.entries if entry.name == name]
    if known and (ancestors or any(facts.values())):
        raise UsageError(f"The library knows {name!r} and its facts already.", "Leave them out, or choose a new name.")
    entry = known[0] if known else new_entry(name, read_file(source), derived_from=tuple(ancestors), **facts)
    return add(library, entry, source)


def remove_all(library: Library, names: Sequence[str]) -> list[str]:
    """Take models out of the user's library.

    Raises:
        InputError: Nothing is called so, or it is none of the user's own.
    """
    entries = [wanted.entry for wanted in resolve_all(library.catalogue, names)]
    for entry in entries:
        remove(library, entry)
    return [entry.name for entry in entries]


def export_all(library: Library, names: Sequence[str], target: Path) -> Exported:
    """Write the fingerprints of models into one bundle.

    Raises:
        InputError: Nothing is called so, or none is at hand.
    """
    return export_bundle(library, [wanted.entry for wanted in resolve_all(library.catalogue, names)], target)


def import_file(library: Library, source: Path) -> tuple[str, ...]:
    """Take the fingerprints of a bundle into the user's library.

    Raises:
        InputError: The bundle is damaged or was changed.
    """
    return import_bundle(library, source)


def verify(library: Library, name: str, source: str, *, offline: bool, progress: Progress) -> Verification:
    """Read a fingerprint's values again where its weights are, and compare.

    Args:
        library: Where names are looked up.
        name: A model of the library, or a fingerprint's file.
        source: The weights: a path or a name on the Hub; empty for the model's own repository.
        offline: Touch no network.
        progress: Is told how far it has come.

    Raises:
        MissingError: It is not known where the weights are.
        IncomparableError: The fingerprint was made with a sampler that cannot be repeated.
        InputError: The fingerprint or the weights cannot be read.
    """
    fingerprint, place_of_weights = _fingerprint_and_source(library, name, named=bool(source))
    return verify_fingerprint(fingerprint, name, source or place_of_weights, None, offline=offline, progress=progress)


def _fingerprint_and_source(library: Library, name: str, *, named: bool) -> tuple[Fingerprint, str]:
    """A fingerprint and the repository of its weights, which need not fit where other weights are named."""
    if os.path.lexists(name):
        checkpoint = open_checkpoint(name)
        try:
            return read_fingerprint(checkpoint), ""
        finally:
            checkpoint.source.close()
    entry = resolve_all(library.catalogue, [name])[0].entry
    fingerprint = library.read(entry)
    if not named:
        refuse_repackaged(entry, fingerprint)
    return fingerprint, entry.source
