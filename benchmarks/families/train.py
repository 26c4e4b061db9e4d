"""Trains the models and keeps them: ``python -m benchmarks.families.train [--only WORDS]``, from the repository's root.

A model lies in ``build/families/models/NAME`` as the transformers package saves it, in bfloat16, with a
``training.json`` that holds its losses and the digest of its recipe; where the digest still holds, nothing is trained.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.families.changes import permuted, pressed
from benchmarks.families.designs import Design, Task
from benchmarks.families.members import FROM_DRAW, PRESSED, ROOT, Member, Way, members
from benchmarks.lineage.tokens import SOURCES, tokens
from examples.training import digits, vowels
from examples.training.audio import sinusoids
from examples.training.optimisation import Schedule, pre_training, train
from examples.training.text import windows
from examples.training.train import make_deterministic

WINDOWS, LENGTH = 8, 64
"""Windows a step, and tokens that are predicted in each."""
INPUTS = 48
"""Images or spectrograms a step."""
TEST_SEED = 1_000_000
FINE_TUNING = Schedule(steps=20, rate=3e-4, warmup=5)
PUBLIC_SPREAD, PUBLIC_SEED = 0.02, 7
SAME = 1e-3
"""How far the outputs of a permuted copy may be from those before, as a share of their size: sums in another order."""
PROCESSES = 1
CODE = (
    "benchmarks/families/changes.py",
    "benchmarks/families/train.py",
    "benchmarks/lineage/tokens.py",
    "examples/training/digits.py",
    "examples/training/optimisation.py",
    "examples/training/text.py",
    "examples/training/vowels.py",
)
"""What decides the weights beside the recipe."""

Batch = tuple[dict[str, Tensor], Tensor]
"""What a model is given, and the classes or tokens that it should name."""


def main() -> None:
    """Train what is missing or out of date."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.families.train", description="Train the models.")
    parser.add_argument("--only", default="", metavar="WORDS", help="models of families whose names contain these")
    parser.add_argument("--processes", type=int, default=PROCESSES, help="trainings side by side (default: 1)")
    options = parser.parse_args()
    train_members(members(options.only), options.processes)


def train_members(wanted: Sequence[Member], processes: int = PROCESSES) -> None:
    """Train models side by side, each in one thread; first those that others are made of."""
    missing = [one for one in wanted if not is_current(one)]
    rounds = [[one for one in missing if one.origin is None], [one for one in missing if one.origin is not None]]
    if not missing:
        return
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), make_deterministic) as pool:
        for line in chain.from_iterable(pool.map(make, each) for each in rounds):
            print(line, flush=True)


def digest(member: Member) -> str:
    """SHA-256 of everything that decides a model's weights."""
    parts = [repr(member), repr(member.config), torch.__version__, transformers.__version__]
    parts += [(ROOT / name).read_text(encoding="utf-8") for name in CODE]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def is_current(member: Member) -> bool:
    """Whether a model was made from its recipe as it is now."""
    record = member.folder / "training.json"
    return record.is_file() and json.loads(record.read_text(encoding="utf-8"))["digest"] == digest(member)


