"""Units survive a fingerprint's file to the bit, or the file is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from independence_audit.checkpoint import open_checkpoint
from independence_audit.errors import MalformedError
from independence_audit.fingerprint.fingerprint_file import read_fingerprint, write_fingerprint
from tests.fingerprint.units.small_decoder import decoder, with_units


def test_units_survive_the_file_to_the_bit(tmp_path: Path) -> None:
    """What is written is read, and written again it is the same file."""
    fingerprint = with_units(decoder(tmp_path))
    first, second = tmp_path / "a.fp.safetensors", tmp_path / "b.fp.safetensors"
    write_fingerprint(fingerprint, first)
    again = read_fingerprint(open_checkpoint(first))
    write_fingerprint(again, second)
    assert first.read_bytes() == second.read_bytes()
    for one, other in zip(fingerprint.units, again.units, strict=True):
        assert (one.component, one.reason) == (other.component, other.reason)
        for mine, theirs in zip(one.layers, other.layers, strict=True):
            np.testing.assert_array_equal(mine.units, theirs.units)
            assert mine.responses.keys() == theirs.responses.keys()
            assert mine.even is None or theirs.even is not None


@pytest.mark.parametrize("damage", ["gram", "count", "units"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str) -> None:
    """Anchors that are not finite, counts and numbers that contradict the tensors."""
    fingerprint = with_units(decoder(tmp_path))
    (units,) = fingerprint.units
    assert units.anchors is not None
    if damage == "gram":
        units = replace(units, anchors=replace(units.anchors, gram=units.anchors.gram * np.nan))
    elif damage == "count":
        units = replace(units, layers=tuple(replace(layer, units=layer.units[:-1]) for layer in units.layers))
    else:
        units = replace(
            units, layers=tuple(replace(layer, whole=False, units=layer.units[::-1]) for layer in units.layers)
        )
    path = tmp_path / "a.fp.safetensors"
    write_fingerprint(replace(fingerprint, units=(units,)), path)
    with pytest.raises(MalformedError):
        read_fingerprint(open_checkpoint(path))
