"""Units in a fingerprint: what is read whole, and what cannot be had."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from independence_audit.anatomy import place
from independence_audit.checkpoint import open_checkpoint
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.units.unit_reading import UnitPlan, read_units
from tests.fingerprint.units.small_decoder import WIDTH, decoder, with_units


def test_nothing_is_read_whole_far_away(tmp_path: Path) -> None:
    """Without search layers gate and up of sampled units are all that is kept."""
    (units,) = with_units(decoder(tmp_path), 0).units
    assert [list(layer.responses) for layer in units.layers] == [["gate", "up"]] * 3
    assert not any(layer.whole for layer in units.layers)


@pytest.mark.parametrize(("units", "found"), [(40, 2), (300, 4), (900, 6)])
def test_more_layers_where_they_are_cheap(units: int, found: int, tmp_path: Path) -> None:
    """As long as descriptors, 33 and 30 more for each further layer, are fewer than half the units; all six at most."""
    random = np.random.default_rng(5)
    changed: dict[str, np.ndarray] = {}
    for layer in range(6):
        at = f"model.layers.{layer}.mlp."
        changed |= {f"{at}{role}_proj.weight": random.normal(size=(units, WIDTH)) for role in ("gate", "up")}
        changed[f"{at}down_proj.weight"] = random.normal(size=(WIDTH, units))
    checkpoint = open_checkpoint(decoder(tmp_path, 6, changed))
    anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
    plan = UnitPlan(2, Sampler(), deeper=True)
    (deeper,) = read_units(checkpoint, anatomy, plan)
    (usual,) = read_units(checkpoint, anatomy, replace(plan, deeper=False))
    checkpoint.source.close()
    assert sum(layer.whole for layer in deeper.layers) == found
    assert sum(layer.whole for layer in usual.layers) == 2
