"""GGUF, the container of llama.cpp: read strictly by position, and shown as the tensors that were converted."""

from __future__ import annotations

from independence_audit.checkpoint.gguf.gguf_checkpoint import read_gguf_files, read_gguf_tokens

__all__ = ["read_gguf_files", "read_gguf_tokens"]