def make(member: Member) -> str:
    """Make a model, keep it, and say what came of it."""
    start = time.process_time()
    design = member.config
    model = built(design, member.seed) if member.way in FROM_DRAW else kept(member.origin or member)
    before = test_loss(model, design)
    after = _changed(model, member)
    where = member.folder
    cast: Any = model.to(torch.bfloat16)
    cast.save_pretrained(where)
    if design.task in {Task.TEXT, Task.HALVES}:
        (where / "tokenizer.json").write_text(json.dumps(tokens().tokenizer, ensure_ascii=False), encoding="utf-8")
    seconds = round(time.process_time() - start, 1)
    record = {"digest": digest(member), "loss": (before, after), "seconds": seconds}
    (where / "training.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return f"{member.name}: loss {before:.2f} -> {after:.2f}, {seconds:.0f} s of processor time"


def built(design: Design, seed: int) -> nn.Module:
    """A model of a design as the package draws it."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.manual_seed(seed)
    config = transformers.AutoConfig.for_model(design.model_type, **design.settings)
    model: nn.Module = getattr(transformers, design.head)(config)
    return model


def kept(member: Member) -> nn.Module:
    """A model that was kept, in float32."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model: nn.Module = getattr(transformers, member.config.head).from_pretrained(member.folder, dtype=torch.float32)
    return model


def _changed(model: nn.Module, member: Member) -> float:
    """Do to a model what its way says, and return its loss afterwards."""
    design = member.config
    if member.way in PRESSED:
        pressed(model, member.way)
    elif member.way is Way.PERMUTED:
        inputs, _ = next(batches(design, TEST_SEED))
        with torch.no_grad():
            before = said(model, inputs)
            permuted(model, design, member.seed)
            apart = float((said(model, inputs) - before).abs().max() / before.abs().max())
        if apart > SAME:
            raise RuntimeError(f"{member.name} computes something else: {apart:.2g}")
    elif member.way is Way.FINE_TUNED:
        fit(model, batches(design, member.seed), FINE_TUNING)
    else:
        if member.way is Way.PUBLIC:
            start_publicly(model)
        teacher = kept(member.origin).eval() if member.origin else None
        schedule = Schedule(design.steps, design.rate)
        fit(model, batches(design, member.seed), schedule, teacher, states=member.way is Way.STATES)
    return test_loss(model, design)


def fit(
    model: nn.Module,
    stream: Iterator[Batch],
    schedule: Schedule,
    teacher: nn.Module | None = None,
    *,
    states: bool = False,
) -> None:
    """Train a model in place.

    Args:
        model: Trained in place.
        stream: What it is given.
        schedule: How long and how fast.
        teacher: Whose word stands in the place of the data's.
        states: Whether its hidden states are to be had as well.
    """

    def loss() -> Tensor:
        inputs, wanted = next(stream)
        if teacher is None:
            return functional.cross_entropy(said(model, inputs).flatten(0, -2), wanted.flatten())
        own = model(**inputs, output_hidden_states=states)
        with torch.no_grad():
            theirs = teacher(**inputs, output_hidden_states=states)
        aim = theirs.logits.flatten(0, -2).softmax(-1)
        total = functional.cross_entropy(own.logits.flatten(0, -2), aim)
        for mine, other in zip(own.hidden_states or (), theirs.hidden_states or (), strict=True):
            total = total + functional.mse_loss(mine, other) / other.var()
        return total

    model.train()
    train(pre_training([model], schedule), loss)
    model.eval()


def said(model: nn.Module, inputs: dict[str, Tensor]) -> Tensor:
    """A model's logits [..., classes]."""
    logits: Tensor = model(**inputs).logits
    return logits


@torch.no_grad()
def test_loss(model: nn.Module, design: Design) -> float:
    """Mean cross-entropy on what no model is trained on, or on windows that all are measured by."""
    model.eval()
    inputs, wanted = next(batches(design, TEST_SEED, test=True))
    return float(functional.cross_entropy(said(model, inputs).flatten(0, -2), wanted.flatten()))


def batches(design: Design, seed: int, *, test: bool = False) -> Iterator[Batch]:
    """What a design's models are given, in an order of a seed's own."""
    if design.task in {Task.TEXT, Task.HALVES}:
        return _texts(design, seed)
    examples = vowels.Vowels(seed=seed) if design.task is Task.HEARING else digits.Digits(mirrored=False, seed=seed)
    draw: Callable[[], tuple[Tensor, Tensor]] = examples.test if test else lambda: examples.batch(INPUTS)
    key = "input_features" if design.task is Task.HEARING else "pixel_values"
    return ((_seen(key, inputs), wanted) for inputs, wanted in iter(draw, None))


def _seen(key: str, inputs: Tensor) -> dict[str, Tensor]:
    """Spectrograms as they are, clips by their first frame."""
    return {key: inputs if inputs.ndim == 3 else inputs[:, :, 0]}


def _texts(design: Design, seed: int) -> Iterator[Batch]:
    generator, text = torch.Generator().manual_seed(seed), tokens().texts[SOURCES]
    while True:
        if design.task is Task.TEXT:
            found = windows(text, WINDOWS, LENGTH + 1, generator)
            yield {"input_ids": found[:, :-1]}, found[:, 1:]
        else:
            found = windows(text, WINDOWS, 2 * LENGTH, generator)
            told, wanted = found[:, :LENGTH], found[:, LENGTH:]
            before = functional.pad(wanted[:, :-1], (1, 0))
            yield {"input_ids": told, "decoder_input_ids": before}, wanted


@torch.no_grad()
def start_publicly(model: nn.Module) -> None:
    """Put a public table in the place of token rows, and sinusoids in that of learned positions."""
    generator = torch.Generator().manual_seed(PUBLIC_SEED)
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding):
            table = module.weight
            if "position" in name:
                table.copy_(sinusoids(*table.shape))
            else:
                table.copy_(PUBLIC_SPREAD * torch.randn(table.shape, generator=generator))


if __name__ == "__main__":
    main()
