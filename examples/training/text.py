"""Text to train decoders on: Python's own sources and help texts as bytes, and the byte tokenizer that goes with it."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import torch
from torch import Tensor

VOCABULARY = 256

SOURCES = (
    "argparse.py",
    "ast.py",
    "asyncio/base_events.py",
    "collections/__init__.py",
    "configparser.py",
    "dataclasses.py",
    "difflib.py",
    "doctest.py",
    "enum.py",
    "functools.py",
    "http/client.py",
    "inspect.py",
    "logging/__init__.py",
    "mailbox.py",
    "optparse.py",
    "pickle.py",
    "pydoc.py",
    "shutil.py",
    "statistics.py",
    "subprocess.py",
    "tarfile.py",
    "threading.py",
    "tokenize.py",
    "typing.py",
    "unittest/mock.py",
    "urllib/request.py",
)
"""Modules of the standard library; another release of Python has other bytes in them, and so gives other weights."""


def sources() -> Tensor:
    """Python's source code, as byte values [n], int64."""
    library = Path(sysconfig.get_path("stdlib"))
    return _bytes("\n".join((library / name).read_text(encoding="utf-8") for name in SOURCES))


def help_texts() -> Tensor:
    """Python's help topics, English prose, as byte values [n], int64."""
    return _bytes("\n".join(text for _, text in sorted(topics.items())))


def _bytes(text: str) -> Tensor:
    return torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8).long()


def windows(text: Tensor, count: int, length: int, generator: torch.Generator) -> Tensor:
    """Windows cut from a text [n] at random: [count, length]."""
    starts = torch.randint(len(text) - length, (count, 1), generator=generator)
    return text[starts + torch.arange(length)]


def byte_tokenizer() -> dict[str, Any]:
    """A ``tokenizer.json`` whose tokens are the bytes, each by the character that byte-level BPE writes for it."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(VOCABULARY) if byte not in printable]
    spelling = {byte: chr(byte) for byte in printable} | {byte: chr(0x100 + i) for i, byte in enumerate(others)}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {"type": "BPE", "vocab": {spelling[byte]: byte for byte in range(VOCABULARY)}, "merges": []},
    }
