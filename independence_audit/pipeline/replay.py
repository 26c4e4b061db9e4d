"""A declared draw as part of a trajectory: compared with step 0 bit for bit, or put before the first checkpoint."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from independence_audit.checkpoint import open_checkpoint, open_named
from independence_audit.errors import InputError
from independence_audit.evidence.training import ReplayEvidence
from independence_audit.training.replay import Declared, Drawn, check_declared, compare_bits, draw
from independence_audit.training.trajectory.ordering import Ordered

Named = tuple[str, Ordered]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The checkpoints of a trajectory, with the draw before them where there was no step 0."""

    checkpoints: Sequence[Named]
    evidence: ReplayEvidence | None


@contextmanager
def replayed(declared: Declared | None, named: Sequence[Named], *, offline: bool) -> Iterator[Replayed]:
    """Draw what was declared, for as long as the trajectory is followed.

    Raises:
        UsageError: The declaration cannot be used.
        InputError: Drawing failed.
    """
    if declared is None:
        yield Replayed(named, None)
        return
    check_declared(declared)
    with tempfile.TemporaryDirectory(prefix="audit-replay-") as scratch:
        drawn = draw(declared, Path(scratch))
        name, first = named[0]
        if first.step in {0, None} or first.guessed:
            evidence = _against(declared, drawn, name, first, offline=offline)
            sure = first.step == 0 and not first.guessed  # a guess counts where the bits bear it out
            if evidence is not None and (sure or evidence.drawn > len(evidence.different)):
                yield Replayed(named, evidence)
                return
        evidence = ReplayEvidence(drawn.generator, declared.seed, drawn.versions, "", 0, 0)
        yield Replayed([(declared.name, Ordered(str(drawn.folder), 0)), *named], evidence)


def _against(declared: Declared, drawn: Drawn, name: str, first: Ordered, *, offline: bool) -> ReplayEvidence | None:
    """The comparison with step 0; None where step 0 is a fingerprint or cannot be read, and has no bits to compare."""
    try:
        given = open_named(first.name, offline=offline)
    except InputError:
        return None
    generated = open_checkpoint(drawn.folder)
    try:
        return None if given.is_fingerprint else compare_bits(declared, drawn, generated, given, name)
    finally:
        given.source.close()
        generated.source.close()
