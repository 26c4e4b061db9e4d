"""The library: its catalogue, and the fingerprints that are at hand, the user's own before those that were shipped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from independence_audit.anatomy import Kind
from independence_audit.checkpoint import open_checkpoint
from independence_audit.core.bounded import read_bounded
from independence_audit.errors import IncomparableError, MalformedError, MissingError, ReadError
from independence_audit.fingerprint.fingerprint_file import read_fingerprint
from independence_audit.fingerprint.library.catalogue import read_catalogue
from independence_audit.fingerprint.library.known_models import EVERY_KIND, Catalogue, Entry
from independence_audit.fingerprint.library.shelf import Shelf, file_digest, file_name, shipped_folder
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.samples import SIZE, Fingerprint, differing

CATALOGUE = "catalogue.toml"
LARGEST_CATALOGUE = 4_000_000
"""Bytes; the shipped one has some hundred thousand."""


class Status(StrEnum):
    """Where a model's fingerprint is."""

    SHIPPED = "shipped"
    """It came with the program."""
    PULLED = "pulled"
    """It was put into the user's library: pulled, added or imported."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class StoredFingerprint:
    """A model of the library and the fingerprint that there is of it."""

    entry: Entry
    status: Status
    size: int
    """Bytes; 0 where it is missing."""
    sha256: str
    """As recorded when it was put there; empty where it is missing."""


@dataclass(frozen=True, slots=True)
class Library:
    """A catalogue, two shelves of fingerprints, and the one sampler whose fingerprints it takes."""

    catalogue: Catalogue
    own: Path
    """The user's folder; it need not exist."""
    shipped: Path
    sampler: Sampler

    @property
    def own_shelf(self) -> Shelf:
        """The user's fingerprints; those of another sampler than the program's own have a folder of their own."""
        if self.sampler == Sampler():
            return Shelf(self.own)
        return Shelf(self.own / f"sampler-{hashlib.sha256(self.sampler.name.encode()).hexdigest()[:16]}")

    @property
    def shipped_shelf(self) -> Shelf:
        """The fingerprints that came with the program; they were made with its own sampler."""
        return Shelf(self.shipped)

    def stored(self, entry: Entry) -> StoredFingerprint:
        """What there is of one model."""
        shelf = self._shelf_of(entry)
        if shelf is None:
            return StoredFingerprint(entry, Status.MISSING, 0, "")
        status = Status.PULLED if shelf == self.own_shelf else Status.SHIPPED
        try:
            return StoredFingerprint(entry, status, shelf.path(entry.name).stat().st_size, shelf.digest(entry.name))
        except (FileNotFoundError, ReadError):
            if shelf.holds(entry.name):
                raise
            return StoredFingerprint(
                entry, Status.MISSING, 0, ""
            )  # another process is putting a new one there, or removed it

    def everything(self) -> list[StoredFingerprint]:
        """What there is of every model, in the catalogue's order."""
        return [self.stored(entry) for entry in self.catalogue.entries]

    def path(self, entry: Entry) -> Path:
        """The file of a model's fingerprint.

        Raises:
            MissingError: It is not at hand.
        """
        shelf = self._shelf_of(entry)
        if shelf is None:
            raise MissingError(
                f"There is no fingerprint of {entry.name} in the library.",
                f"`audit refs pull {entry.name}` fetches it, `audit refs import` takes it from a bundle.",
            )
        return shelf.path(entry.name)

    def read(self, entry: Entry, kinds: frozenset[Kind] = EVERY_KIND) -> Fingerprint:
        """A model's fingerprint under its name in the library, with the components of some kinds.

        Raises:
            MissingError: It is not at hand.
            MalformedError: Its file is damaged, or belongs to another model.
            UnsupportedError: It is of a newer format.
            IncomparableError: It was sampled in another way.
            ReadError: It could not be read.
        """
        path = self.path(entry)
        if file_digest(path) != self.stored(entry).sha256:
            raise MalformedError(
                f"The fingerprint {path.name} is damaged: it is not the file whose digest was recorded.", _anew(entry)
            )
        try:
            fingerprint = read_file(path)
        except MalformedError as error:
            raise MalformedError(error.message, _anew(entry)) from error
        check_belongs(entry, fingerprint, self.sampler)
        return _of_kinds(replace(fingerprint, name=entry.name), kinds)

    def strays(self) -> list[str]:
        """Files among the user's fingerprints that are of no model of the catalogue, or lack their digest."""
        folder = self.own_shelf.folder
        known = {file_name(entry.name) for entry in self.catalogue.entries if self.own_shelf.holds(entry.name)}
        found = folder.glob("*.safetensors") if folder.is_dir() else []
        return sorted(path.name for path in found if path.name not in known)

    def digest(self) -> str:
        """The SHA-256 over the catalogue's files and the digests of all fingerprints at hand, in hexadecimal."""
        total = hashlib.sha256()
        for content in self.catalogue.content:
            total.update(hashlib.sha256(content).digest())
        for stored in self.everything():
            if stored.status != Status.MISSING:
                total.update(f"{stored.entry.name}\0{stored.sha256}\n".encode())
        return total.hexdigest()

    def _shelf_of(self, entry: Entry) -> Shelf | None:
        shelves = [self.own_shelf, *([self.shipped_shelf] if self.sampler == Sampler() else [])]
        return next((shelf for shelf in shelves if shelf.holds(entry.name)), None)


