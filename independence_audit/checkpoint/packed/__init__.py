"""Weights that a quantiser packed, as the tensors they stand for: their values are worked out as they are read."""

from __future__ import annotations

from independence_audit.checkpoint.packed.unpack import unpacked

__all__ = ["unpacked"]
