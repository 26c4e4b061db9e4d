"""Bundles: fingerprints in one plain tar file with their digests, for machines that reach no network.

The first member is ``manifest.json``: the format, the sampler, and for every model its facts, its file, size and
SHA-256. The others are these files, in this order, and nothing else. The same fingerprints give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from independence_audit.anatomy.tables import Table
from independence_audit.core.atomic import replacing
from independence_audit.core.bounded import open_regular
from independence_audit.core.strict_json import JsonError, parse_object
from independence_audit.errors import IncomparableError, InputError, MalformedError, MissingError, UnsupportedError
from independence_audit.fingerprint.library.catalogue import ancestors_first, family_entries, family_table
from independence_audit.fingerprint.library.change import check_entries, place_staged
from independence_audit.fingerprint.library.known_models import Entry
from independence_audit.fingerprint.library.shelf import file_digest, file_name
from independence_audit.fingerprint.library.store import Library, Status, check_belongs, read_file

FORMAT = 1
MANIFEST = "manifest.json"

_MANIFEST_LIMIT = 16 << 20
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle that was written."""

    sha256: str
    """Of the whole file: what to compare before importing it elsewhere."""
    names: tuple[str, ...]
    missing: tuple[str, ...]
    """Models that were asked for and whose fingerprints are not at hand."""


@dataclass(frozen=True, slots=True)
class _Packed:
    """One model in a manifest."""

    entry: Entry
    size: int
    sha256: str


def export_bundle(library: Library, entries: Sequence[Entry], target: Path) -> Exported:
    """Write the fingerprints of some models into one file, whole or not at all.

    Raises:
        MissingError: None of them is at hand.
        MalformedError: One of them is damaged.
        InputError: One could not be read, or the bundle could not be written.
    """
    stored = [library.stored(entry) for entry in sorted(entries, key=lambda entry: entry.name)]
    there = [one for one in stored if one.status != Status.MISSING]
    if not there:
        raise MissingError(
            "The library has no fingerprint of any of these models.", "Pull them first: `audit refs pull`."
        )
    for one in there:
        library.read(one.entry)
    models = [
        {
            "name": one.entry.name,
            "file": file_name(one.entry.name),
            "size": one.size,
            "sha256": one.sha256,
            "family": family_table(one.entry),
        }
        for one in there
    ]
    manifest = {"format": FORMAT, "sampler": library.sampler.name, "models": models}
    try:
        with replacing(target) as unfinished, tarfile.open(None, "w", unfinished, format=tarfile.GNU_FORMAT) as tar:
            content = json.dumps(manifest, indent=1, sort_keys=True).encode()
            tar.addfile(_member(MANIFEST, len(content)), io.BytesIO(content))
            for one in there:
                with library.path(one.entry).open("rb") as file:
                    tar.addfile(_member(file_name(one.entry.name), one.size), file)
    except OSError as error:
        reason = error.strerror or "a fingerprint changed while it was read"
        raise InputError(f"{target.name} could not be written: {reason}.", "Name another place.") from error
    missing = tuple(one.entry.name for one in stored if one.status == Status.MISSING)
    return Exported(file_digest(target), tuple(one.entry.name for one in there), missing)


def import_bundle(library: Library, source: Path) -> tuple[str, ...]:
    """Put the fingerprints of a bundle into the user's library; nothing is kept unless all of it is sound.

    Returns:
        The models' names.

    Raises:
        MissingError: There is no such file.
        MalformedError: It is no bundle, was damaged or tampered with, or contradicts the catalogue.
        UnsupportedError: It is of a newer format.
        IncomparableError: Its fingerprints were sampled in another way.
        InputError: It could not be read, or the library could not be written to.
    """
    try:
        with open_regular(source) as file:
            packed = _manifest(library, _first(file))
            check_entries(library, [one.entry for one in packed])
            with library.own_shelf.staging() as folder:
                for one in packed:
                    _unpack(file, one, folder)
                _expect_end(file)
                for one in packed:
                    check_belongs(one.entry, read_file(folder / file_name(one.entry.name)), library.sampler)
                for entry in ancestors_first([one.entry for one in packed]):
                    place_staged(library, entry, folder / file_name(entry.name))
    except FileNotFoundError as error:
        raise MissingError(f"There is no file {source.name!r}.", "Check the path.") from error
    except OSError as error:
        raise InputError(f"{source.name} could not be read: {error.strerror}.") from error
    return tuple(one.entry.name for one in packed)


