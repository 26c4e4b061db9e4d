"""Moved copies: layers in other places, experts or rows in another order, dense layers taken for experts.

The search proposes, the tests decide: what it proposes is measured like any pair in its place, and everything that it
looked at counts among the tests that the level is spread over. One joint test is made for each layer, never one over
all of them: a map chosen layer by layer would carry it, since the best of many unrelated models adds up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from independence_audit.anatomy import is_generic
from independence_audit.fingerprint import Sample
from independence_audit.lineage.arrangements import (
    EXPERT,
    ROUTER,
    best_arrangement,
    expert_score_matrix,
    in_every_expert,
    with_experts_of,
)
from independence_audit.lineage.comparison import Comparison, Comparisons, Tried
from independence_audit.lineage.in_place import measure_component
from independence_audit.lineage.layer_scores import LayerScores, choose_layers, score_matrices
from independence_audit.lineage.measure import Measured
from independence_audit.lineage.outcomes import DONE, Outcome, Reason, SearchName, Status, Undone
from independence_audit.lineage.searches import About, Cost, Law, Models
from independence_audit.statistics.decision import critical_z
from independence_audit.statistics.joint import JointResult

IN_PLACE = 0.5
"""Mean r in its own place from which a layer or expert is not looked for elsewhere: a wrong one of the same lineage
could not be twice as strong."""

SCREEN = 0.8
"""Share of the critical z below which a cell is not measured: clipping outliers raises z by a few percent at most."""

ROW_MARGIN = 1.2
"""How many times as strong as any other the right order of rows must be. Kernels keep a third of their taps in place
when their sides are exchanged, and neighbouring taps are alike."""

MOST_UNNAMED = 12
"""Tensors of one shape without a known counterpart that are tried against each other in every order of rows."""

LOOKS = 3
"""Layers whose experts are looked through at first; the others are where an assignment is found in one of them."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pair that is worth measuring, and what was undone to make it one."""

    mine: Sample
    theirs: Sample
    """The reference's sample as it stands."""
    arranged: Sample
    """The same in the order of the subject's."""
    undone: Undone | None
    """As a message key; empty where the pair stands in its place."""


class Moved:
    """Layers, experts and rows that stand in other places: proposed by cells, decided by the tests of each layer."""

    about = About(
        title="moved",
        names=(SearchName.MOVED,),
        law=Law.EXACT,
        null="permutation of the columns; the level is spread over every pair that was looked at",
        bound="a layer whose joint test is significant at the level of all pairs",
        cost=Cost.SAMPLES,
        messages=("changed.layers", "changed.experts", "changed.upcycled", "changed.swapped", "changed.gates"),
    )

    def run(self, comparisons: Comparisons, models: Models) -> Comparisons:  # noqa: ARG002  samples are enough
        """Search every comparison for what was moved."""
        return comparisons.with_items(search_moved(comparisons.items, comparisons.alpha))


def search_moved(compared: Sequence[Comparison], alpha: float) -> list[Comparison]:
    """Search every comparison for what was moved.

    Args:
        compared: All comparisons of an audit, in their places.
        alpha: Family-wise level of the audit.
    """
    looked = [
        (one, None if _stands_in_place(one) else score_matrices(one.pair.subject_samples, one.pair.reference_samples))
        for one in compared
    ]
    tests = sum(one.tests + (matrices.tests if matrices else 0) for one, matrices in looked)
    least = SCREEN * critical_z(alpha, max(1, tests))
    return [one.with_tried({SearchName.MOVED: _Search(one, matrices, least).result()}) for one, matrices in looked]


def _stands_in_place(compared: Comparison) -> bool:
    """Whether every layer was found where it stands, so that there is none to look for elsewhere."""
    samples = compared.pair.subject_samples
    layers: dict[int, list[float]] = {sample.layer: [] for sample in samples if sample.layer is not None}
    for one in compared.measured:
        if one.subject.layer is not None and one.is_matrix and one.test:
            layers[one.subject.layer].append(one.test.r)
    return bool(layers) and all(found and sum(found) >= IN_PLACE * len(found) for found in layers.values())


