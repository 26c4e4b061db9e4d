"""Units of all layers together: what their up rows say is added up, and how many gates are alike is counted.

Gates alone tell where each layer of a reference would stand. A copy may stand at any depth, between layers that do
nothing, with units doubled or left out: its layers are still seen, each by a few units, among all units of every layer
of the subject.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from independence_audit.evidence.measurement import DisguisedTest, UnitTest
from independence_audit.fingerprint.units.unit_layers import UnitLayer
from independence_audit.statistics.alike import count_alike, least_cosine
from independence_audit.statistics.matching import Match, match
from independence_audit.statistics.units import are_leaning, are_tied, sign_p, sign_z

Singles = NDArray[np.float32]
Responses = Mapping[str, Singles]

COUNTED = 256
"""Units from which counts without a p-value are evidence."""

UNITS_ALIKE = 0.25
"""Share of the units that are looked for from which gates, or downs, that are alike are evidence. Measured between
unrelated models: 0.9% of 2,816 units at most between real ones (detectors of punctuation and the like), 0.5% of 640
between trained small ones of one config; of downs 1.2% of 512. Between copies trained on for 1.5 times their training
84% and 61%, fine-tuned ones 100%. Students that imitate all hidden states of a teacher, with weights of their own, come
to 11% of gates and behind the first layer to 14% of downs; trained four times as long as the teacher to 19% and 18%."""

ITS_OWN = 3.0
"""z of one layer's signs from which it is named among the layers that were found together."""


@dataclass(frozen=True, slots=True)
class _Beside:
    """A reference's layer beside a layer of the subject."""

    layer: int
    found: Match
    ups: Singles
    """[k, t]: the up rows of the units that gates are matched with."""
    speaks: bool
    """Whether the subject's up rows stand free of its gates and of each other."""

    @property
    def closeness(self) -> float:
        """Mean cosine of the best matches."""
        return float(self.found.cosine.mean())


@dataclass(frozen=True, slots=True)
class _LookedFor:
    """A layer of the reference and the units of it that are looked for."""

    layer: int
    gates: Singles
    ups: Singles
    speaks: bool


