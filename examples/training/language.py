"""Training decoders on text."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .decoder import Decoder, DecoderConfig
from .optimisation import Schedule, initialise, pre_training, train
from .text import windows

BATCH = 12
LENGTH = 129
"""Bytes a window: 128 are predicted from those before them."""
TEST_SEED = 1_000_000
FROM_SCRATCH = Schedule(steps=280, rate=3e-3)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a decoder reads, in which order, and how it learns from it."""

    text: Tensor
    """Token ids [n]."""
    seed: int
    """Decides the windows and their order."""
    schedule: Schedule
    batch: int = BATCH
    """Windows a step."""
    length: int = LENGTH
    """Tokens a window."""


def from_scratch(name: str, config: DecoderConfig, text: Tensor, seed: int) -> Decoder:
    """A decoder trained on a text from a draw of its own."""
    decoder = Decoder(config)
    initialise(decoder, seed)
    fit(name, decoder, Reading(text, seed, FROM_SCRATCH))
    return decoder


def further(name: str, decoder: Decoder, text: Tensor, seed: int, schedule: Schedule) -> Decoder:
    """A copy of a decoder, trained further; the original stays as it is."""
    decoder = copy.deepcopy(decoder)
    fit(name, decoder, Reading(text, seed, schedule))
    return decoder


def fit(
    name: str, decoder: Decoder, reading: Reading, reached: Callable[[int], None] | None = None
) -> tuple[float, float]:
    """Train a decoder in place, say what came of it, and return the test loss before and after.

    Args:
        name: For what is printed.
        decoder: Trained in place.
        reading: What it is trained on.
        reached: As in ``train``; saves checkpoints on the way.
    """
    text, schedule = reading.text, reading.schedule
    before = _test_loss(decoder, text)
    generator = torch.Generator().manual_seed(reading.seed)
    decoder.train()
    train(
        pre_training([decoder], schedule),
        lambda: decoder.loss(windows(text, reading.batch, reading.length, generator)),
        reached,
    )
    after = _test_loss(decoder, text)
    print(f"{name}: {schedule.steps} steps, loss {before:.3f} -> {after:.3f} nats a token")
    return before, after


@torch.no_grad()
def _test_loss(decoder: Decoder, text: Tensor) -> float:
    decoder.eval()
    generator = torch.Generator().manual_seed(TEST_SEED)
    return float(decoder.loss(windows(text, 4 * BATCH, LENGTH, generator)))
