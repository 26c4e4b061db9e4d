"""Trains the base models and keeps them: ``python -m benchmarks.lineage.train [NAME ...]``, from the repository's root.

A base lies in ``build/lineage/models/NAME`` (bfloat16) with a ``training.json`` that holds its losses and the digest of
its recipe, the training code and torch's version; where the digest still holds, nothing is trained again. A base's
``saves`` name the steps whose float32 checkpoints are kept as well, in ``build/lineage/steps/NAME/STEP`` with five
digits, step 0 being the initial draw. One thread and fixed seeds: the same machine gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from benchmarks.lineage.bases import BASES, Base, base
from benchmarks.lineage.growth import doubled_width
from benchmarks.lineage.names import ROUTER_BIAS, Weights, released
from benchmarks.lineage.plain_tower import PlainVisionTower
from benchmarks.lineage.tokens import tokens
from examples.training import audio, digits, vision, vowels
from examples.training.checkpoint import tensors, write
from examples.training.configs import audio_config, decoder_config, vision_config
from examples.training.decoder import Decoder
from examples.training.language import Reading, fit
from examples.training.optimisation import Schedule, initialise, pre_training, train
from examples.training.perception import Examples
from examples.training.train import make_deterministic

ROOT = Path(__file__).parents[2]
STORE = ROOT / "build" / "lineage"
WINDOW = (8, 97)
"""Windows a step, and tokens a window."""
RATE = 3e-3
TOWER_RATE, TOWER_BATCH = 2e-3, 48
PROCESSES = 2
CODE = (
    "examples/training/audio.py",
    "examples/training/checkpoint.py",
    "examples/training/decoder.py",
    "examples/training/digits.py",
    "examples/training/language.py",
    "examples/training/latent.py",
    "examples/training/layers.py",
    "examples/training/moe.py",
    "examples/training/optimisation.py",
    "examples/training/text.py",
    "examples/training/vision.py",
    "examples/training/vowels.py",
    "benchmarks/lineage/growth.py",
    "benchmarks/lineage/names.py",
    "benchmarks/lineage/plain_tower.py",
    "benchmarks/lineage/tokens.py",
    "benchmarks/lineage/train.py",
)
"""What decides the weights beside the recipe."""


def main() -> None:
    """Train what is missing or out of date."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lineage.train", description="Train the base models.")
    parser.add_argument("names", nargs="*", help="train these only")
    parser.add_argument("--processes", type=int, default=PROCESSES)
    options = parser.parse_args()
    train_bases([base(name) for name in options.names] or BASES, options.processes)


def train_bases(bases: Sequence[Base], processes: int = PROCESSES) -> None:
    """Train bases side by side, each in one thread; those that are there already are left alone."""
    missing = [one.name for one in bases if not is_current(one)]
    if not missing:
        return
    context = multiprocessing.get_context("spawn")
    grown = {one.name for one in bases if one.ancestor}
    with ProcessPoolExecutor(processes, context, make_deterministic) as pool:
        for round_ in ([name for name in missing if name not in grown], [name for name in missing if name in grown]):
            for line in pool.map(_train, round_):
                print(line, flush=True)


def folder(one: Base) -> Path:
    """Where a base lies."""
    return STORE / "models" / one.name


def inside(one: Base) -> Path:
    """The file with a base's float32 weights under the names of the trained modules."""
    return STORE / "inside" / f"{one.name}.safetensors"


