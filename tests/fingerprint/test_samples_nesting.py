"""Samples of different sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from independence_audit.fingerprint.build import build_fingerprint
from independence_audit.fingerprint.sampler import Sampler, sampler_of
from independence_audit.fingerprint.samples import Fingerprint, cut_to, differing, size_of
from tests.fingerprint.small_checkpoints import anatomy_of, checkpoint_of, dense, part_of, transposed

VALUES = np.random.default_rng(2).normal(size=(70, 1500)).astype(np.float32)


def fingerprint_with(sampler: Sampler) -> Fingerprint:
    """A matrix, its transpose and a vector."""
    parts = [part_of("w", dense(70, 1500)), part_of("t", transposed(1500, 70)), part_of("g", dense(1, 1500))]
    return build_fingerprint(checkpoint_of({"w": VALUES, "t": VALUES, "g": VALUES[0]}), anatomy_of(parts), sampler)


@pytest.mark.parametrize("salt", [None, b"a secret of sixteen bytes or more"])
def test_larger_sample_cut_to_a_smaller_one_holds_its_values(salt: bytes | None) -> None:
    """Every row of the small sample is in the cut one, with the same values in the same columns; vectors stay whole."""
    wide, narrow = (fingerprint_with(sampler_of(size, salt)) for size in ("default", "small"))
    cut = cut_to(wide, narrow)
    assert cut is not None
    assert cut.sampler == narrow.sampler
    for mine, small in zip(cut.samples, narrow.samples, strict=True):
        assert (mine.start, mine.stop, mine.window) == (small.start, small.stop, small.window)
        _, here, there = np.intersect1d(mine.identity, small.identity, return_indices=True)
        assert len(there) == len(small.rows) <= len(mine.rows)
        assert np.array_equal(mine.values()[here], small.values()[there])


@pytest.mark.parametrize("other", [Sampler(salt=b"other"), Sampler(segment=8)])
def test_what_differs_in_more_than_size_is_not_cut(other: Sampler) -> None:
    """Other rows or other columns have nothing in common that could be counted on."""
    assert cut_to(fingerprint_with(other), fingerprint_with(sampler_of("small"))) is None


def test_window_that_lies_elsewhere_is_refused() -> None:
    """A fingerprint whose columns are not where its sampler has them is not cut to anything."""
    wide, narrow = fingerprint_with(sampler_of("default")), fingerprint_with(sampler_of("small"))
    moved = replace(narrow, samples=tuple(replace(sample, window=(1400, 1500)) for sample in narrow.samples))
    assert (cut_to(wide, moved) is None) == (wide.samples[0].window[1] < 1500)


def test_differences_are_told_with_both_values() -> None:
    """Only what differs, in the order of the name."""
    assert differing("a/rows=1,salt=x", "b/rows=1,salt=y") == {"method": ("a", "b"), "salt": ("x", "y")}
    assert differing("a/rows=1", "a/rows=1,new=2") == {"new": ("none", "2")}


def test_sizes_are_ordered() -> None:
    """The small sampler before the default one; a name of nonsense is no traceback."""
    assert size_of(sampler_of("small").name) < size_of(sampler_of("default").name)
    assert size_of("nonsense/rows=-1,columns=x,,=") == (0, 0)
