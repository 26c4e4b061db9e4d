"""Arithmetic on weights of any scale: a product that overflows is a number that could not be had, not a warning."""

from __future__ import annotations

import numpy as np

ANY_SCALE = np.errstate(over="ignore", invalid="ignore", under="ignore")
"""Decorates what computes on weights; :func:`independence_audit.evidence.finite.without_overflow` takes the infinite
numbers out of its report."""
