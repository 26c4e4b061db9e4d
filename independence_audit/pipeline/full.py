"""Full mode: the nearest comparisons again, with every value of both models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from independence_audit.anatomy import Anatomy, Part
from independence_audit.checkpoint import Checkpoint, LocalSource
from independence_audit.errors import UsageError
from independence_audit.fingerprint.model import Fingerprint
from independence_audit.fingerprint.pools import pool_parts
from independence_audit.lineage.compare import ComponentMeasured
from independence_audit.lineage.exact import Matched, measure_exactly, pair_parts
from independence_audit.lineage.measure import Measured
from independence_audit.lineage.sums import Sums
from independence_audit.pipeline.models import Model
from independence_audit.pipeline.settings import Progress


def measure_every_value(
    mine: Model, known: Sequence[Model], nearest: Sequence[ComponentMeasured], progress: Progress
) -> Mapping[int, ComponentMeasured]:
    """Comparisons with exact figures, by the identity of the sampled ones.

    Raises:
        UsageError: The subject or a reference is a fingerprint, whose every value is not at hand.
        ReadError: Bytes could not be read.
    """
    checkpoint, anatomy = _weights(mine)
    own = _parts_by_sample(mine.fingerprint, anatomy)
    exact: dict[int, ComponentMeasured] = {}
    for model in known:
        there, their_anatomy = _weights(model)
        theirs = _parts_by_sample(model.fingerprint, their_anatomy)
        ours = [one for one in nearest if one.reference == model.fingerprint.name]
        told = [
            measured for one in ours for measured in one.measured if not (measured.incomparable or measured.rearranged)
        ]
        pairs = [Matched(pair_parts(own[id(each.subject)], theirs[id(each.reference)]), each.rounding) for each in told]
        stage = f"comparing every value with {model.fingerprint.name}"
        sums = measure_exactly(pairs, checkpoint, there, partial(progress.step, stage), _processes(checkpoint, there))
        exactly = {id(each): one for each, one in zip(told, sums, strict=True)}
        for one in ours:
            exact[id(one)] = one.with_measured(tuple(_refined(each, exactly.get(id(each))) for each in one.measured))
    return exact


def _processes(*checkpoints: Checkpoint) -> int:
    """Two, where every byte lies on this machine; a connection cannot be shared between processes."""
    return 2 if all(isinstance(checkpoint.source, LocalSource) for checkpoint in checkpoints) else 1


def _weights(model: Model) -> tuple[Checkpoint, Anatomy]:
    if model.checkpoint is None or model.anatomy is None:
        raise UsageError(
            f"{model.fingerprint.name} is a fingerprint: every value can only be compared where the weights are.",
            "Leave out --full, or name the checkpoint instead of its fingerprint.",
        )
    return model.checkpoint, model.anatomy


def _parts_by_sample(fingerprint: Fingerprint, anatomy: Anatomy) -> Mapping[int, list[Part]]:
    return {id(sample): parts for sample, parts in zip(fingerprint.samples, pool_parts(anatomy).values(), strict=True)}


def _refined(measured: Measured, sums: Sums | None) -> Measured:
    """The pair with exact figures; rounding is what explains it only where it explains every value."""
    if sums is None or not sums.count:
        return measured
    rounded = sums.equal < sums.count and not sums.unexplained
    return replace(measured, numbers=sums.numbers(), rounding=measured.rounding if rounded else None)