def open_library(own: Path, sampler: Sampler | None = None, shipped: Path | None = None) -> Library:
    """The library as it is on this machine.

    Args:
        own: The user's folder; every ``.toml`` file in it extends the catalogue.
        sampler: Whose fingerprints are wanted; the program's own, with the public salt, unless told otherwise.
        shipped: What came with the program, where it is not in its usual place.

    Raises:
        MissingError: The shipped catalogue is not there.
        MalformedError: A catalogue contradicts itself or another.
        UnsupportedError: A catalogue is of a newer format.
        ReadError: A catalogue could not be read.
    """
    shipped = shipped or shipped_folder()
    if not (shipped / CATALOGUE).is_file():
        raise MissingError("The program's own catalogue of models is missing.", "Install independence-audit again.")
    files = {CATALOGUE: _content(shipped / CATALOGUE)}
    files |= {f"{own.name}/{path.name}": _content(path) for path in sorted(own.glob("*.toml"))}
    return Library(read_catalogue(files), own, shipped, sampler or Sampler())


def _content(path: Path) -> bytes:
    try:
        return read_bounded(path, LARGEST_CATALOGUE)
    except OSError as error:
        raise ReadError(f"The catalogue {path.name} could not be read: {error.strerror}.") from error


def _of_kinds(fingerprint: Fingerprint, kinds: frozenset[Kind]) -> Fingerprint:
    """A fingerprint without the components of other kinds."""
    components = tuple(component for component in fingerprint.components if component.kind in kinds)
    names = {component.name for component in components}
    samples = tuple(sample for sample in fingerprint.samples if sample.component in names)
    return replace(fingerprint, components=components, samples=samples)


def _anew(entry: Entry) -> str:
    if entry.hub_id:
        return f"`audit refs pull {entry.name}` makes it anew."
    return f"`audit refs remove {entry.name}`, then add it again; what was shipped comes back with a new installation."


def read_file(path: Path) -> Fingerprint:
    """The fingerprint in a file.

    Raises:
        MissingError: There is no such file.
        MalformedError: It is damaged, or no fingerprint.
        UnsupportedError: It is of a newer format.
        ReadError: It could not be read.
    """
    checkpoint = open_checkpoint(path)
    try:
        if not checkpoint.is_fingerprint:
            raise MalformedError(
                f"{checkpoint.name} is not a fingerprint.", "`audit fingerprint` makes one from a checkpoint."
            )
        return read_fingerprint(checkpoint)
    finally:
        checkpoint.source.close()


def check_belongs(entry: Entry, fingerprint: Fingerprint, sampler: Sampler) -> None:
    """Check that a fingerprint can be that of a model, and can be compared with those of this library.

    One of another size can: what both hold is compared.

    Raises:
        MalformedError: It is that of a made-up example, or has none of the model's kinds of components.
        IncomparableError: It was sampled in another way.
    """
    if fingerprint.synthetic != entry.synthetic:
        which = "of a made-up example" if fingerprint.synthetic else "not of a made-up example"
        raise MalformedError(
            f"The fingerprint {fingerprint.name} is {which}; it cannot be that of {entry.name}.", "Check its origin."
        )
    kinds = {component.kind for component in fingerprint.components}
    if not kinds & entry.kinds:
        raise MalformedError(
            f"The fingerprint {fingerprint.name} has {_words(kinds)}, but {entry.name} has {_words(entry.kinds)}.",
            "Check that it is a fingerprint of that model.",
        )
    if not differing(fingerprint.sampler, sampler.name).keys() <= SIZE:
        raise IncomparableError(
            f"The fingerprint {fingerprint.name} was sampled with {fingerprint.sampler}, not with {sampler.name}.",
            f"`audit refs pull {entry.name}` makes one with this sampler and salt.",
        )


def _words(kinds: Iterable[Kind]) -> str:
    return "/".join(sorted(kinds)) or "no components"