def _member(name: str, size: int) -> tarfile.TarInfo:
    """A regular file of nobody, made at no time."""
    member = tarfile.TarInfo(name)
    member.size = size
    return member


def _manifest(library: Library, content: bytes) -> list[_Packed]:
    """What a bundle says it holds.

    Raises:
        MalformedError: The manifest contradicts itself or the catalogue.
        UnsupportedError: It is of a newer format.
        IncomparableError: The fingerprints were sampled in another way.
    """
    try:
        table = Table("The manifest", parse_object(content))
        version = table.take("format", int)
        if version != FORMAT:
            raise UnsupportedError(
                f"The bundle has the format {version}, known is {FORMAT}.", "Update independence-audit."
            )
        sampler, models = table.take("sampler", str), table.take("models", list)
        table.close()
        packed = [_packed(library, model) for model in models]
    except JsonError as error:
        raise _malformed(f"its manifest {error}") from error
    except (ValueError, TypeError) as error:
        raise _malformed(f"its manifest cannot be used: {error}") from error
    if sampler != library.sampler.name:
        raise IncomparableError(
            f"The bundle's fingerprints were sampled with {sampler}, not with {library.sampler.name}.",
            "Export it anew with this sampler and salt.",
        )
    if len({one.entry.name for one in packed}) != len(packed):
        raise _malformed("its manifest names a model twice")
    return packed


def _packed(library: Library, model: Mapping[str, Any]) -> _Packed:
    table = Table("A model of the manifest", model)
    name, file, sha256 = (table.take(key, str) for key in ("name", "file", "sha256"))
    size, family = table.take("size", int), table.take("family", dict)
    table.close()
    entries = family_entries(family)
    if [entry.name for entry in entries] != [name] or file != file_name(name) or size < 0:
        raise ValueError(f"the facts, the file or the size of {name!r} cannot be right.")
    known = {entry.name: entry for entry in library.catalogue.entries}
    entry = known.get(name, entries[0])
    if entry.hub_id != entries[0].hub_id:
        raise ValueError(f"{name!r} is {entries[0].hub_id!r} there and {entry.hub_id!r} here.")
    return _Packed(entry, size, sha256)


def _first(file: BinaryIO) -> bytes:
    """The manifest's bytes."""
    size = _header(file, MANIFEST)
    if not 0 <= size <= _MANIFEST_LIMIT:
        raise _malformed("its manifest is too large")
    content = file.read(size)
    file.read(-size % tarfile.BLOCKSIZE)
    return content


def _unpack(file: BinaryIO, packed: _Packed, folder: Path) -> None:
    """Copy one member into the staging folder, under a name of our own, and check it.

    Raises:
        MalformedError: It is not the file that the manifest promises.
    """
    name = file_name(packed.entry.name)
    if _header(file, name) != packed.size:
        raise _malformed(f"{name} has another size than its manifest says")
    digest = hashlib.sha256()
    with (folder / name).open("wb") as target:
        for start in range(0, packed.size, _PIECE):
            piece = file.read(min(_PIECE, packed.size - start))
            if not piece:
                raise _malformed(f"it ends in the middle of {name}")
            digest.update(piece)
            target.write(piece)
    file.read(-packed.size % tarfile.BLOCKSIZE)
    if digest.hexdigest() != packed.sha256:
        raise _malformed(f"{name} is not the file whose digest its manifest has")


def _header(file: BinaryIO, name: str) -> int:
    """The size of the next member, which must be a regular file of that name: no link, no path, no extension."""
    try:
        member = tarfile.TarInfo.frombuf(file.read(tarfile.BLOCKSIZE), "utf-8", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        raise _malformed(f"where {name} should begin there is no file") from error
    if member.type != tarfile.REGTYPE or member.name != name:
        raise _malformed(f"it has {member.name!r} where only the file {name} may be")
    return member.size


def _expect_end(file: BinaryIO) -> None:
    while rest := file.read(_PIECE):
        if rest.strip(b"\0"):
            raise _malformed("it has more in it than its manifest says")


def _malformed(why: str) -> MalformedError:
    return MalformedError(f"The bundle was damaged or is none: {why.rstrip('.')}.", "Export and copy it again.")
