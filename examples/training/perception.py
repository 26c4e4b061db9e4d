"""Training towers and projectors to answer through a decoder: it reads what they see or hear and names it by a byte."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from .decoder import Decoder
from .optimisation import Training, train

BATCH = 64


class Examples(Protocol):
    """Inputs of a tower with their classes."""

    def batch(self, count: int) -> tuple[Tensor, Tensor]:
        """Random training inputs [count, ...] and their classes [count]."""

    def test(self) -> tuple[Tensor, Tensor]:
        """All test inputs and their classes."""


class Perception(nn.Module):
    """A tower, its projector and the decoder that reads it; the decoder's weights stay as they are."""

    def __init__(self, tower: nn.Module, projector: nn.Module, decoder: Decoder, answers: tuple[int, ...]) -> None:
        super().__init__()
        self.tower = tower
        self.projector = projector
        self.decoder = decoder.requires_grad_(requires_grad=False)
        self._answers = torch.tensor(answers)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits of all bytes [batch, 256] after the last projected token."""
        logits: Tensor = self.decoder(self.projector(self.tower(inputs)))
        return logits[:, -1]

    def loss(self, inputs: Tensor, classes: Tensor) -> Tensor:
        """Mean cross-entropy of the answering byte."""
        return functional.cross_entropy(self(inputs), self._answers[classes])

    @torch.no_grad()
    def measure(self, examples: Examples) -> str:
        """Loss on the test inputs, and the share of them named rightly among all 256 bytes, in words."""
        inputs, classes = examples.test()
        right = self(inputs).argmax(-1) == self._answers[classes]
        return f"loss {float(self.loss(inputs, classes)):.3f} accuracy {float(right.float().mean()):.2f}"


def fit(name: str, perception: Perception, examples: Examples, training: Training) -> None:
    """Train some of a perception's parameters, and say what came of it."""
    before = perception.measure(examples)
    train(training, lambda: perception.loss(*examples.batch(BATCH)))
    after = perception.measure(examples)
    print(f"{name}: {training.schedule.steps} steps, {before} -> {after}")
