"""The text that the decoders read, cut into tokens: a byte-level BPE of a thousand tokens, trained on it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor

from examples.training.text import help_texts, sources

VOCABULARY = 1024
SOURCES, HELP = "sources", "help"
"""Python's library, and its help topics."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A tokenizer and the texts under it."""

    tokenizer: dict[str, Any]
    """What ``tokenizer.json`` holds."""
    texts: dict[str, Tensor]
    """Token ids [n] of each text."""

    def of_letters(self, letters: bytes) -> tuple[int, ...]:
        """The ids of single ASCII letters, with which a decoder names what a tower sees."""
        vocabulary: dict[str, int] = self.tokenizer["model"]["vocab"]
        return tuple(vocabulary[chr(letter)] for letter in letters)


@cache
def tokens(vocabulary: int = VOCABULARY) -> Tokens:
    """The tokenizer, trained anew (a second or two; the result is always the same), and the texts."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    texts = {SOURCES: _decoded(sources()), HELP: _decoded(help_texts())}
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts.values(), trainer)
    ids = {name: torch.tensor(tokenizer.encode(text).ids) for name, text in texts.items()}
    return Tokens(json.loads(tokenizer.to_str()), ids)


def _decoded(text: Tensor) -> str:
    return bytes(text.to(torch.uint8).tolist()).decode()
