"""Samples of different sizes: a larger one is cut to the columns of a smaller one, which lie among its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from independence_audit.fingerprint.model import Fingerprint, Sample

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
