"""From which cosine on two units' directions are alike, and how many units are."""

from __future__ import annotations

import math

import numpy as np

from independence_audit.statistics.matching import Match

ALIKE = 0.5
"""Whitened cosine from which two directions are alike. Median of the best matches of copies that were trained on for
1.5 times their training 0.60 (gates) and 0.55 (downs), of fine-tuned ones 0.96; of unrelated models 0.25 to 0.34."""

BEYOND_CHANCE = 1.25
"""How many times the largest cosine that directions at random would have it must be at least: sqrt(2 ln m / d) among m
units in d dimensions, 0.35 of 117,000 in 192. Where few anchors are shared that is more than ``ALIKE``."""


def least_cosine(units: int, dimensions: int) -> float:
    """The cosine from which the best of so many units, in so many dimensions, is alike."""
    chance = math.sqrt(2.0 * math.log(max(2, units)) / max(1, dimensions))
    return max(ALIKE, BEYOND_CHANCE * chance)


def count_alike(found: Match, least: float) -> int:
    """How many different units are matched by directions that are alike."""
    return len(np.unique(found.place[found.cosine >= least]))
