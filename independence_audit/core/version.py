"""The release: what a report says it was made by."""

from __future__ import annotations

__version__ = "0.1.0"
