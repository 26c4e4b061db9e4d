"""The example checkpoints as models: they have learned what they were trained for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from examples.training import audio, digits, hyperclovax, seeds, solar, vision, vowels
from examples.training.decoder import HIDDEN, Decoder, DecoderConfig
from examples.training.optimisation import initialise
from examples.training.perception import Examples, Perception
from examples.training.text import sources, windows

Module = TypeVar("Module", bound=nn.Module)

CHANCE = 5.545
"""Loss of a model that gives every byte the same chance, in nats."""


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    """Nothing is trained here."""
    with torch.no_grad():
        yield


def load(module: Module, tensors: dict[str, Tensor], prefix: str) -> Module:
    """Fill a module with the tensors under a prefix."""
    own = {name: tensors[prefix + name].float() for name in module.state_dict()}
    module.load_state_dict(own)
    return module.eval()


@pytest.mark.parametrize(
    ("name", "prefix", "config"),
    [
        ("hyperclovax_case/subject", "model.language_model.", hyperclovax.OWN),
        ("hyperclovax_case/reference_vision", "", hyperclovax.REFERENCE),
        ("hyperclovax_case/reference_audio", "language_model.", hyperclovax.REFERENCE),
        ("solar_case/glm4_moe", "", solar.GLM),
        ("solar_case/solar_open", "", solar.SOLAR),
        ("seeds_case/base", "", seeds.CONFIG),
        ("seeds_case/base_fp16", "", seeds.CONFIG),
        ("seeds_case/other_seed", "", seeds.CONFIG),
        ("seeds_case/finetuned", "", seeds.CONFIG),
        ("seeds_case/continued", "", seeds.CONFIG),
    ],
)
def test_decoders_predict_text(checkpoints: dict[str, Path], name: str, prefix: str, config: DecoderConfig) -> None:
    """The next byte of Python's sources costs a decoder less than half of what it costs chance."""
    tensors = load_file(checkpoints[name] / "model.safetensors")
    text = windows(sources(), 8, 129, torch.Generator().manual_seed(0))
    assert float(load(Decoder(config), tensors, prefix).loss(text)) < CHANCE / 2


@pytest.mark.parametrize(
    ("name", "tower", "projector", "decoder"),
    [
        ("reference_vision", "visual.", ("visual.merger.", vision.Merger(HIDDEN)), ("", hyperclovax.REFERENCE)),
        (
            "subject",
            "model.vision_model.",
            ("model.mm_projector.", vision.LinearProjector(HIDDEN)),
            ("model.language_model.", hyperclovax.OWN),
        ),
    ],
)
def test_vision_towers_see(
    checkpoints: dict[str, Path],
    name: str,
    tower: str,
    projector: tuple[str, nn.Module],
    decoder: tuple[str, DecoderConfig],
) -> None:
    """The decoders name most of the digits that they are shown; one in ten would be chance."""
    tensors = load_file(checkpoints["hyperclovax_case/" + name] / "model.safetensors")
    perception = Perception(
        load(vision.VisionTower(), tensors, tower),
        load(projector[1], tensors, projector[0]),
        load(Decoder(decoder[1]), tensors, decoder[0]),
        digits.ANSWERS,
    )
    assert accuracy(perception, digits.Digits(mirrored=name == "subject", seed=1), digits.ANSWERS) > 0.6


@pytest.mark.parametrize(
    ("name", "tower", "projector", "decoder"),
    [
        (
            "reference_audio",
            "audio_tower.",
            "multi_modal_projector.linear.",
            ("language_model.", hyperclovax.REFERENCE),
        ),
        ("subject", "model.audio_model.", "model.audio_projector.", ("model.language_model.", hyperclovax.OWN)),
    ],
)
def test_audio_towers_hear(
    checkpoints: dict[str, Path], name: str, tower: str, projector: str, decoder: tuple[str, DecoderConfig]
) -> None:
    """The decoders name most of the vowels that they are played; one in ten would be chance."""
    tensors = load_file(checkpoints["hyperclovax_case/" + name] / "model.safetensors")
    perception = Perception(
        load(audio.AudioTower(), tensors, tower),
        load(nn.Linear(audio.HIDDEN, HIDDEN), tensors, projector),
        load(Decoder(decoder[1]), tensors, decoder[0]),
        vowels.ANSWERS,
    )
    assert accuracy(perception, vowels.Vowels(seed=1, training=0), vowels.ANSWERS) > 0.8


def accuracy(perception: Perception, examples: Examples, answers: tuple[int, ...]) -> float:
    """Share of the test inputs named rightly among all 256 bytes."""
    inputs, classes = examples.test()
    return float((perception(inputs).argmax(-1) == torch.tensor(answers)[classes]).float().mean())


def test_weights_moved_from_their_draw(checkpoints: dict[str, Path]) -> None:
    """The seed regenerates the initial draw; training moved every matrix from it, and left something of it."""
    tensors = load_file(checkpoints["seeds_case/base"] / "model.safetensors")
    initial = Decoder(seeds.CONFIG)
    initialise(initial, 501)
    for name, draw in initial.state_dict().items():
        if draw.ndim > 1:
            r = float(torch.corrcoef(torch.stack([draw.flatten(), tensors[name].flatten()]))[0, 1])
            assert 0.2 < r < 0.95, name