class Together:
    """A reference's layers on their way through the layers of a subject."""

    def __init__(self, layers: Sequence[tuple[UnitLayer, Responses]], searched: Sequence[int], dimensions: int) -> None:
        """Begin.

        Args:
            layers: The reference's layers, each with the units that are looked for, whitened [k, t] by role.
            searched: The subject's layers that are looked through, in their order.
            dimensions: How many of the directions that anchors span are independent.
        """
        self._wanted = [
            _LookedFor(layer.layer, few["gate"], few["up"], not (are_leaning(few) or are_tied(few)))
            for layer, few in layers
            if "gate" in few and "up" in few and len(few["gate"]) > 1
        ]
        self._gates = np.concatenate([one.gates for one in self._wanted]) if self._wanted else None
        self._dimensions = dimensions
        self._units = 0
        self._best: list[_Beside | None] = [None] * len(self._wanted)
        self._plots: list[_Beside | None] = [None] * len(self._wanted)
        """Beside which layer of the subject each would be planted: spread over both in their order."""
        self._plot_of = [
            searched[number * len(searched) // len(self._wanted)] for number in range(len(self._wanted)) if searched
        ]

    def see(self, layer: UnitLayer, everything: Responses) -> None:
        """Look through one layer of the subject, all of whose units are there, whitened [m, t] by role."""
        if self._gates is None or "gate" not in everything or "up" not in everything:
            return
        self._units += len(everything["gate"])
        found, first = match(self._gates @ everything["gate"].T), 0
        speaks = not (are_leaning(everything) or are_tied(everything))
        for number, one in enumerate(self._wanted):
            stop = first + len(one.gates)
            place = found.place[first:stop]
            beside = _Beside(layer.layer, Match(place, found.cosine[first:stop]), everything["up"][place], speaks)
            held = self._best[number]
            if held is None or beside.closeness > held.closeness:
                self._best[number] = beside
            if layer.layer == self._plot_of[number]:
                self._plots[number] = beside
            first = stop

    @property
    def looked_for(self) -> Responses:
        """Gates and ups of all units that are looked for, [k, t]; what is planted are drifted copies of them."""
        if self._gates is None:
            return {}
        return {"gate": self._gates, "up": np.concatenate([one.ups for one in self._wanted])}

    def tests(self, *, symmetric: bool) -> Iterator[DisguisedTest]:
        """What all layers show together; nothing where no pair of layers could be matched.

        Args:
            symmetric: Whether (up, down) -> -(up, down) is a symmetry of both sides' blocks: without it, signs of up
                rows are not random, and are not added up.
        """
        yield from self._tests(self._best, symmetric=symmetric)

    def tests_with(self, planted: Responses, *, symmetric: bool) -> Iterator[DisguisedTest]:
        """The same if drifted copies of what is looked for stood among the subject's own units.

        Args:
            planted: The copies, [k, t] by role, in the order of ``looked_for``.
            symmetric: As above.
        """
        beside, first = list(self._best), 0
        for number, (one, plot, best) in enumerate(zip(self._wanted, self._plots, self._best, strict=True)):
            stop = first + len(one.gates)
            if plot is not None and best is not None:
                grown = _grown(one, plot, planted["gate"][first:stop], planted["up"][first:stop])
                beside[number] = max(best, grown, key=lambda each: each.closeness)
            first = stop
        yield from self._tests(beside, symmetric=symmetric)

    def _tests(self, beside: Sequence[_Beside | None], *, symmetric: bool) -> Iterator[DisguisedTest]:
        pairs = [(one, other) for one, other in zip(self._wanted, beside, strict=True) if other is not None]
        signs = {
            number: (one.ups[chosen] * other.ups[chosen]).sum(axis=1)
            for number, (one, other) in enumerate(pairs)
            if symmetric and one.speaks and other.speaks
            for chosen in (other.found.one_to_one()[0],)
        }
        if signs:
            own_z = {number: sign_z(each) for number, each in signs.items()}
            every = np.concatenate(list(signs.values()))
            strongest = max(own_z, key=own_z.__getitem__)
            z = sign_z(every)
            yield DisguisedTest(
                UnitTest.SIGNS_TOGETHER,
                layer=pairs[strongest][1].layer,
                reference_layer=pairs[strongest][0].layer,
                units=len(every),
                z=z,
                p_value=sign_p(z),
                layers=_named([pairs[number] for number, own in own_z.items() if own >= ITS_OWN]),
            )
        if pairs:
            least = least_cosine(self._units, self._dimensions)
            alike = [count_alike(other.found, least) for _, other in pairs]
            shares = [count / len(one.gates) for count, (one, _) in zip(alike, pairs, strict=True)]
            strongest = max(range(len(pairs)), key=shares.__getitem__)
            yield DisguisedTest(
                UnitTest.GATES_ALIKE,
                layer=pairs[strongest][1].layer,
                reference_layer=pairs[strongest][0].layer,
                units=sum(len(one.gates) for one, _ in pairs),
                count=sum(alike),
                layers=_named([pair for pair, share in zip(pairs, shares, strict=True) if share >= UNITS_ALIKE]),
            )


def _grown(one: _LookedFor, plot: _Beside, gates: Singles, ups: Singles) -> _Beside:
    """A plot with drifted copies among its own units: each unit that is looked for has the nearer of both."""
    own, copies = plot.found, match(one.gates @ gates.T)
    nearer = copies.cosine > own.cosine
    beyond = 1 + int(own.place.max(initial=0))
    place = np.where(nearer, beyond + copies.place, own.place)
    found = Match(place, np.maximum(own.cosine, copies.cosine))
    return _Beside(plot.layer, found, np.where(nearer[:, None], ups[copies.place], plot.ups), plot.speaks)


def _named(pairs: Sequence[tuple[_LookedFor, _Beside]]) -> dict[str, int]:
    """The subject's layers by number, each with the reference's that was found there."""
    layers: dict[str, int] = {}
    for there, here in sorted((other.layer, one.layer) for one, other in pairs):
        layers.setdefault(str(there), here)
    return layers
