"""Honest trainings with saved checkpoints: architectures, optimisers and schedules that must pass without an alarm."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from benchmarks.trajectory import networks
from benchmarks.trajectory.networks import Task

STEPS = 160
SAVES = 9
"""Checkpoints of a run, the initial one included."""

Factor = Callable[[int], float]


def cosine(step: int) -> float:
    """Warm-up over a tenth, then a cosine down to a tenth."""
    warm = STEPS // 10
    if step < warm:
        return (step + 1) / warm
    return 0.55 + 0.45 * math.cos(math.pi * (step - warm) / (STEPS - warm))


def to_zero(step: int) -> float:
    """The same down to zero."""
    warm = STEPS // 10
    return (step + 1) / warm if step < warm else 0.5 + 0.5 * math.cos(math.pi * (step - warm) / (STEPS - warm))


def constant(_: int) -> float:
    """One rate throughout."""
    return 1.0


def stairs(step: int) -> float:
    """A tenth after half, a hundredth after three quarters."""
    return 1.0 if step < STEPS / 2 else 0.1 if step < 3 * STEPS / 4 else 0.01


def warm_restarts(step: int) -> float:
    """A cosine that begins anew after half of the steps."""
    return 0.55 + 0.45 * math.cos(math.pi * (step % (STEPS // 2)) / (STEPS // 2))


@dataclass(frozen=True, slots=True)
class Run:
    """One training: what is trained, how, and how its checkpoints are saved."""

    name: str
    task: Callable[[], Task]
    rate: float = 3e-3
    factor: Factor = cosine
    decay: float = 0.1
    optimiser: str = "adamw"
    dtype: torch.dtype = torch.float32
    average: float = 0.0
    """Decay of the moving average that is saved in place of the weights; 0 saves the weights."""
    restart: bool = False
    """Whether the optimiser is made anew after half of the steps, as after a crash."""
    frozen: tuple[str, float, float] = ("", 0.0, 0.0)
    """Beginning of the names of tensors that are held between two shares of the steps."""


HONEST = (
    Run("decoder, warm-up and cosine, bf16", lambda: networks.decoder(11), dtype=torch.bfloat16),
    Run(
        "decoder, cosine to zero, bf16", lambda: networks.decoder(12, biases=True), factor=to_zero, dtype=torch.bfloat16
    ),
    Run("decoder, constant rate", lambda: networks.decoder(13), factor=constant, rate=1e-3),
    Run("decoder, restart with new optimiser", lambda: networks.decoder(14), restart=True),
    Run("decoder, strong decay", lambda: networks.decoder(15), decay=5.0),
    Run("decoder, moving average", lambda: networks.decoder(16), average=0.97),
    Run("mixture of experts", lambda: networks.decoder(17, experts=True), dtype=torch.bfloat16),
    Run("decoder, first layer held for a third", lambda: networks.decoder(18), frozen=("model.layers.0.", 0.34, 0.67)),
    Run("vision tower, warm restarts", lambda: networks.tower(21), factor=warm_restarts, rate=1e-3),
    Run("convolutions, momentum and stairs", lambda: networks.convolutions(31), 0.05, stairs, 5e-4, "momentum"),
    Run("perceptron, Glorot, plain descent", lambda: networks.perceptron(41), 0.1, constant, 0.0, "plain"),
    Run("perceptron, He, average", lambda: networks.perceptron(42, "kaiming"), 1e-3, constant, average=0.98),
    Run("perceptron, orthogonal", lambda: networks.perceptron(43, "orthogonal"), 1e-3, to_zero),
    Run("LSTM, Adam", lambda: networks.recurrent(51), 3e-3, constant, 0.0),
    Run("pre-norm decoder, dropout, tied", lambda: networks.pre_norm(61), 2e-3, cosine),
    Run("decoder, nothing left of the draw", lambda: networks.decoder(71), factor=constant, decay=12.0),
    Run("decoder, nothing left, cosine", lambda: networks.decoder(74), 4e-3, decay=20.0),
    Run("decoder, nothing left, small rate", lambda: networks.decoder(75), 1e-3, constant, 40.0),
    Run("mixture of experts, nothing left", lambda: networks.decoder(92, experts=True), decay=15.0),
    Run("decoder, nothing left, moving average", lambda: networks.decoder(91), decay=12.0, average=0.97),
    Run("decoder, uneven decay", lambda: networks.decoder(81), 3e-3, cosine, 1e-3, "adam"),
    Run("perceptron, uneven decay", lambda: networks.perceptron(90), 1e-3, cosine, 1e-2, "adam"),
    Run("vision tower, uneven decay", lambda: networks.tower(89), 1e-3, cosine, 1e-2, "adam"),
    Run("convolutions, momentum, strong decay", lambda: networks.convolutions(85), 0.05, stairs, 5e-2, "momentum"),
    Run("LSTM, nothing left of the draw", lambda: networks.recurrent(93), 3e-3, cosine, 15.0),
)


def train(run: Run, folder: Path) -> list[Path]:
    """Train and save checkpoints ``step-N/model.safetensors``; the folders, first to last."""
    task = run.task()
    average = {name: each.clone() for name, each in task.network.state_dict().items()} if run.average else None
    optimiser = _optimiser(run, task.network)
    saved = [_save(task.network, average, run, folder / "step-0")]
    every = STEPS // (SAVES - 1)
    task.network.train()
    for step in range(STEPS):
        if run.restart and step == STEPS // 2:
            optimiser = _optimiser(run, task.network)
        _hold(run, task.network, step / STEPS)
        for group in optimiser.param_groups:
            group["lr"] = run.rate * run.factor(step)
        optimiser.zero_grad(set_to_none=True)
        task.loss().backward()
        nn.utils.clip_grad_norm_(task.network.parameters(), 1.0)
        optimiser.step()
        if average is not None:
            for name, each in task.network.state_dict().items():
                average[name] = (
                    run.average * average[name] + (1 - run.average) * each if each.is_floating_point() else each
                )
        if (step + 1) % every == 0:
            saved.append(_save(task.network, average, run, folder / f"step-{step + 1}"))
    return saved


def _optimiser(run: Run, network: nn.Module) -> torch.optim.Optimizer:
    if run.optimiser == "adamw":
        return torch.optim.AdamW(network.parameters(), lr=run.rate, betas=(0.9, 0.95), weight_decay=run.decay)
    if run.optimiser == "adam":  # its decay goes through the moments and shrinks unevenly
        return torch.optim.Adam(network.parameters(), lr=run.rate, betas=(0.9, 0.95), weight_decay=run.decay)
    momentum = 0.9 if run.optimiser == "momentum" else 0.0
    return torch.optim.SGD(network.parameters(), lr=run.rate, momentum=momentum, weight_decay=run.decay)


def _hold(run: Run, network: nn.Module, progress: float) -> None:
    beginning, start, stop = run.frozen
    if beginning:
        for name, parameter in network.named_parameters():
            if name.startswith(beginning):
                parameter.requires_grad_(not start <= progress < stop)


def _save(network: nn.Module, average: Mapping[str, Tensor] | None, run: Run, folder: Path) -> Path:
    state = average if average is not None else network.state_dict()
    weights = {
        name: each.detach().to(run.dtype if each.is_floating_point() else each.dtype).clone().contiguous()
        for name, each in state.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "model.safetensors")
    return folder
