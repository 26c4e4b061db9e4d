"""The dispute that was none: two mixtures of experts of like architecture, trained independently on the same text."""

from __future__ import annotations

from pathlib import Path

import torch

from .checkpoint import tensors, write
from .configs import decoder_config
from .decoder import DecoderConfig
from .language import from_scratch
from .text import sources

GLM = DecoderConfig(layers=3, units=256, attention_bias=True, dense_layers=1)
SOLAR = DecoderConfig(layers=3, units=256, dense_layers=0)


def build(folder: Path) -> None:
    """Train both and write them."""
    glm = from_scratch("glm4_moe", GLM, sources(), seed=401)
    facts = decoder_config("glm4_moe", "Glm4MoeForCausalLM", GLM)
    write(folder / "glm4_moe", tensors({"": glm}, torch.bfloat16), facts)
    solar = from_scratch("solar_open", SOLAR, sources(), seed=402)
    facts = decoder_config("solar_open", "SolarOpenForCausalLM", SOLAR)
    write(folder / "solar_open", tensors({"": solar}, torch.bfloat16), facts)
