"""Changing the user's library: fingerprints are added with or without a new model, and removed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from independence_audit.core.atomic import write_whole
from independence_audit.errors import InputError, MissingError, UsageError
from independence_audit.fingerprint.fingerprint_file import write_fingerprint
from independence_audit.fingerprint.library.catalogue import (
    catalogue_text,
    check_catalogue,
    family_entries,
    family_table,
)
from independence_audit.fingerprint.library.known_models import Entry
from independence_audit.fingerprint.library.shelf import file_name, writing
from independence_audit.fingerprint.library.store import Library, check_belongs, read_file
from independence_audit.fingerprint.samples import Fingerprint

ENTRY_SUFFIX = ".model.toml"
"""After a model's name: the user's own catalogue file that has this model and no other."""


def new_entry(  # noqa: PLR0913  one argument a fact
    name: str,
    fingerprint: Fingerprint,
    *,
    hub_id: str = "",
    owner: str = "",
    country: str = "",
    licence: str = "",
    derived_from: tuple[str, ...] = (),
) -> Entry:
    """A model for a user's library, with the kinds of components that its fingerprint has.

    Raises:
        UsageError: The name or a fact is impossible.
    """
    kinds = frozenset(component.kind for component in fingerprint.components)
    entry = Entry(name, hub_id, "", owner, country, "own", kinds, derived_from, licence, (), (), synthetic=False)
    try:
        return family_entries(family_table(entry))[0]
    except ValueError as error:
        raise UsageError(f"{name!r} cannot be added to the library: {error}", "Choose other words.") from error


def add(library: Library, entry: Entry, source: Path) -> Path:
    """Copy a fingerprint into the user's library, byte for byte, and its model into the catalogue where it is new.

    Returns:
        Where it is now.

    Raises:
        MissingError: There is no such file.
        MalformedError: It is damaged, no fingerprint, or cannot be that of the model.
        UnsupportedError: It is of a newer format.
        IncomparableError: It was sampled in another way.
        InputError: It could not be read or written.
    """
    check_entries(library, [entry])
    with library.own_shelf.staging() as folder:
        staged = folder / file_name(entry.name)
        try:
            shutil.copyfile(source, staged)
        except FileNotFoundError as error:
            raise MissingError(f"There is no file {source.name!r}.", "Check the path.") from error
        except OSError as error:
            raise InputError(f"{source.name} could not be copied: {error.strerror}.") from error
        return place_staged(library, entry, staged)


def store(library: Library, entry: Entry, fingerprint: Fingerprint) -> Path:
    """Write a fingerprint that was just made into the user's library, under the model's name.

    Returns:
        Where it is now.

    Raises:
        MalformedError: It cannot be that of the model.
        IncomparableError: It was sampled in another way.
        InputError: It could not be written.
    """
    check_entries(library, [entry])
    with library.own_shelf.staging() as folder:
        staged = folder / file_name(entry.name)
        with writing(library.own):
            write_fingerprint(replace(fingerprint, name=entry.name), staged)
        return place_staged(library, entry, staged)


def place_staged(library: Library, entry: Entry, staged: Path) -> Path:
    """Check a staged file, move it to its place, and write down its model where the catalogue does not have it.

    Raises:
        InputError: It is not what it should be, or could not be written.
    """
    check_belongs(entry, read_file(staged), library.sampler)
    if entry not in library.catalogue.entries:
        content = catalogue_text(family_table(entry)).encode()
        with writing(library.own):
            write_whole(_entry_file(library, entry), content)
    return library.own_shelf.put(entry.name, staged)


def check_entries(library: Library, entries: list[Entry]) -> None:
    """Check that models are those of the catalogue, or could be added to it.

    Raises:
        MalformedError: A name means something else already, or an ancestor is not known.
        UsageError: One of them claims to be an example.
    """
    new = [entry for entry in entries if entry not in library.catalogue.entries]
    for entry in new:
        if entry.synthetic:
            raise UsageError(f"{entry.name} is an example; the program brings its own.", "Choose another name.")
    check_catalogue(replace(library.catalogue, entries=(*library.catalogue.entries, *new)))


def remove(library: Library, entry: Entry) -> None:
    """Remove a model's fingerprint from the user's library, and the model where the user added it.

    Raises:
        UsageError: It came with the program, or another model derives from it.
        MissingError: The user's library does not have it.
        InputError: It could not be removed.
    """
    own_facts = _entry_file(library, entry)
    if not (library.own_shelf.holds(entry.name) or own_facts.is_file()):
        if library.shipped_shelf.holds(entry.name):
            raise UsageError(f"{entry.name} comes with the program and cannot be removed.", "Leave it out of --ref.")
        raise MissingError(
            f"The user's library has no fingerprint of {entry.name}.", "`audit refs list` shows what it has."
        )
    heirs = [other.name for other in library.catalogue.entries if entry.name in other.derived_from]
    if own_facts.is_file() and heirs:
        raise UsageError(
            f"{heirs[0]} derives from {entry.name} and would lose its ancestor.", f"Remove {heirs[0]} first."
        )
    library.own_shelf.drop(entry.name)
    with writing(library.own):
        own_facts.unlink(missing_ok=True)


def _entry_file(library: Library, entry: Entry) -> Path:
    return library.own / f"{entry.name.replace('/', '__')}{ENTRY_SUFFIX}"
