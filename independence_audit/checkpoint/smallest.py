"""How few bytes could hold stolen weights: below this, a file is not worth a line of the report."""

from __future__ import annotations

WIDTH = 256
"""Channels of the narrowest layers that are worth taking: those of the smallest published language models."""

SMALLEST = 12 * WIDTH**2 * 2 // 8
"""Bytes of one such layer, 12 times the square of its width in values, at two bits each, the densest packing in use."""
