"""Descendants of the base models that take training: fine-tuned ones, and continued ones in three lengths."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from benchmarks.lineage.bases import base
from benchmarks.lineage.tokens import HELP, SOURCES, tokens
from benchmarks.lineage.train import (
    PROCESSES,
    STORE,
    TOWER_BATCH,
    WINDOW,
    Classifier,
    digest,
    examples_of,
    inside,
    tower_of,
)
from examples.training.checkpoint import tensors
from examples.training.decoder import Decoder
from examples.training.language import Reading, fit
from examples.training.optimisation import Schedule, initialise, pre_training, train
from examples.training.train import make_deterministic


@dataclass(frozen=True, slots=True)
class Kin:
    """A base trained further."""

    name: str
    parent: str
    seed: int
    steps: int
    rate: float
    text: str = HELP
    saves: tuple[int, ...] = ()
    """Steps that are kept beside the last, as ``NAME@STEP``."""

    @property
    def kept(self) -> tuple[str, ...]:
        """The names under which its checkpoints are kept."""
        return (*(f"{self.name}@{step}" for step in self.saves), self.name)


def _of(parent: str, seed: int, *, length: int = 280) -> tuple[Kin, ...]:
    half = length // 2
    return (
        Kin(f"{parent}_finetuned_lightly", parent, seed, length // 7, 5e-4),
        Kin(f"{parent}_finetuned", parent, seed + 1, length * 3 // 7, 2e-3),
        Kin(f"{parent}_continued", parent, seed + 2, 3 * half, 2.5e-3, SOURCES, (half, 2 * half)),
    )


KIN = (
    *_of("dense_1", 2001),
    *_of("moe_solar", 2011),
    *_of("vision_1", 2021, length=140),
    *_of("audio_1", 2031, length=140),
    *_of("plain_1", 2041, length=140),
)


def path(name: str) -> Path:
    """The file of a kept descendant: float32, names of the trained modules."""
    return STORE / "kin" / f"{name}.safetensors"


def train_kin(kin: Sequence[Kin] = KIN, processes: int = PROCESSES) -> None:
    """Train those that are missing or out of date."""
    missing = [one.name for one in kin if not _is_current(one)]
    if not missing:
        return
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), make_deterministic) as pool:
        for line in pool.map(_train, missing):
            print(line, flush=True)


def _digest(one: Kin) -> str:
    code = Path(__file__).read_text(encoding="utf-8")
    return hashlib.sha256("\0".join([repr(one), digest(base(one.parent)), code]).encode()).hexdigest()


def _record(one: Kin) -> Path:
    return STORE / "kin" / f"{one.name}.json"


def _is_current(one: Kin) -> bool:
    record = _record(one)
    return record.is_file() and json.loads(record.read_text(encoding="utf-8"))["digest"] == _digest(one)


def _train(name: str) -> str:
    one = next(kin for kin in KIN if kin.name == name)
    path(name).parent.mkdir(parents=True, exist_ok=True)
    losses = _decoder(one) if base(one.parent).config else _tower(one)
    record = {"digest": _digest(one), "loss": losses}
    _record(one).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return f"{name}: loss {losses[0]:.2f} -> {losses[1]:.2f}"


def _decoder(one: Kin) -> tuple[float, float]:
    parent = base(one.parent)
    assert parent.config is not None  # noqa: S101 - towers go elsewhere
    decoder = Decoder(parent.config)
    decoder.load_state_dict(load_file(inside(parent)))
    reading = Reading(tokens().texts[one.text], one.seed, Schedule(one.steps, one.rate), *WINDOW)
    return fit(one.name, decoder, reading, lambda step: _keep(one, decoder, step))


def _keep(one: Kin, model: torch.nn.Module, step: int) -> None:
    names = ([one.name] if step == one.steps else []) + ([f"{one.name}@{step}"] if step in one.saves else [])
    for name in names:
        save_file(tensors({"": model}, torch.float32), path(name))


def _tower(one: Kin) -> tuple[float, float]:
    """A tower under a classifier of its own, so that its own weights alone tell where it comes from."""
    parent = base(one.parent)
    tower = tower_of(parent)
    model = Classifier(tower, 128, 10)
    initialise(model, one.seed)
    tower.load_state_dict(load_file(inside(parent)))
    examples = examples_of(parent, one.seed)
    before = model.measure(examples)
    train(
        pre_training([model], Schedule(one.steps, one.rate)),
        lambda: model.loss(*examples.batch(TOWER_BATCH)),
        lambda step: _keep(one, tower, step),
    )
    return before, model.measure(examples)


if __name__ == "__main__":
    train_kin(processes=1)
