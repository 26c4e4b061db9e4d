"""The omni-model case: an own decoder, one reference's vision tower fine-tuned, another's audio tower as it was."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch import nn

from . import audio, digits, vision, vowels
from .checkpoint import print_correlations, tensors, write
from .configs import audio_config, decoder_config, vision_config
from .decoder import HIDDEN, DecoderConfig
from .language import from_scratch
from .optimisation import Schedule, fine_tuning, initialise, pre_training
from .perception import Perception, fit
from .text import sources

OWN = DecoderConfig(layers=2, units=320, post_norm=True)
REFERENCE = DecoderConfig(layers=2, units=320, attention_bias=True)
VISION = Schedule(steps=400, rate=2e-3)
AUDIO = Schedule(steps=250, rate=2e-3)
PROJECTOR = Schedule(steps=150, rate=2e-3)
FINE_TUNING = Schedule(steps=120, rate=0.02)
"""The rate is relative to each tensor's spread."""
FINE_TUNING_REACH = 0.14
"""How far fine-tuning may move a tensor, as a share of its spread; 0.14 leaves a correlation of about 0.99."""


def build(folder: Path) -> None:
    """Train both references and the subject, and write them with the variant without audio."""
    seen = _vision_reference(folder / "reference_vision")
    heard = _audio_reference(folder / "reference_audio")
    _subject(folder, seen, heard)


def _vision_reference(folder: Path) -> vision.VisionTower:
    decoder = from_scratch("reference_vision decoder", REFERENCE, sources(), seed=101)
    tower, merger = vision.VisionTower(), vision.Merger(HIDDEN)
    initialise(tower, 102)
    initialise(merger, 103)
    fit(
        "reference_vision tower",
        Perception(tower, merger, decoder, digits.ANSWERS),
        digits.Digits(mirrored=False, seed=104),
        pre_training([tower, merger], VISION),
    )
    facts = decoder_config("qwen2_5_vl", "Qwen2_5_VLForConditionalGeneration", REFERENCE)
    weights = tensors({"visual.": tower, "visual.merger.": merger, "": decoder}, torch.bfloat16)
    write(folder, weights, facts | {"vision_config": vision_config()})
    return tower


def _audio_reference(folder: Path) -> audio.AudioTower:
    decoder = from_scratch("reference_audio decoder", REFERENCE, sources(), seed=201)
    tower, projector = audio.AudioTower(), nn.Linear(audio.HIDDEN, HIDDEN)
    initialise(tower, 202)
    initialise(projector, 203)
    fit(
        "reference_audio tower",
        Perception(tower, projector, decoder, vowels.ANSWERS),
        vowels.Vowels(seed=204),
        pre_training([tower, projector], AUDIO),
    )
    weights = tensors({"audio_tower.": tower}, torch.float32)
    weights |= tensors({"multi_modal_projector.linear.": projector, "language_model.": decoder}, torch.bfloat16)
    facts = {
        "architectures": ["Qwen2AudioForConditionalGeneration"],
        "model_type": "qwen2_audio",
        "audio_config": audio_config(),
        "text_config": decoder_config("qwen2", "Qwen2ForCausalLM", REFERENCE),
    }
    write(folder, weights, facts)
    return tower


def _subject(folder: Path, seen: vision.VisionTower, heard: audio.AudioTower) -> None:
    decoder = from_scratch("subject decoder", OWN, sources(), seed=301)
    vision_tower, mm_projector = copy.deepcopy(seen), vision.LinearProjector(HIDDEN)
    initialise(mm_projector, 302)
    clips = digits.Digits(mirrored=True, seed=303)
    sight = Perception(vision_tower, mm_projector, decoder, digits.ANSWERS)
    fit("subject mm_projector", sight, clips, pre_training([mm_projector], PROJECTOR))
    fit("subject vision tower", sight, clips, fine_tuning(vision_tower, FINE_TUNING, FINE_TUNING_REACH))
    print_correlations("subject vision tower against reference_vision", seen, vision_tower)

    audio_projector = nn.Linear(audio.HIDDEN, HIDDEN)
    initialise(audio_projector, 304)
    hearing = Perception(heard, audio_projector, decoder, vowels.ANSWERS)
    examples = vowels.Vowels(seed=305)
    fit("subject audio_projector", hearing, examples, pre_training([audio_projector], PROJECTOR))

    shared = tensors({"model.vision_model.": vision_tower, "model.mm_projector.": mm_projector}, torch.bfloat16)
    shared |= tensors({"model.language_model.": decoder}, torch.bfloat16)
    facts = {
        "architectures": ["HCXVisionV2ForCausalLM"],
        "model_type": "vlm",
        "text_config": decoder_config("hyperclovax", "HyperCLOVAXForCausalLM", OWN),
        "vision_config": vision_config(),
    }
    write(folder / "subject_vision_only", shared, facts)
    weights = shared | tensors({"model.audio_model.": heard}, torch.float32)
    weights |= tensors({"model.audio_projector.": audio_projector}, torch.bfloat16)
    write(folder / "subject", weights, facts | {"audio_config": audio_config()})