def digest(one: Base) -> str:
    """SHA-256 of everything that decides a base's weights."""
    parts = [repr(one), torch.__version__, *((ROOT / name).read_text(encoding="utf-8") for name in CODE)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_current(one: Base) -> bool:
    """Whether a base was trained from its recipe as it is now."""
    record = folder(one) / "training.json"
    return record.is_file() and json.loads(record.read_text(encoding="utf-8"))["digest"] == digest(one)


def _train(name: str) -> str:
    one = base(name)
    start = time.process_time()
    steps = STORE / "steps" / name
    shutil.rmtree(steps, ignore_errors=True)
    losses = _decoder(one) if one.config else _tower(one)
    seconds = round(time.process_time() - start, 1)
    record = {"digest": digest(one), "loss": losses, "seconds": seconds}
    (folder(one) / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return f"{name}: loss {losses[0]:.2f} -> {losses[1]:.2f}, {seconds:.0f} s of processor time"


def _decoder(one: Base) -> tuple[float, float]:
    assert one.config is not None  # noqa: S101 - towers go elsewhere
    decoder = Decoder(one.config)
    initialise(decoder, one.draw)
    if one.ancestor:
        decoder.load_state_dict(doubled_width(load_file(inside(base(one.ancestor)))))
    facts = facts_of(one)

    def keep(where: Path, dtype: torch.dtype) -> None:
        weights = released(one.family, tensors({"": decoder}, torch.float32))
        write(where, cast(weights, dtype), facts, tokens().tokenizer)

    reading = Reading(tokens().texts[one.text], one.order, Schedule(one.steps, RATE), *WINDOW)
    losses = fit(one.name, decoder, reading, _saver(one, lambda where: keep(where, torch.float32)))
    keep(folder(one), torch.bfloat16)
    _keep_inside(one, decoder)
    return losses


def cast(weights: Weights, dtype: torch.dtype) -> Weights:
    """Tensors in another type; a router's bias stays in float32, as in transformers."""
    return {name: tensor if name.endswith(ROUTER_BIAS) else tensor.to(dtype) for name, tensor in weights.items()}


def _keep_inside(one: Base, model: nn.Module) -> None:
    """Keep what was released under the modules' own names as well, for manipulations that know only these."""
    inside(one).parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors({"": model}, torch.float32), inside(one))


def _saver(one: Base, keep: Callable[[Path], None]) -> Callable[[int], None]:
    def reached(step: int) -> None:
        if step in one.saves:
            keep(STORE / "steps" / one.name / f"{step:05d}")

    return reached


class Classifier(nn.Module):
    """A tower, and a linear layer that names what it sees or hears from the mean of its outputs."""

    def __init__(self, tower: nn.Module, width: int, classes: int) -> None:
        super().__init__()
        self.tower = tower
        self.head = nn.Linear(width, classes)

    def loss(self, inputs: Tensor, classes: Tensor) -> Tensor:
        """Mean cross-entropy of the classes."""
        return nn.functional.cross_entropy(self.head(self.tower(inputs).mean(1)), classes)

    @torch.no_grad()
    def measure(self, examples: Examples) -> float:
        """The loss on the test inputs."""
        return float(self.loss(*examples.test()))


def tower_of(one: Base) -> nn.Module:
    """A base's tower, not yet drawn."""
    if one.family == "qwen2_5_vl":
        return vision.VisionTower(one.depth, one.units)
    if one.family == "qwen2_vl":
        return PlainVisionTower(one.depth, one.units)
    return audio.AudioTower(one.depth, one.units)


def examples_of(one: Base, seed: int) -> Examples:
    """What a base's tower looks at or listens to, in an order of its own."""
    return vowels.Vowels(seed=seed) if one.family == "qwen2_audio" else digits.Digits(mirrored=False, seed=seed)


def prefix_of(one: Base) -> str:
    """What stands before the names of a base's tensors in its checkpoint."""
    if one.config is not None:
        return ""
    return "audio_tower." if one.family == "qwen2_audio" else "visual."


def facts_of(one: Base) -> dict[str, Any]:
    """A base's ``config.json``."""
    if one.config is not None:
        return decoder_config(one.family, "LlamaForCausalLM", one.config)
    if one.family == "qwen2_audio":
        return {"model_type": one.family, "audio_config": audio_config(one.depth, one.units)}
    return {"model_type": one.family, "vision_config": vision_config(one.depth, one.units)}


def _tower(one: Base) -> tuple[float, float]:
    tower, examples = tower_of(one), examples_of(one, one.order)
    model = Classifier(tower, audio.HIDDEN, 10)
    initialise(model, one.draw)

    def keep(where: Path, dtype: torch.dtype) -> None:
        write(where, tensors({prefix_of(one): tower}, dtype), facts_of(one), None)

    before = model.measure(examples)
    training = pre_training([model], Schedule(one.steps, TOWER_RATE))
    train(
        training,
        lambda: model.loss(*examples.batch(TOWER_BATCH)),
        _saver(one, lambda where: keep(where, torch.float32)),
    )
    after = model.measure(examples)
    keep(folder(one), torch.bfloat16)
    _keep_inside(one, tower)
    return before, after


if __name__ == "__main__":
    main()
