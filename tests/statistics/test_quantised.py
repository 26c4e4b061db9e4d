"""A quantiser's rounding is told from training and from chance without knowing its scales."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from independence_audit.statistics.quantised import quantisation

Floats = NDArray[np.float32]


def weights(seed: int = 0, columns: int = 512) -> Floats:
    """Values with the spread of trained ones."""
    return np.asarray(np.random.default_rng(seed).normal(0.0, 0.02, (16, columns)), dtype=np.float32)


def quantised(values: Floats, bits: int = 4, group: int = 64) -> Floats:
    """Rounded to the nearest of 2**bits levels, with a scale for every group of columns."""
    grouped = values.reshape(len(values), -1, group)
    scale = np.abs(grouped).max(axis=2, keepdims=True) / (2 ** (bits - 1) - 1)
    return np.asarray((np.rint(grouped / scale) * scale).reshape(values.shape), dtype=np.float32)


@pytest.mark.parametrize("group", [32, 64, 128])
def test_four_bits_are_seen_by_their_levels(group: int) -> None:
    """Nothing has to be known of the packing, nor where its groups lie in the sample."""
    plain = weights()
    assert quantisation(quantised(plain, group=group)[:, 40:], plain[:, 40:], 40) == "4-bit"


def test_eight_bits_must_be_known_as_packed() -> None:
    """A block has as many levels as values then: only where the packing is known it is rounding."""
    plain = weights()
    assert quantisation(quantised(plain, bits=8), plain, 0) is None
    assert quantisation(quantised(plain, bits=8), plain, 0, packing="int8") == "int8"


def test_a_cast_between_does_not_hide_it() -> None:
    """The quantiser saw float32, the reference is published in bf16."""
    plain = weights()
    bits = plain.view(np.uint32)
    cast = ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).view(np.float32)
    assert quantisation(quantised(plain), cast, 0) == "4-bit"


@pytest.mark.parametrize("packing", ["", "nf4"])
def test_strangers_and_trained_copies_are_not_rounded(packing: str) -> None:
    """Neither another model nor one trained further is explained by rounding, packed or not."""
    plain = weights()
    moved = plain + np.random.default_rng(2).normal(0.0, 0.002, plain.shape).astype(np.float32)
    for other in (weights(1), moved):
        assert quantisation(quantised(plain), other, 0, packing=packing) is None


@pytest.mark.parametrize("other", [0.2, 0.05, 0.001])
def test_values_that_lie_near_each_other_tell_nothing(other: float) -> None:
    """Gains near one in fp16 have few levels, so near that any stranger's gain is as near to one as to another."""
    generator = np.random.default_rng(3)
    gains = (1 + 0.001 * generator.normal(size=(16, 1024))).astype(np.float16).astype(np.float32)
    strangers = (1.5 + other * generator.normal(size=(16, 1024))).astype(np.float32)
    assert quantisation(gains, strangers, 0) is None
    assert quantisation(gains, gains[::-1].copy(), 0) is None
    assert quantisation(gains, strangers, 0, packing="nf4") is None


def test_values_that_died_away_tell_nothing() -> None:
    """A few tiny levels beside a stranger's weights: each is as near to zero as the other."""
    dead = np.random.default_rng(4).integers(-3, 4, (16, 512)).astype(np.float32) * 1e-9
    assert quantisation(dead, weights(), 0) is None


def test_few_blocks_tell_nothing() -> None:
    """Seven blocks are too few for a verdict, nor do values that are not finite count."""
    plain = weights()[:1, :224]
    assert quantisation(quantised(plain, group=32), plain, 0) is None
    broken = weights()
    broken[:, ::32] = np.nan
    assert quantisation(quantised(weights()), broken, 0) is None
