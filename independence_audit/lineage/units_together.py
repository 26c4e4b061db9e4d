"""Units of all layers together: what their up rows say is added up, and how many gates are alike is counted.

Gates alone tell where each layer of a reference would stand. A copy may stand at any depth, between layers that do
nothing, with units doubled or left out: its layers are still seen, each by a few units, among all units of every layer
of the subject.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from independence_audit.evidence.measurement import DisguisedTest, UnitTest
from independence_audit.fingerprint.units.unit_layers import UnitLayer
from independence_audit.statistics.matching import Match, match
from independence_audit.statistics.units import are_leaning, are_tied, sign_p, sign_z

Responses = Mapping[str, NDArray[np.float32]]

ALIKE = 0.5
"""Whitened cosine from which two gates are alike. Median of the best matches of copies that were trained on for 1.5
times their training 0.60, of fine-tuned ones 0.96; of unrelated models 0.30 to 0.34."""

BEYOND_CHANCE = 1.25
"""How many times the largest cosine that directions at random would have it must be at least: sqrt(2 ln m / d) among m
units in d dimensions, 0.35 of 117,000 in 192. Where few anchors are shared that is more than ``ALIKE``."""

GATES_ALIKE = 0.1
"""Share of the units that are looked for from which gates that are alike are evidence. Measured between unrelated
models: 0.9% of 2,816 units at most between real ones (detectors of punctuation and the like), 0.5% of 640 between
trained small ones of one config; between copies trained on for 1.5 times their training 84%, fine-tuned ones 100%."""

ITS_OWN = 3.0
"""z of one layer's signs from which it is named among the layers that were found together."""


class Together:
    """A reference's layers on their way through the layers of a subject."""

    def __init__(self, layers: Sequence[tuple[UnitLayer, Responses]], dimensions: int) -> None:
        """Begin.

        Args:
            layers: The reference's layers, each with the units that are looked for, whitened [k, t] by role.
            dimensions: How many of the directions that anchors span are independent.
        """
        self._layers = [(layer, few) for layer, few in layers if "gate" in few and "up" in few and len(few["gate"]) > 1]
        self._gates = np.concatenate([few["gate"] for _, few in self._layers]) if self._layers else None
        self._dimensions = dimensions
        self._units = 0
        self._best: list[tuple[float, int, Match, Responses] | None] = [None] * len(self._layers)

    def see(self, layer: UnitLayer, everything: Responses) -> None:
        """Look through one layer of the subject, all of whose units are there, whitened [m, t] by role."""
        if self._gates is None or "gate" not in everything or "up" not in everything:
            return
        self._units += len(everything["gate"])
        found, first = match(self._gates @ everything["gate"].T), 0
        speaks = not (are_leaning(everything) or are_tied(everything))
        for number, (_, few) in enumerate(self._layers):
            stop = first + len(few["gate"])
            own = Match(found.place[first:stop], found.cosine[first:stop])
            closeness, held = float(own.cosine.mean()), self._best[number]
            if held is None or closeness > held[0]:
                self._best[number] = closeness, layer.layer, own, {"up": everything["up"][own.place]} if speaks else {}
            first = stop

    def tests(self, *, symmetric: bool) -> Iterator[DisguisedTest]:
        """What all layers show together; nothing where no pair of layers could be matched.

        Args:
            symmetric: Whether (up, down) -> -(up, down) is a symmetry of both sides' blocks: without it, signs of up
                rows are not random, and are not added up.
        """
        partners = [
            (layer, few, *held[1:]) for (layer, few), held in zip(self._layers, self._best, strict=True) if held
        ]
        if not partners:
            return
        signs: dict[int, NDArray[np.floating]] = {}
        for number, (_, few, _, own, theirs) in enumerate(partners):
            if symmetric and theirs and not (are_leaning(few) or are_tied(few)):
                chosen, _ = own.one_to_one()
                signs[number] = (few["up"][chosen] * theirs["up"][chosen]).sum(axis=1)
        places = [(there, layer.layer) for layer, _, there, _, _ in partners]
        if signs:
            every = np.concatenate(list(signs.values()))
            own_z = {number: sign_z(each) for number, each in signs.items()}
            largest = max(own_z, key=lambda number: own_z[number])
            yield DisguisedTest(
                UnitTest.SIGNS_TOGETHER,
                *places[largest],
                units=len(every),
                z=sign_z(every),
                p_value=sign_p(sign_z(every)),
                layers=_named([places[number] for number, z in own_z.items() if z >= ITS_OWN]),
            )
        alike = [_alike(own, self._least()) for _, _, _, own, _ in partners]
        most = max(range(len(alike)), key=lambda number: alike[number] / len(partners[number][3].place))
        shares = [count / len(own.place) for count, (_, _, _, own, _) in zip(alike, partners, strict=True)]
        yield DisguisedTest(
            UnitTest.GATES_ALIKE,
            *places[most],
            units=sum(len(own.place) for _, _, _, own, _ in partners),
            count=sum(alike),
            layers=_named([place for place, share in zip(places, shares, strict=True) if share >= GATES_ALIKE]),
        )

    def _least(self) -> float:
        chance = math.sqrt(2.0 * math.log(max(2, self._units)) / max(1, self._dimensions))
        return max(ALIKE, BEYOND_CHANCE * chance)


def _alike(found: Match, least: float) -> int:
    """How many different units are matched by gates that are alike."""
    return len(np.unique(found.place[found.cosine >= least]))


def _named(places: Sequence[tuple[int, int]]) -> dict[str, int]:
    """The subject's layers by number, each with the reference's that was found there."""
    layers: dict[str, int] = {}
    for layer, there in sorted(places):
        layers.setdefault(str(layer), there)
    return layers
