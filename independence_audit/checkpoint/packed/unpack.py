"""A checkpoint with its packed weights unpacked: the one way in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod

from independence_audit.checkpoint.model import Checkpoint, Notice, TensorInfo
from independence_audit.checkpoint.packed.find import Found, find_packed
from independence_audit.checkpoint.packed.model import Packed
from independence_audit.checkpoint.packed.source import ITEM, UnpackingSource

INTEGERS = frozenset({"I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "F4"})
"""Types that codes are stored in."""
SCALES = (".scales", "_scales", ".scale", "_scale", ".absmax", ".weight_scale", ".SCB")
"""How packings call what the codes are multiplied with."""


def unpacked(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with every weight that a quantiser packed as one float32 tensor, worked out as it is read.

    What it was packed of is left out. Packed tensors that contradict each other stay as they are, with a notice:
    nothing is made up.

    Raises:
        ReadError: A description of packed tensors could not be read.
    """
    found = find_packed(checkpoint.source, checkpoint.tensors, checkpoint.config)
    taken = Counter(name for one in found for name in one.consumed)
    good: list[Found] = []
    bad: list[Found] = []
    for one in found:
        hidden = one.name in checkpoint.tensors and one.name not in one.consumed
        usable = one.packed is not None and not hidden and all(taken[name] == 1 for name in one.consumed)
        (good if usable else bad).append(one)
    notices = [Notice("packed_malformed", {"tensor": one.name}) for one in bad]
    notices += _unknown(checkpoint, {name for one in found for name in one.consumed})
    if not good:
        return replace(checkpoint, notices=(*checkpoint.notices, *notices))
    placed = _place(checkpoint.files, [one.packed for one in good if one.packed])
    schemes = Counter(packed.scheme for _, packed in placed)
    notices += [Notice("unpacked", {"scheme": scheme, "tensors": count}) for scheme, count in sorted(schemes.items())]
    return replace(
        checkpoint,
        source=UnpackingSource(checkpoint.source, placed),
        tensors=_tensors(checkpoint, good, placed),
        notices=(*checkpoint.notices, *notices),
    )


def _unknown(checkpoint: Checkpoint, known: Collection[str]) -> Iterator[Notice]:
    """A notice where integers with scales beside them are packed in a way that is not known: they are not compared."""
    odd = [
        tensor
        for name, tensor in checkpoint.tensors.items()
        if name not in known and tensor.dtype in INTEGERS and len(tensor.shape) > 1 and _has_scales(name, checkpoint)
    ]
    if odd:
        total = sum(tensor.end - tensor.start for tensor in checkpoint.tensors.values())
        share = sum(tensor.end - tensor.start for tensor in odd) / total
        data: dict[str, str | int] = {"tensors": len(odd), "tensor": odd[0].name, "percent": round(100 * share)}
        yield Notice("packing_unknown", data)


def _has_scales(name: str, checkpoint: Checkpoint) -> bool:
    stem = name.rpartition(".")[0]
    return any(f"{base}{suffix}" in checkpoint.tensors for base in (name, stem) for suffix in SCALES)


def _place(files: Mapping[str, int], packed: Sequence[Packed]) -> list[tuple[TensorInfo, Packed]]:
    """Every packed weight as a float32 tensor behind the end of the file that holds its bits."""
    ends = dict(files)
    placed = []
    for one in packed:
        file = one.stored[0].file
        start = -(-ends[file] // ITEM) * ITEM
        ends[file] = start + prod(one.shape) * ITEM
        placed.append((TensorInfo(one.name, "F32", one.shape, file, start, ends[file], one.scheme), one))
    return placed


def _tensors(
    checkpoint: Checkpoint, good: Sequence[Found], placed: Sequence[tuple[TensorInfo, Packed]]
) -> dict[str, TensorInfo]:
    """All tensors in file order, the packed ones where their bits are."""
    gone = {name for one in good for name in one.consumed}
    instead = {packed.stored[0].name: tensor for tensor, packed in placed}
    kept: dict[str, TensorInfo] = {}
    for name, tensor in checkpoint.tensors.items():
        if name in instead:
            kept[instead[name].name] = instead[name]
        elif name not in gone:
            kept[name] = tensor
    return kept
