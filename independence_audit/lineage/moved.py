"""Moved copies: layers that stand in other places, found by comparing every layer with every layer.

The search chooses, the tests decide: what it proposes is measured like any pair in its place, and every cell that it
looked at counts among the tests that the level is spread over. One joint test is made for each layer, never one over
all of them: a map chosen layer by layer would carry it, since the best of many strangers adds up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from independence_audit.fingerprint.model import Sample
from independence_audit.lineage.cells import LayerCells, layer_cells
from independence_audit.lineage.compare import ComponentMeasured, MovedSearch, measure_component
from independence_audit.lineage.layers import choose_layers
from independence_audit.lineage.measure import Measured
from independence_audit.lineage.pairing import ComponentPair
from independence_audit.statistics.decision import critical_z

IN_PLACE = 0.5
"""Mean r in its own place from which a layer is not looked for elsewhere: twice the most that a wrong layer of the
same lineage could reach and still leave a margin."""

SCREEN = 0.8
"""Share of the critical z below which a cell is not measured: clipping outliers raises z by a few percent at most."""

LAYER_MOVED = "layer_moved"


def search_moved(compared: Sequence[ComponentMeasured], alpha: float) -> list[ComponentMeasured]:
    """Search every comparison for moved layers.

    Args:
        compared: All comparisons of an audit, in their places.
        alpha: Family-wise level of the audit.
    """
    looked = [(one, _cells(one.pair)) for one in compared]
    tests = sum(one.tests + (cells.tests if cells else 0) for one, cells in looked)
    least = SCREEN * critical_z(alpha, max(1, tests))
    return [replace(one, search=_search(one, cells, least)) for one, cells in looked]


def _cells(pair: ComponentPair) -> LayerCells | None:
    """Layers against layers; None where nothing in layers can be compared."""
    cells = layer_cells(_mine(pair), _theirs(pair))
    return cells if cells.roles else None


def _mine(pair: ComponentPair) -> list[Sample]:
    return [*(mine for mine, _ in pair.pairs), *pair.unmatched]


def _theirs(pair: ComponentPair) -> list[Sample]:
    return [*(theirs for _, theirs in pair.pairs), *pair.free]


def _search(compared: ComponentMeasured, cells: LayerCells | None, least: float) -> MovedSearch:
    if cells is None:
        return MovedSearch(0, "no_layers")
    if _all_in_place(cells) or not (cells.evidence >= least).any():
        return MovedSearch(cells.tests)
    theirs = _theirs(compared.pair)
    layer_map = choose_layers(cells, layer_cells(theirs, theirs).strength, least)
    if all(layer == target for layer, target in layer_map.items()):
        return MovedSearch(cells.tests)
    return MovedSearch(cells.tests, "", _measure_moved(compared, layer_map, cells.tests))


def _all_in_place(cells: LayerCells) -> bool:
    """Whether every layer of the subject is found where it stands."""
    strength = cells.strength
    return all(
        layer in cells.second and strength[row, cells.second.index(layer)] >= IN_PLACE
        for row, layer in enumerate(cells.first)
    )


def _measure_moved(compared: ComponentMeasured, layer_map: Mapping[int, int], tests: int) -> ComponentMeasured:
    """The comparison with the map's layers beside those they come from; what has no place in it stays where it is."""
    pair = compared.pair
    moved = {layer: target for layer, target in layer_map.items() if layer != target}
    there = {theirs.key: theirs for theirs in _theirs(pair)}
    kept = tuple(one for one in compared.measured if one.subject.layer not in moved)
    again = [
        measure_component(compared.reference, replace(pair, pairs=tuple(pairs)))
        for pairs in _moved_pairs(_mine(pair), there, moved).values()
    ]
    measured = (*kept, *(replace(one, undone=LAYER_MOVED) for each in again for one in each.measured))
    joint = max((compared, *again), key=lambda each: abs(each.weakest.z) if each.weakest else 0.0)
    return ComponentMeasured(
        reference=compared.reference,
        pair=_pair(pair, measured, pair.choices + tests),
        measured=measured,
        joint=joint.joint,
        weakest=joint.weakest,
        search=MovedSearch(tests),
        counted=compared.tests + tests,
    )


def _moved_pairs(
    mine: Iterable[Sample], there: Mapping[tuple[int | None, str], Sample], moved: Mapping[int, int]
) -> Mapping[int, list[tuple[Sample, Sample]]]:
    """The pairs of every moved layer."""
    pairs: dict[int, list[tuple[Sample, Sample]]] = defaultdict(list)
    for sample in mine:
        if sample.layer is not None and sample.layer in moved:
            counterpart = there.get((moved[sample.layer], sample.role))
            if counterpart is not None:
                pairs[sample.layer].append((sample, counterpart))
    return pairs


def _pair(pair: ComponentPair, measured: Sequence[Measured], choices: int) -> ComponentPair:
    """The component pair with the sample pairs that were measured."""
    met = {id(one.subject) for one in measured}
    used = {id(one.reference) for one in measured}
    return replace(
        pair,
        pairs=tuple((one.subject, one.reference) for one in measured),
        unmatched=tuple(sample for sample in _mine(pair) if id(sample) not in met),
        free=tuple(sample for sample in _theirs(pair) if id(sample) not in used),
        choices=choices,
    )
