"""A quantiser's rounding is told from training and from chance without knowing its scales."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType, quants
from numpy.typing import NDArray

from independence_audit.statistics.quantised import FILLED, _blocks, _filled, quantisation
from tests.checkpoint.gguf.k_quantisers import q4_k, q6_k

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


def ggml(kind: str) -> Callable[[Floats], Floats]:
    """What is left of values in one of llama.cpp's types."""
    of = GGMLQuantizationType[kind]
    return lambda values: np.asarray(quants.dequantize(quants.quantize(values, of), of))


def dequantised(kind: str, blocks: Any, like: Floats) -> Floats:
    """What blocks of a K type stand for."""
    return np.asarray(quants.dequantize(blocks, GGMLQuantizationType[kind])).reshape(like.shape)


def as_bf16(values: Floats) -> Floats:
    """Values in bf16, as dequantised models are published."""
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).view(np.float32)


def heavy(seed: int) -> Floats:
    """Weights with rows of different sizes and tails, as trained ones have."""
    random = np.random.default_rng(seed)
    sizes = random.lognormal(0.0, 0.5, (16, 1))
    return np.asarray(0.02 * sizes * random.standard_t(6, (16, 1024)), dtype=np.float32)


QUANTISERS: dict[str, Callable[[Floats], Floats]] = {
    **{kind.lower(): ggml(kind) for kind in ("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4")},
    "q4_k": lambda values: dequantised("Q4_K", q4_k(values), values),
    "q6_k": lambda values: dequantised("Q6_K", q6_k(values), values),
    "int4": quantised,
    "halves": lambda values: quantised(values, bits=3, group=16),
    "int8": lambda values: quantised(values, bits=8, group=1024),
}
PACKINGS = {"halves": "q3_k"}
"""How llama.cpp calls what has seven levels for every sixteen inputs."""
CHANGES: dict[str, Callable[[Floats, np.random.Generator], NDArray[Any]]] = {
    "training": lambda values, random: random.normal(size=values.shape),
    "heavy tails": lambda values, random: random.laplace(size=values.shape),
    "low rank": lambda values, random: random.normal(size=(16, 1)) @ random.normal(size=(1, values.shape[1])),
    "a merge": lambda values, random: random.permuted(values, axis=1) - values,
    "a decay": lambda values, _: -values,
    "flat noise": lambda values, random: random.uniform(-1, 1, values.shape),
}


@pytest.mark.parametrize("cast", [False, True])
@pytest.mark.parametrize("kind", QUANTISERS)
def test_quantisers_fill_their_steps(kind: str, cast: bool) -> None:  # noqa: FBT001  a case of the test
    """Differences from a quantiser lie anywhere within its steps, 0.28 and more of the square, and are named."""
    for seed in range(8):
        plain = heavy(seed)
        rounded = QUANTISERS[kind](plain)
        rounded = as_bf16(rounded) if cast else rounded
        length = 16 if kind in {"halves", "q6_k"} else 32
        assert _filled(_blocks(rounded, 0, length), _blocks(plain, 0, length)) > FILLED + 0.03
        called = PACKINGS.get(kind, kind)
        assert quantisation(rounded, plain, 0, packing=called) == called


@pytest.mark.parametrize("base", QUANTISERS)
@pytest.mark.parametrize("change", CHANGES)
def test_changes_of_dequantised_weights_are_no_rounding(change: str, base: str) -> None:
    """Of any size, whether they reach the next level or not: the levels were there first."""
    for seed, size in enumerate(np.geomspace(1e-4, 0.3, 24)):
        levels = as_bf16(QUANTISERS[base](heavy(seed)))
        moved = CHANGES[change](levels, np.random.default_rng(seed))
        tuned = np.asarray(levels + size * levels.std() * moved / moved.std(), dtype=np.float32)
        assert quantisation(levels, tuned, 0) is None
        assert quantisation(levels, tuned, 0, packing=PACKINGS.get(base, base)) is None
