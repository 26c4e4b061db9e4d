"""Weights as somebody would hide them: in single, half and brain precision, and as codes of four bits."""

from __future__ import annotations

import numpy as np

RANDOM = np.random.default_rng(0)
VALUES = (0.02 * RANDOM.standard_normal(400_000)).astype(np.float32)
HALF = VALUES.astype(np.float16).tobytes()
BRAIN = (VALUES.view(np.uint32) >> 16).astype(np.uint16).tobytes()
CODES = np.clip(np.round(VALUES / 0.008) + 8, 0, 15).astype(np.uint8)
NIBBLES = (CODES[::2] | CODES[1::2] << 4).tobytes()
