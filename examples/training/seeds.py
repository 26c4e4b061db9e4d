"""Kinship among decoders of one config: another seed, fine-tuned, trained on for long, cast to float16."""

from __future__ import annotations

from pathlib import Path

import torch

from .checkpoint import print_correlations, tensors, write
from .configs import decoder_config
from .decoder import Decoder, DecoderConfig
from .language import from_scratch, further
from .optimisation import Schedule
from .text import help_texts, sources

CONFIG = DecoderConfig(layers=2, units=320)
FINE_TUNING = Schedule(steps=100, rate=9e-4)
CONTINUED = Schedule(steps=350, rate=3.5e-3)


def build(folder: Path) -> None:
    """Train the base and its kin, and write them."""
    base = from_scratch("base", CONFIG, sources(), seed=501)
    _write(folder / "base", base, torch.float32)
    _write(folder / "base_fp16", base, torch.float16)

    other = from_scratch("other_seed", CONFIG, sources(), seed=502)
    _write(folder / "other_seed", other, torch.bfloat16)

    finetuned = further("finetuned", base, help_texts(), 503, FINE_TUNING)
    print_correlations("finetuned against base", base, finetuned)
    _write(folder / "finetuned", finetuned, torch.bfloat16)

    continued = further("continued", base, sources(), 504, CONTINUED)
    print_correlations("continued against base", base, continued)
    _write(folder / "continued", continued, torch.bfloat16)


def _write(folder: Path, decoder: Decoder, dtype: torch.dtype) -> None:
    write(folder, tensors({"": decoder}, dtype), decoder_config("llama", "LlamaForCausalLM", CONFIG))
