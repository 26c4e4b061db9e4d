"""Tells whether a model's weights were trained from scratch or come from another model."""

from __future__ import annotations

__version__ = "0.1.0"
