"""From a name to a model: opened, fingerprinted, and refused where it is no model; and to a fingerprint's file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from independence_audit.anatomy import Anatomy, Axis, place
from independence_audit.checkpoint import Checkpoint, open_named, read_vocabulary
from independence_audit.checkpoint.submission import adapters
from independence_audit.checkpoint.tensors import Notice
from independence_audit.core.progress import Progress
from independence_audit.errors import InputError, MalformedError, UsageError
from independence_audit.fingerprint.adapter_base import Bases, with_base
from independence_audit.fingerprint.build import Placing, fingerprint_of
from independence_audit.fingerprint.cost import Cost, cost_of, plan_within
from independence_audit.fingerprint.fingerprint_file import read_fingerprint, write_fingerprint
from independence_audit.fingerprint.library import refuse_incomplete
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.samples import Fingerprint
from independence_audit.fingerprint.units.unit_reading import read_units
from independence_audit.fingerprint.weights import Model, WeightsAccess

NO_BASES = Bases()


def read_model(  # noqa: PLR0913  how a checkpoint is read
    name: str,
    sampler: Sampler,
    progress: Progress,
    *,
    offline: bool = False,
    everything: bool = False,
    placing: Placing = place,
    bases: Bases = NO_BASES,
) -> Model:
    """Open a checkpoint and fingerprint it, or read the fingerprint that is there.

    Args:
        name: A path, a name on the Hub, or an address of an object store.
        sampler: What is read of it.
        progress: Is told how far the reading has come.
        offline: Touch no network.
        everything: Read all bytes, for digests and sketches beside the sample.
        placing: Gives its tensors their places.
        bases: Where the base of an adapter may be found.

    Raises:
        InputError: It cannot be read, or is no model.
        UnsupportedError: It is an adapter whose base is not here.
    """
    checkpoint = open_model(name, offline=offline, bases=bases)
    if checkpoint.is_fingerprint:
        try:
            fingerprint = read_fingerprint(checkpoint)
            checkpoint.source.confirm()
        finally:
            checkpoint.source.close()
        return Model(fingerprint)
    anatomy, fingerprint = fingerprint_of(
        checkpoint, sampler, reported_to(progress, f"reading {checkpoint.name}"), everything=everything, placing=placing
    )
    _refuse_broken(fingerprint)
    return Model(fingerprint, WeightsAccess(checkpoint, anatomy))


def open_model(name: str, *, offline: bool = False, bases: Bases = NO_BASES) -> Checkpoint:
    """Open a checkpoint; an adapter comes merged with its base, and one that lies among weights is told.

    Args:
        name: A path, a name on the Hub, or an address of an object store.
        offline: Touch no network.
        bases: Where the base of an adapter may be found.

    Raises:
        InputError: It cannot be read.
        UnsupportedError: It is an adapter whose base is not here.
    """
    checkpoint = open_named(name, offline=offline)
    if checkpoint.is_fingerprint:
        return checkpoint
    if adapters.is_adapter(checkpoint.tensors.values()):
        return with_base(name, checkpoint, bases)
    changes = [tensor.name for tensor in checkpoint.tensors.values() if adapters.is_change(tensor.name)]
    if not changes:
        return checkpoint
    told = Notice("adapter_inside", {"tensors": len(changes), "tensor": changes[0]})
    return replace(checkpoint, notices=(*checkpoint.notices, told))


def reported_to(progress: Progress, stage: str) -> Callable[[str, int, int], None]:
    """What to tell of every tensor that is read, so that a stage of the progress shows it."""
    return lambda _, done, total: progress.step(stage, done, total)


def _refuse_broken(fingerprint: Fingerprint) -> None:
    """Refuse weights without a single number among them: nobody trained or used such a model.

    Raises:
        MalformedError: A tensor that is evidence is NaN throughout.
    """
    for sample in fingerprint.samples:
        values = sample.values()
        if sample.axis != Axis.NONE and values.size and np.isnan(values).all():
            raise MalformedError(
                f"Every value read of the tensor {sample.name!r} in {fingerprint.name} is NaN: the weights are broken.",
                "Export the checkpoint again and check it with a forward pass.",
            )


def look_at(name: str, *, offline: bool = False) -> tuple[Checkpoint, Anatomy]:
    """A checkpoint and its anatomy; no weights are read.

    Raises:
        InputError: It cannot be read, or is no model.
    """
    checkpoint = open_named(name, offline=offline)
    checkpoint.source.close()
    return checkpoint, place(list(checkpoint.tensors.values()), checkpoint.config)


def save_fingerprint(  # noqa: PLR0913  one parameter a setting
    name: str,
    target: Path,
    sampler: Sampler,
    progress: Progress,
    *,
    everything: bool = False,
    search_layers: int | None = None,
) -> None:
    """Fingerprint a checkpoint and write it to a file.

    Args:
        name: The checkpoint.
        target: The file.
        sampler: What is read of it.
        progress: Is told how far the reading has come.
        everything: Read all bytes, for digests and sketches beside the sample.
        search_layers: Layers of a component whose units are all kept; None for as many as is usual.

    Raises:
        UsageError: Everything is to be read of what is a fingerprint already.
        InputError: The checkpoint cannot be read, or the file cannot be written.
    """
    model = read_model(name, sampler, progress, everything=everything)
    try:
        if everything and model.weights is None:
            raise UsageError(f"{model.fingerprint.name} is a fingerprint already.", "Name the weights for --full.")
        refuse_incomplete(model.fingerprint)
        write_fingerprint(_with_units(model, sampler, search_layers), target)
    except OSError as error:
        message = f"{target} could not be written: {error.strerror}."
        raise InputError(message, "Free space or name another path.") from error
    finally:
        model.close()


def _with_units(model: Model, sampler: Sampler, search_layers: int | None) -> Fingerprint:
    """The fingerprint with the units of its layers, where the weights are at hand."""
    if model.weights is None:
        return model.fingerprint
    checkpoint, anatomy = model.weights.checkpoint, model.weights.anatomy
    plan = plan_within(checkpoint, anatomy, sampler, search_layers)
    return replace(model.fingerprint, units=read_units(checkpoint, anatomy, plan))


def cost(name: str, sampler: Sampler, *, everything: bool, search_layers: int | None = None) -> Cost:
    """What fingerprinting a checkpoint would take; only headers are read, and the vocabulary where it is at hand.

    Raises:
        UsageError: It is a fingerprint already.
        InputError: It cannot be read, or is no model.
    """
    checkpoint = open_named(name)
    try:
        vocabulary = read_vocabulary(checkpoint) if checkpoint.source.near else None
    finally:
        checkpoint.source.close()
    if checkpoint.is_fingerprint:
        raise UsageError(f"{checkpoint.name} is a fingerprint already.", "Name the weights.")
    anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
    plan = plan_within(checkpoint, anatomy, sampler, search_layers)
    return cost_of(checkpoint, anatomy, sampler, everything=everything, units=plan, vocabulary=vocabulary)
