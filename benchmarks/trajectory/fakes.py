"""What a cheat would hand in as a training: fakes made of real trainings, each with the finding that must expose it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

Weights = dict[str, Tensor]
Trajectory = Sequence[Weights]


@dataclass(frozen=True, slots=True)
class Runs:
    """What fakes are made of: an own honest run, another's of the same architecture, and another's of a tower."""

    own: Trajectory
    other: Trajectory
    tower: Trajectory


@dataclass(frozen=True, slots=True)
class Fake:
    """One fake, made of an own honest run and of somebody else's."""

    name: str
    make: Callable[[Runs], Trajectory]
    findings: frozenset[str]
    """Any of these exposes it."""
    conclusions: frozenset[str]
    """What the faked component must come to."""
    component: str = "model"


def read(folders: Sequence[Path]) -> list[Weights]:
    """The weights of a run's checkpoints."""
    return [load_file(folder / "model.safetensors") for folder in folders]


def write(trajectory: Trajectory, folder: Path, every: int = 20) -> Path:
    """Write checkpoints as a trainer would; the folder."""
    for number, weights in enumerate(trajectory):
        place = folder / f"step-{number * every}"
        place.mkdir(parents=True, exist_ok=True)
        save_file({name: each.clone().contiguous() for name, each in weights.items()}, place / "model.safetensors")
    return folder


def mixed(first: Weights, second: Weights, share: float) -> Weights:
    """The first with a share of the second."""
    return {
        name: ((1 - share) * each.double() + share * second[name].double()).to(each.dtype)
        for name, each in first.items()
    }


def noisy(weights: Weights, amount: float, seed: int, *, relative: bool = False) -> Weights:
    """Matrices with independent noise, of a share of the tensor's deviation or of every value."""
    generator = torch.Generator().manual_seed(seed)
    made = {}
    for name, each in weights.items():
        scale = each.abs() if relative else each.std() if each.ndim > 1 else torch.tensor(0.0)
        made[name] = each + (amount * scale * torch.randn(each.shape, generator=generator)).to(each.dtype)
    return made


def turned(first: Weights, second: Weights, share: float) -> Weights:
    """Between the two on a sphere, as merging tools turn one model into another."""
    made = {}
    for name, each in first.items():
        x, y = each.double(), second[name].double()
        cosine = float((x * y).sum() / (x.norm() * y.norm()).clamp_min(1e-30))
        angle = torch.arccos(torch.tensor(max(-1.0, min(1.0, cosine))))
        if float(angle.sin()) < 1e-6:  # parallel: nothing to turn
            made[name] = each
            continue
        mixture = ((1 - share) * angle).sin() * x + (share * angle).sin() * y
        made[name] = (mixture / angle.sin()).to(each.dtype)
    return made


def with_tower(own: Trajectory, tower: Trajectory, which: Callable[[int], int]) -> list[Weights]:
    """An own decoder with a tower beside it, taken from the tower's run at the checkpoint that ``which`` names."""
    return [
        weights | {name: each for name, each in tower[which(number)].items() if name.startswith("visual.")}
        for number, weights in enumerate(own)
    ]


def _as_bf16(trajectory: Trajectory) -> list[Weights]:
    return [{name: each.bfloat16() for name, each in weights.items()} for weights in trajectory]


def _exchange(own: Trajectory, first: int, second: int) -> list[Weights]:
    order = list(range(len(own)))
    order[first], order[second] = order[second], order[first]
    return [own[number] for number in order]


STARTS = frozenset({"starts_from_trained_weights"})
NOTHING = frozenset({"no_evidence"})
EITHER = STARTS | NOTHING


def _shares(count: int) -> list[float]:
    return [number / (count - 1) for number in range(count)]


def _blended(
    own: Trajectory, other: Trajectory, shares: Sequence[float], blend: Callable[[Weights, Weights, float], Weights]
) -> list[Weights]:
    """An own run with growing shares of another, checkpoint by checkpoint."""
    return [blend(one, another, share) for one, another, share in zip(own, other, shares, strict=True)]


def _faded(final: Weights, amounts: Sequence[float], *, relative: bool = False) -> list[Weights]:
    return [
        noisy(final, amount, 7 + number, relative=relative) if amount else final
        for number, amount in enumerate(amounts)
    ]


FADING = (4.0, 2.0, 1.0, 0.7, 0.5, 0.3, 0.2, 0.1, 0.0)

