"""The null of the check after alignment: what rotations recovered from the likest units of unrelated models show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from benchmarks.lineage.bases import BASES, Base, related
from benchmarks.lineage.train import folder
from independence_audit.core.progress import NoProgress
from independence_audit.evidence.measurement import DisguisedTest, UnitTest
from independence_audit.fingerprint import read_model
from independence_audit.fingerprint.units.describe import LayerMatrices, layer_matrices
from independence_audit.fingerprint.units.places import unit_places
from independence_audit.fingerprint.units.unit_layers import ComponentUnits
from independence_audit.fingerprint.units.unit_reading import read_units, unit_plan
from independence_audit.lineage.disguised import matched_units
from independence_audit.pipeline.settings import AuditSettings
from independence_audit.statistics.recovery import AlignmentCheck, check_after_alignment

LOOKED_AT = (
    *(f"dense_{n}" for n in range(1, 7)),
    "moe_solar",
    "moe_glm",
    "moe_solar_2",
    "vision_1",
    "vision_2",
    "plain_1",
)
KINDS = (UnitTest.DESCRIPTORS, UnitTest.UP_SIGN)
"""Tests by whose matching turns are recovered: without anchors, and with them."""


@dataclass(frozen=True, slots=True)
class LookNull:
    """Checks after alignment between unrelated models: mean and largest absolute value."""

    count: int
    others: tuple[float, float]
    attention: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Seen:
    """One model's components and layers."""

    units: tuple[ComponentUnits, ...]
    layers: Mapping[tuple[str, int], LayerMatrices]


def look_null() -> LookNull | None:
    """Every layer of a model beside every layer of each unrelated model of its width."""
    ready = [one for one in BASES if one.name in LOOKED_AT and (folder(one) / "training.json").is_file()]
    seen = {one.name: _seen(one) for one in ready}
    looks = [
        look
        for mine, theirs in combinations(ready, 2)
        if related(mine, theirs) is None
        for look in _looks(seen[mine.name], seen[theirs.name])
    ]
    if not looks:
        return None
    attention = [look.attention for look in looks if look.attention is not None]
    return LookNull(len(looks), _figures([look.others for look in looks]), _figures(attention))


def _figures(values: list[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.abs(values).max())


def _seen(one: Base) -> _Seen:
    settings = AuditSettings()
    model = read_model(str(folder(one)), settings.sampler, NoProgress())
    assert model.weights is not None  # noqa: S101 - a folder with weights
    checkpoint, anatomy = model.weights.checkpoint, model.weights.anatomy
    plan = replace(unit_plan(checkpoint.source, settings.sampler, None), deeper=True)
    layers = {}
    for component in anatomy.components:
        for place in unit_places(anatomy, component):
            found = layer_matrices(checkpoint, component, place)
            if found is not None:
                layers[component.name, place.layer] = found
    units = read_units(checkpoint, anatomy, plan)
    model.close()
    return _Seen(units, layers)


def _looks(mine: _Seen, theirs: _Seen) -> Iterator[AlignmentCheck]:
    for ours in mine.units:
        for other in theirs.units:
            for first in ours.layers:
                for second in other.layers:
                    pair = (
                        mine.layers.get((ours.component, first.layer)),
                        theirs.layers.get((other.component, second.layer)),
                    )
                    for kind in KINDS:
                        matched = matched_units(ours, other, DisguisedTest(kind, first.layer, second.layer, 0))
                        if matched is not None and pair[0] is not None and pair[1] is not None:
                            yield from _look(pair[0], pair[1], matched)


def _look(
    mine: LayerMatrices, theirs: LayerMatrices, matched: tuple[np.ndarray, np.ndarray]
) -> Iterator[AlignmentCheck]:
    if len(mine.units) == len(theirs.units) and len(matched[0]) >= mine.units[0].shape[1] == theirs.units[0].shape[1]:
        yield check_after_alignment(
            [rows[matched[0]] for rows in mine.units],
            [rows[matched[1]] for rows in theirs.units],
            list(zip(mine.attention, theirs.attention, strict=False)),
        )
