"""From bytes to named tensors: safetensors checkpoints, read strictly and in pieces, from any byte source."""

from __future__ import annotations

from independence_audit.checkpoint.assemble import read_checkpoint
from independence_audit.checkpoint.header import Header, parse_header, read_header
from independence_audit.checkpoint.layout import Layout, choose_layout
from independence_audit.checkpoint.open import is_remote_name, open_checkpoint, open_named
from independence_audit.checkpoint.sidecars import file_sha256, read_vocabulary
from independence_audit.checkpoint.sources.local import LocalSource
from independence_audit.checkpoint.tensors import ByteSource, Checkpoint, Notice, TensorInfo
from independence_audit.core.number_types import DTYPES, Dtype, decode, decode_into

__all__ = [
    "DTYPES",
    "ByteSource",
    "Checkpoint",
    "Dtype",
    "Header",
    "Layout",
    "LocalSource",
    "Notice",
    "TensorInfo",
    "choose_layout",
    "decode",
    "decode_into",
    "file_sha256",
    "is_remote_name",
    "open_checkpoint",
    "open_named",
    "parse_header",
    "read_checkpoint",
    "read_header",
    "read_vocabulary",
]
