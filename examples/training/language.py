"""Training decoders on text."""

from __future__ import annotations

import copy

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


def from_scratch(name: str, config: DecoderConfig, text: Tensor, seed: int) -> Decoder:
    """A decoder trained on a text from a draw of its own."""
    decoder = Decoder(config)
    initialise(decoder, seed)
    _fit(name, decoder, text, seed, FROM_SCRATCH)
    return decoder


def further(name: str, decoder: Decoder, text: Tensor, seed: int, schedule: Schedule) -> Decoder:
    """A copy of a decoder, trained further; the original stays as it is."""
    decoder = copy.deepcopy(decoder)
    _fit(name, decoder, text, seed, schedule)
    return decoder


def _fit(name: str, decoder: Decoder, text: Tensor, seed: int, schedule: Schedule) -> None:
    before = _test_loss(decoder, text)
    generator = torch.Generator().manual_seed(seed)
    decoder.train()
    train(pre_training([decoder], schedule), lambda: decoder.loss(windows(text, BATCH, LENGTH, generator)))
    print(f"{name}: {schedule.steps} steps, loss {before:.3f} -> {_test_loss(decoder, text):.3f} nats a byte")


@torch.no_grad()
def _test_loss(decoder: Decoder, text: Tensor) -> float:
    decoder.eval()
    generator = torch.Generator().manual_seed(TEST_SEED)
    return float(decoder.loss(windows(text, 4 * BATCH, LENGTH, generator)))
