"""Figures that sentences state of the method itself: each is the constant that the method rests on, and no copy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

PACKAGE = "independence_audit"
FIGURES: Mapping[str, tuple[str, str]] = {
    "trained_top": ("statistics.spectrum", "TRAINED_TOP"),
    "empirical_z": ("lineage.disguised", "EMPIRICAL_Z"),
    "agreeing": ("lineage.disguised", "AGREEING"),
    "described_agreeing": ("lineage.disguised", "DESCRIBED_AGREEING"),
    "strangers_others": ("statistics.recovery", "STRANGERS_OTHERS"),
    "strangers_attention": ("statistics.recovery", "STRANGERS_ATTENTION"),
    "combined_below": ("training.trajectory.posing", "COMBINED"),
    "noise_below": ("training.trajectory.posing", "NOISE"),
    "excess_above": ("training.trajectory.posing", "EXCESS"),
    "carried_above": ("training.trajectory.start", "CARRIED"),
    "follows_above": ("training.log_check", "FOLLOWS"),
    "dependence_above": ("training.initialisers", "DEPENDENCE"),
    "single_z": ("lineage.decide", "SINGLE_Z"),
    "power": ("statistics.decision", "POWER"),
    "chance": ("report.trap", "CHANCE"),
}
"""By the name that a placeholder has: the module and its constant."""


@cache
def figure(name: str) -> float:
    """The constant behind a placeholder; its module is loaded when a sentence first needs it."""
    module, constant = FIGURES[name]
    return float(getattr(import_module(f"{PACKAGE}.{module}"), constant))
