"""Reading one fingerprint file, and checking that it can be the fingerprint of a model of the library."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from independence_audit.anatomy import Kind
from independence_audit.checkpoint import open_checkpoint
from independence_audit.errors import IncomparableError, MalformedError
from independence_audit.fingerprint.codec import read_fingerprint
from independence_audit.fingerprint.library.model import Entry
from independence_audit.fingerprint.model import Fingerprint
from independence_audit.fingerprint.nesting import SIZE, differing
from independence_audit.fingerprint.sampler import Sampler


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
