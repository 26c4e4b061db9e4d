"""The fingerprint: what remains of a checkpoint after it has been read once; comparing needs nothing else.

Of samples of different sizes the larger is cut to the columns of the smaller, which lie among its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Axis, Component
from independence_audit.checkpoint import decode
from independence_audit.evidence.audit_report import FileEvidence
from independence_audit.evidence.measurement import Message
from independence_audit.fingerprint.units.unit_layers import ComponentUnits
from independence_audit.fingerprint.whole_tensor import Whole
from independence_audit.statistics.scores import Floats, Ranks, midranks, scores_of


class SampleKey(NamedTuple):
    """Which sample of a fingerprint one is: a value, equal in every process and for weights and fingerprint alike."""

    component: str
    layer: int | None
    role: str
    shape: tuple[int, int]
    """Rows and columns of one member's matrix: experts of other shapes are another pool."""
    name: str
    """The tensor; with ``*`` for the expert's number where several are pooled."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Sampled values of one role of one layer: a matrix, a vector, or the pooled experts.

    ``raw`` holds the values as stored, [rows, columns, bytes per value]; row i is row ``rows[i]`` of expert
    ``experts[i]`` (0 where there are no experts), its columns are ``start`` to ``stop`` of ``shape[1]``.
    """

    component: str
    layer: int | None
    role: str
    axis: Axis
    name: str
    """The tensor; with ``*`` for the expert's number where several are pooled."""
    members: int
    shape: tuple[int, int]
    """Rows and columns of one member's matrix."""
    dtype: str
    rows: NDArray[np.int64]
    experts: NDArray[np.int64]
    start: int
    stop: int
    window: tuple[int, int]
    """The columns that matrices of this width are sampled at; a vector is sampled whole."""
    raw: NDArray[np.uint8] | None
    """None where the values cannot be had."""
    reason: str = ""
    """Why the sample is no evidence or has no values, as a message key."""
    packing: str = ""
    """How a quantiser packed the values in the checkpoint: ``nf4``; empty where they are stored as they are."""
    whole: Whole | None = None
    """What every value comes to, where all bytes were read and could be decoded."""

    _ranks: list[Ranks] = field(default_factory=list, init=False, repr=False, compare=False)
    """What scores are made of, once they were asked for: ranking is the dearest step, and one subject meets many."""

    known_emptiness: list[str] = field(default_factory=list, init=False, repr=False, compare=False)
    """Why its values say nothing (:mod:`independence_audit.lineage.coverage`), once that was asked for."""

    @property
    def scores(self) -> Floats:
        """Normal scores of the sampled values along their rows, float64 [rows, columns]."""
        if not self._ranks:
            self._ranks.append(midranks(self.values()))
        return scores_of(self._ranks[0])

    @property
    def key(self) -> SampleKey:
        """Which of its fingerprint's samples it is."""
        return SampleKey(self.component, self.layer, self.role, self.shape, self.name)

    @property
    def layer_role(self) -> tuple[int | None, str]:
        """What equal samples of two models of one family share."""
        return self.layer, self.role

    @property
    def parameters(self) -> int:
        """Number of values of all members."""
        return self.members * self.shape[0] * self.shape[1]

    @property
    def identity(self) -> NDArray[np.int64]:
        """One number a sampled row, equal for equal rows of equal experts."""
        return (self.experts << 40) + self.rows

    @property
    def digest(self) -> bytes:
        """Digest of the sampled values."""
        return hashlib.blake2b(b"" if self.raw is None else np.ascontiguousarray(self.raw).data).digest()

    def values(self) -> NDArray[np.float32] | NDArray[np.float64]:
        """The sampled values [rows, columns], exactly as stored; empty where they cannot be had."""
        if self.raw is None:
            return np.zeros((0, self.stop - self.start), dtype=np.float32)
        return decode(np.ascontiguousarray(self.raw).reshape(-1), self.dtype).reshape(self.raw.shape[:2])


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A checkpoint's sampled values in their places, and where they come from."""

    name: str
    sampler: str
    """The sampler's full name; only equal samplers can be compared."""
    components: tuple[Component, ...]
    samples: tuple[Sample, ...]
    files: tuple[FileEvidence, ...]
    parameters: int
    read_bytes: int
    metadata: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[Message, ...] = ()
    units: tuple[ComponentUnits, ...] = ()
    """Units of every component as its anchors see them; empty where they were not read."""

    @property
    def unreadable(self) -> list[str]:
        """Tensors whose bytes could not be read when it was made."""
        return [sample.name for sample in self.samples if sample.reason == "unreadable"]

    @property
    def synthetic(self) -> bool:
        """Whether the checkpoint says of itself that it is a made-up example."""
        return self.metadata.get("synthetic", "").lower() == "true"


SIZE = frozenset({"rows", "values", "columns", "pool_rows", "expert_reads", "router_rows"})
"""Parameters that make a sample larger or smaller; the others decide what is chosen at all."""


def differing(first: str, second: str) -> dict[str, tuple[str, str]]:
    """The parameters in which two samplers' names differ, with both values."""
    ours, theirs = _parameters(first), _parameters(second)
    names = [*ours, *(name for name in theirs if name not in ours)]
    both = {name: (ours.get(name, "none"), theirs.get(name, "none")) for name in names}
    return {name: values for name, values in both.items() if values[0] != values[1]}


def size_of(name: str) -> tuple[int, int]:
    """What orders samplers by size: columns, then rows; 0 where a name does not tell."""
    parameters = _parameters(name)
    columns, rows = (parameters.get(key, "") for key in ("columns", "rows"))
    return (int(columns) if columns.isdecimal() else 0, int(rows) if rows.isdecimal() else 0)


def cut_to(wide: Fingerprint, narrow: Fingerprint) -> Fingerprint | None:
    """A fingerprint with the columns that another one holds of matrices of equal widths, under its sampler's name.

    Rows need no cutting: what two samples have in common is compared. None where the samplers differ in more than
    their size, or where a window does not lie in the other's.
    """
    if not differing(wide.sampler, narrow.sampler).keys() <= SIZE:
        return None
    windows = {sample.shape[1]: sample.window for sample in narrow.samples}
    samples = [_cut(sample, windows) for sample in wide.samples]
    if any(sample is None for sample in samples):
        return None
    return replace(wide, sampler=narrow.sampler, samples=tuple(sample for sample in samples if sample))


def _cut(sample: Sample, windows: Mapping[int, tuple[int, int]]) -> Sample | None:
    """A sample with fewer columns; a vector keeps all of them, and a width that the other does not have its own."""
    start, stop = windows.get(sample.shape[1], sample.window)
    if not sample.window[0] <= start <= stop <= sample.window[1]:
        return None
    if sample.shape[0] <= 1 or (sample.start, sample.stop) == (start, stop):
        return replace(sample, window=(start, stop))
    raw = None if sample.raw is None else sample.raw[:, start - sample.start : stop - sample.start]
    return replace(sample, window=(start, stop), start=start, stop=stop, raw=raw)


def _parameters(name: str) -> dict[str, str]:
    method, _, rest = name.partition("/")
    pairs = (each.partition("=") for each in rest.split(","))
    return {"method": method} | {key: value for key, _, value in pairs}