class _Search:
    """One comparison's search: layers first, then experts and rows of the layers as they then stand."""

    def __init__(self, compared: Comparison, matrices: LayerScores | None, least: float) -> None:
        self.compared, self.matrices, self.least = compared, matrices, least
        self.tests = matrices.tests if matrices and matrices.roles else 0
        self.assignments: dict[int, Mapping[int, int]] = {}
        """By layer, subject expert to reference expert."""
        self.proposals = {
            one.subject.key: Proposal(one.subject, one.reference, one.reference, None) for one in compared.measured
        }

    def result(self) -> Tried:
        """What the search came to."""
        layer_map = self._layer_map()
        self._move_layers(layer_map)
        self._upcycle(layer_map)
        self._assign_experts()
        self._arrange_rows()
        moved = [proposal for proposal in self.proposals.values() if proposal.undone]
        if not moved:
            return Tried(DONE if self.tests or self.matrices is None else self._no_layers(), self.tests)
        return Tried(tests=self.tests, found=self._measure(moved))

    def _no_layers(self) -> Outcome:
        """Nothing could be looked through: that is the subject's doing where the reference has layers."""
        ours, theirs = (
            {sample.role: sample.shape[1] for sample in samples if sample.layer is not None and sample.shape[0] > 1}
            for samples in (self.compared.pair.subject_samples, self.compared.pair.reference_samples)
        )
        if not theirs:
            return Outcome(Status.NOT_APPLICABLE, Reason.NO_LAYERS_THERE)
        same = [role for role in ours.keys() & theirs.keys() if not is_generic(role)]
        if same and all(ours[role] != theirs[role] for role in same):
            return Outcome(Status.NOT_APPLICABLE, Reason.OTHER_WIDTHS)
        return Outcome(Status.NOT_POSSIBLE, Reason.NO_LAYERS)

    def _layer_map(self) -> Mapping[int, int]:
        """The layers that are by far the most like another than the one in their place."""
        matrices = self.matrices
        if (
            matrices is None
            or not matrices.roles
            or _all_in_place(matrices)
            or not (matrices.evidence >= self.least).any()
        ):
            return {}
        theirs = self.compared.pair.reference_samples
        chosen = choose_layers(matrices, score_matrices(theirs, theirs).strength, self.least)
        return {layer: target for layer, target in chosen.items() if layer != target}

    def _move_layers(self, layer_map: Mapping[int, int]) -> None:
        there = {theirs.layer_role: theirs for theirs in self.compared.pair.reference_samples}
        for sample in self.compared.pair.subject_samples:
            if sample.layer is None or sample.layer not in layer_map:
                continue
            self.proposals.pop(sample.key, None)  # a wrong layer's counterpart would count against it
            self._propose(sample, there.get((layer_map[sample.layer], sample.role)), Undone.LAYERS)

    def _upcycle(self, layer_map: Mapping[int, int]) -> None:
        """Experts without counterpart beside the dense matrix that they may all come from."""
        there = {theirs.layer_role: theirs for theirs in self.compared.pair.reference_samples if theirs.raw is not None}
        for sample in self.compared.pair.subject_samples:
            if sample.layer is None or not sample.role.startswith(EXPERT) or sample.key in self.proposals:
                continue
            dense = there.get((layer_map.get(sample.layer, sample.layer), sample.role.removeprefix(EXPERT)))
            if dense is not None and sample.raw is not None and len(sample.rows):
                self._propose(sample, dense, Undone.DENSE_EXPERTS, in_every_expert(dense, sample))
                self.tests += 1

    def _assign_experts(self) -> None:
        """Experts in another order, layer by layer."""
        layers: dict[int, list[Proposal]] = defaultdict(list)
        for proposal in self.proposals.values():
            if proposal.mine.layer is not None and proposal.undone != Undone.DENSE_EXPERTS:
                layers[proposal.mine.layer].append(proposal)
        results = []
        for layer in _spread_first(sorted(layers)):
            done = self._assign(layer, layers[layer])
            results += [] if done is None else [done]
            if len(results) >= LOOKS and not any(results):
                return

    def _assign(self, layer: int, proposals: Sequence[Proposal]) -> bool | None:
        """Put one layer's experts in order; whether any stands elsewhere, None where there are none to order."""
        pairs = [one for one in proposals if one.mine.role == ROUTER or one.mine.role.startswith(EXPERT)]
        matrices = expert_score_matrix([one.mine for one in pairs], [one.theirs for one in pairs])
        if matrices is None:
            return None
        if _all_in_place(matrices):
            return False
        self.tests += matrices.tests
        theirs = expert_score_matrix([one.theirs for one in pairs], [one.theirs for one in pairs])
        assignment = choose_layers(matrices, theirs.strength if theirs else None, self.least)
        if all(number == source for number, source in assignment.items()):
            return False
        self.assignments[layer] = assignment
        for one in pairs:
            self._propose(one.mine, one.theirs, Undone.EXPERTS, with_experts_of(one.theirs, assignment))
        return True

    def _arrange_rows(self) -> None:
        """Rows in an order that another library uses."""
        for one in list(self.proposals.values()):
            arranged, undone, tried = best_arrangement(one.mine, one.arranged, self.least, ROW_MARGIN)
            self.tests += tried
            if undone:
                self._propose(one.mine, one.theirs, undone, arranged)
        self._arrange_unnamed()

    def _arrange_unnamed(self) -> None:
        """The same for samples whose counterpart no name tells."""
        used = {one.theirs.key for one in self.proposals.values()}
        free = [one for one in self.compared.pair.reference_samples if one.key not in used]
        for mine in [one for one in self.compared.pair.subject_samples if one.key not in self.proposals]:
            like = [one for one in free if is_generic(one.role) and one.shape == mine.shape]
            for theirs in like if len(like) <= MOST_UNNAMED else []:
                arranged, undone, tried = best_arrangement(mine, theirs, self.least, ROW_MARGIN)
                self.tests += tried
                if undone and mine.key not in self.proposals:
                    self._propose(mine, theirs, undone, arranged)
                    free = [one for one in free if one is not theirs]

    def _propose(self, mine: Sample, theirs: Sample | None, undone: Undone, arranged: Sample | None = None) -> None:
        if theirs is not None:
            self.proposals[mine.key] = Proposal(mine, theirs, theirs if arranged is None else arranged, undone)

    def _measure(self, moved: Sequence[Proposal]) -> Comparison:
        """The comparison with what was moved in its place; what was not stays as it was measured."""
        compared = self.compared
        touched = {one.mine.key for one in moved}
        again = list(self._measured_again(moved))
        kept = tuple(
            one for one in compared.measured if one.subject.key in self.proposals and one.subject.key not in touched
        )
        measured = (*kept, *(one for each in again for one in each.measured))
        joint = max((compared, *again), key=lambda each: abs(each.weakest.z) if each.weakest else 0.0)
        weights = max((each.weights for each in (compared, *again) if each.weights), key=_size, default=None)
        pair = compared.pair.with_counterparts((one.subject, one.reference) for one in measured)
        return Comparison(
            reference=compared.reference,
            pair=replace(pair, candidates=compared.pair.candidates + self.tests),
            measured=measured,
            joint=joint.joint,
            weakest=joint.weakest,
            weights=weights,
            rows=joint.rows,
            tried={SearchName.MOVED: Tried(tests=self.tests, assignments=self.assignments)},
            undone_by=SearchName.MOVED,
            counted=compared.tests + self.tests,
        )

    def _measured_again(self, moved: Sequence[Proposal]) -> list[Comparison]:
        """What was moved, measured layer by layer, with the reference's samples as they stand in its place."""
        layers: dict[int | None, list[Proposal]] = defaultdict(list)
        for one in moved:
            layers[one.mine.layer].append(one)
        results = []
        for proposals in layers.values():
            pairs = tuple((one.mine, one.arranged) for one in proposals)
            result = measure_component(self.compared.reference, replace(self.compared.pair, pairs=pairs))
            told = zip(result.measured, proposals, strict=True)
            results.append(result.with_measured(tuple(_told(measured, one) for measured, one in told)))
        return results


def _size(result: JointResult) -> float:
    return abs(result.z)


def _all_in_place(matrices: LayerScores) -> bool:
    """Whether everything of the subject's is found where it stands."""
    strength = matrices.strength
    return all(
        layer in matrices.second and strength[row, matrices.second.index(layer)] >= IN_PLACE
        for row, layer in enumerate(matrices.first)
    )


def _spread_first(layers: Sequence[int]) -> list[int]:
    """The first, the middle and the last layer, then the others."""
    if not layers:
        return []
    first = list(dict.fromkeys((layers[0], layers[len(layers) // 2], layers[-1])))
    return first + [layer for layer in layers if layer not in first]


def _told(measured: Measured, proposal: Proposal) -> Measured:
    rearranged = proposal.arranged is not proposal.theirs
    return replace(measured, reference=proposal.theirs, undone=proposal.undone, rearranged=rearranged)