FAKES: Sequence[Fake] = (
    Fake(
        "frozen tower, trained elsewhere",
        lambda runs: with_tower(runs.own, runs.tower, lambda _: -1),
        frozenset({"finding.frozen_throughout"}),
        frozenset({"frozen_during_training"}),
        "visual",
    ),
    Fake(
        "another model swapped in at mid-run",
        lambda runs: [*runs.own[:5], *runs.other[5:]],
        frozenset({"finding.swapped"}),
        STARTS,
    ),
    Fake(
        "initial draw before another's training",
        lambda runs: [runs.own[0], *runs.other[3:]],
        frozenset({"finding.swapped"}),
        STARTS,
    ),
    Fake(
        "finished model with noise as checkpoint 2",
        lambda runs: [*runs.own[:2], noisy(runs.own[-1], 0.5, 1), *runs.own[3:]],
        frozenset({"finding.noise_update", "finding.noise_apart", "finding.other_order"}),
        NOTHING,
    ),
    Fake(
        "finished model with ever less noise as all checkpoints",
        lambda runs: _faded(runs.other[-1], FADING),
        frozenset({"finding.noise_update"}),
        EITHER,
    ),
    Fake(
        "the same with noise relative to every value",
        lambda runs: _faded(runs.other[-1], FADING, relative=True),
        frozenset({"finding.noise_update"}),
        EITHER,
    ),
    Fake(
        "step 0 made of the finished model and much noise",
        lambda runs: [_gains(noisy(_scaled(runs.own[-1], 0.4), 2.3, 3), runs.own[0]), *runs.own[1:]],
        frozenset({"finding.made_from_the_end", "finding.noise_update", "finding.step0_trained"}),
        EITHER,
    ),
    Fake(
        "interpolation from an initial draw to another's model",
        lambda runs: [mixed(runs.own[0], runs.other[-1], share) for share in _shares(9)],
        frozenset({"finding.combination"}),
        NOTHING,
    ),
    Fake(
        "the same in bfloat16",
        lambda runs: _as_bf16([mixed(runs.own[0], runs.other[-1], share) for share in _shares(9)]),
        frozenset({"finding.combination"}),
        NOTHING,
    ),
    Fake(
        "the same on a sphere",
        lambda runs: [turned(runs.own[0], runs.other[-1], share) for share in _shares(9)],
        frozenset({"finding.combination"}),
        NOTHING,
    ),
    Fake(
        "the same with noise on every checkpoint",
        lambda runs: [
            noisy(mixed(runs.own[0], runs.other[-1], share), 0.05 * (0 < share < 1), 9 + int(100 * share))
            for share in _shares(9)
        ],
        frozenset({"finding.noise_apart", "finding.noise_update", "finding.combination"}),
        EITHER,
    ),
    Fake(
        "another's run blended into the own one, all the way",
        lambda runs: _blended(runs.own, runs.other, _shares(9), mixed),
        frozenset({"finding.blended"}),
        NOTHING,
    ),
    Fake(
        "the same within three checkpoints",
        lambda runs: _blended(runs.own, runs.other, (0, 0, 0, 0, 0.25, 0.5, 0.75, 1, 1), mixed),
        frozenset({"finding.blended"}),
        NOTHING,
    ),
    Fake(
        "the same on a sphere",
        lambda runs: _blended(runs.own, runs.other, _shares(9), turned),
        frozenset({"finding.blended"}),
        NOTHING,
    ),
    Fake(
        "the own run turned towards another's finished model",
        lambda runs: _blended(runs.own, [runs.other[-1]] * 9, _shares(9), turned),
        frozenset({"finding.blended", "finding.combination"}),
        NOTHING,
    ),
    Fake(
        "one checkpoint twice, as two steps",
        lambda runs: [*runs.own[:4], runs.own[3], *runs.own[5:]],
        frozenset({"finding.duplicate"}),
        NOTHING,
    ),
    Fake(
        "two neighbours exchanged",
        lambda runs: _exchange(runs.own, 3, 4),
        frozenset({"finding.other_order"}),
        NOTHING,
    ),
    Fake(
        "two far ones exchanged",
        lambda runs: _exchange(runs.own, 2, 6),
        frozenset({"finding.other_order"}),
        NOTHING,
    ),
    Fake(
        "step 0 that is trained already",
        lambda runs: list(runs.other[4:]),
        frozenset({"finding.step0_trained"}),
        STARTS,
    ),
    Fake(
        "the whole run backwards",
        lambda runs: list(runs.own[::-1]),
        frozenset({"finding.step0_trained"}),
        STARTS,
    ),
    Fake(
        "a tower swapped in at mid-run",
        lambda runs: _swap_tower(runs.own, runs.tower),
        frozenset({"finding.swapped"}),
        STARTS,
        "visual",
    ),
)


def _scaled(weights: Weights, share: float) -> Weights:
    return {name: share * each if each.ndim > 1 else each for name, each in weights.items()}


def _gains(weights: Weights, initial: Mapping[str, Tensor]) -> Weights:
    """The weights with initial gains and biases, and every matrix at its initial deviation."""
    return {
        name: initial[name] if each.ndim < 2 else each * (initial[name].std() / each.std())
        for name, each in weights.items()
    }


def _swap_tower(own: Trajectory, tower: Trajectory) -> list[Weights]:
    """An own tower until the middle, then another's: here a trained one whose units were put in another order."""
    made = with_tower(own, tower, lambda number: number)
    generator = torch.Generator().manual_seed(5)
    order = torch.randperm(128, generator=generator)
    for weights in made[5:]:
        for name, each in list(weights.items()):
            if name.startswith("visual.") and each.ndim > 1:
                weights[name] = each[torch.randperm(len(each), generator=torch.Generator().manual_seed(len(each)))]
                if each.ndim == 2 and each.shape[1] == len(order):
                    weights[name] = weights[name][:, order]
    return made
