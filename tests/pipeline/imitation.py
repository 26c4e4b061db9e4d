"""Students that imitate a teacher's hidden states from an initialisation of their own: they share no weight with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from examples.training.decoder import Decoder, DecoderConfig
from examples.training.layers import angles

TEACHER = Path(__file__).resolve().parents[2] / "examples" / "seeds_case" / "base"
CONFIG = DecoderConfig(layers=2, units=320)
STEPS, BATCH, LENGTH = 120, 4, 16


def student(folder: Path, seed: int) -> Path:
    """A checkpoint of the teacher's design that was trained on nothing but the teacher's hidden states."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    teacher, pupil = Decoder(CONFIG), Decoder(CONFIG)
    teacher.load_state_dict({name: value.float() for name, value in load_file(TEACHER / "model.safetensors").items()})
    teacher.requires_grad_(requires_grad=False)
    for parameter in pupil.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.05)
    optimiser = torch.optim.Adam(pupil.parameters(), lr=6e-3)
    for _ in range(STEPS):
        text = torch.randint(0, CONFIG.vocabulary, (BATCH, LENGTH))
        pairs = zip(_states(pupil, text), _states(teacher, text), strict=True)
        loss = torch.stack([((mine - theirs) ** 2).mean() / (theirs**2).mean() for mine, theirs in pairs]).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().contiguous() for name, value in pupil.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    for file in ("config.json", "tokenizer.json"):
        shutil.copy(TEACHER / file, folder)
    return folder


def _states(model: Decoder, text: Tensor) -> list[Tensor]:
    """Embeddings, the hidden states behind every layer, and what the head makes of the last."""
    hidden = model.model.embed_tokens(text)
    states = [hidden]
    angle = angles(torch.arange(text.shape[1]), CONFIG.head_size // 2)
    for layer in model.model.layers:
        hidden = layer(hidden, angle)
        states.append(hidden)
    return [*states, model.lm_head(model.model.norm(hidden))]
