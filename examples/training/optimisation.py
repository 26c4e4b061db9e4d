"""How every model here is drawn and trained: a seeded initial draw, AdamW with warmup, one loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

INITIAL_SPREAD = 0.02
"""Standard deviation of the initial draw, the default of transformers' decoders and towers."""
WEIGHT_DECAY = 0.1
LARGEST_GRADIENT = 1.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to train."""

    steps: int
    rate: float
    """The highest learning rate; reached after the warmup, it falls along a cosine to a tenth."""
    warmup: int = 20

    def factor(self, step: int) -> float:
        """Share of the highest learning rate at a step."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        progress = (step - self.warmup) / max(1, self.steps - self.warmup)
        return 0.55 + 0.45 * math.cos(math.pi * progress)


def initialise(model: nn.Module, seed: int) -> None:
    """Draw a model's trainable weights from its seed: matrices N(0, 0.02), gains 1, biases 0."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if not parameter.requires_grad:
                continue
            if parameter.ndim > 1:
                parameter.normal_(0.0, INITIAL_SPREAD, generator=generator)
            else:
                parameter.fill_(0.0 if name.endswith("bias") else 1.0)


class Tether:
    """Holds each tensor of a model within a distance of where it started, as a share of its spread."""

    def __init__(self, model: nn.Module, share: float) -> None:
        starts = [(parameter, parameter.detach().clone()) for parameter in model.parameters()]
        self._starts = [(p, start, share * float((start - start.mean()).norm())) for p, start in starts]

    @torch.no_grad()
    def pull(self) -> None:
        """Move what has gone too far straight back to the farthest it may be."""
        for parameter, start, limit in self._starts:
            step = parameter - start
            parameter.copy_(start + step * (limit / max(float(step.norm()), limit)))


@dataclass(frozen=True, slots=True)
class Training:
    """What to train and how."""

    groups: list[dict[str, Any]]
    """AdamW's parameter groups."""
    schedule: Schedule
    tether: Tether | None = None


def pre_training(models: Iterable[nn.Module], schedule: Schedule) -> Training:
    """Training with one learning rate for all tensors; gains and biases do not decay."""
    trained = [parameter for model in models for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "lr": schedule.rate, "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in trained if p.ndim == 1], "lr": schedule.rate, "weight_decay": 0.0},
    ]
    return Training(groups, schedule)


def fine_tuning(model: nn.Module, schedule: Schedule, reach: float) -> Training:
    """Training with rates relative to each tensor's spread, held within a share of it: all tensors move alike."""
    groups = [
        {"params": [parameter], "lr": schedule.rate * float(parameter.detach().std()), "weight_decay": 0.0}
        for parameter in model.parameters()
    ]
    return Training(groups, schedule, Tether(model, reach))


def train(training: Training, loss: Callable[[], Tensor], reached: Callable[[int], None] | None = None) -> None:
    """Minimise a loss that draws its own batches.

    Args:
        training: What to train and how.
        loss: The loss on a batch of its own.
        reached: Is told how many steps are done: 0 before the first, then after each. Saves checkpoints on the way.
    """
    groups, schedule, tether = training.groups, training.schedule, training.tether
    optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.95))
    decline = torch.optim.lr_scheduler.LambdaLR(optimiser, schedule.factor)
    parameters = [parameter for group in groups for parameter in group["params"]]
    if reached is not None:
        reached(0)
    for step in range(schedule.steps):
        optimiser.zero_grad()
        loss().backward()
        nn.utils.clip_grad_norm_(parameters, LARGEST_GRADIENT)
        optimiser.step()
        if tether is not None:
            tether.pull()
        decline.step()
        if reached is not None:
            reached(step + 1)
