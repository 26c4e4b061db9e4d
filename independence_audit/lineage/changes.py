"""What was done to a reference's weights, each with the figure that shows it; nothing is guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from independence_audit.anatomy import Rows, rows_of
from independence_audit.evidence.measurement import Message, Value
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.fingerprint import Sample, SampleKey
from independence_audit.lineage.decide import Verdict
from independence_audit.lineage.differences import (
    SCALED,
    Matrix,
    Mixture,
    Scaling,
    Shape,
    highest_rank,
    mixture,
    numerical_rank,
    scaling_of,
    shape_of,
)
from independence_audit.lineage.layer_scores import layer_runs, map_kind, spans
from independence_audit.lineage.measure import Measured, common_rows
from independence_audit.lineage.merges import IN_STEPS, REPLAYED
from independence_audit.lineage.outcomes import SearchName, Undone
from independence_audit.lineage.unmasked import layers_found
from independence_audit.statistics.scores import Floats

UNDONE = {
    "changed.upcycled": Undone.DENSE_EXPERTS,
    "changed.swapped": Undone.KERNEL_SIDES,
    "changed.gates": Undone.GATES,
    "changed.tokens": Undone.TOKENS,
}
"""By message, what was undone to find a tensor."""

MOST = 0.9
"""Share of the changed matrices that must show one kind of change for it to be named."""

MOST_MATRICES = 96
"""Matrices whose differences are looked at, from all over a component."""

MOST_MODELS = 4
"""References that a mixture is sought of, at most."""

PART = 0.03
"""Coefficient below which a reference is no part of a mixture; the error that coefficients may have."""

EXPLAINED = 0.3
"""What a mixture may leave unexplained, relative to the nearest reference alone. The common ancestor of k fine-tuned
models is near their mean and leaves 1/sqrt(k): 0.5 for four."""


def changes(verdicts: Sequence[Verdict]) -> tuple[Message, ...]:
    """What was done to get from the nearest reference's component to the subject's.

    Args:
        verdicts: Every comparison of the component, the nearest reference first.
    """
    if not verdicts or verdicts[0].relation not in FOUND:
        return ()
    if verdicts[0].disguised:
        return (_disguised(verdicts[0]),)
    return (*_layers(verdicts[0]), *_arrangements(verdicts[0]), *_values(verdicts[0]), *_merged(verdicts))


def _disguised(verdict: Verdict) -> Message:
    """Where units were found; differences in place say nothing of a model whose basis was turned."""
    return Message("changed.disguised", {**_data(verdict), "runs": layer_runs(layer_map_of(verdict))})


def _data(verdict: Verdict) -> dict[str, Value]:
    return {"component": verdict.compared.pair.subject.name, "reference": verdict.compared.reference}


def _layers(verdict: Verdict) -> Iterator[Message]:
    """Where the subject's layers stand in the reference."""
    pair, data = verdict.compared.pair, _data(verdict)
    layer_map = layer_map_of(verdict)
    if not layer_map:
        return
    reference_layers = _with_matrices((*(theirs for _, theirs in pair.pairs), *pair.free))
    kind = map_kind(layer_map, reference_layers)
    if kind != "identity":
        yield Message("changed.layers", {**data, "map": kind, "runs": layer_runs(layer_map)})
    missing = [layer for layer in reference_layers if layer not in layer_map.values()]
    if missing and len(layer_map) < len(reference_layers):
        yield Message("changed.missing_layers", {**data, "layers": spans(missing), "count": len(missing)})
    new = _own_layers(verdict)
    if new:
        yield Message("changed.other_layers", {**data, "layers": spans(new), "count": len(new)})


def _own_layers(verdict: Verdict) -> list[int]:
    """The subject's layers in which nothing of the reference was found, though it was looked for with enough power."""
    pair, layer_map = verdict.compared.pair, layer_map_of(verdict)
    told = {one.subject.layer for one, _ in _judged(verdict) if one.is_matrix}
    unrelated = {one.subject.layer for one, relation in _judged(verdict) if relation == Relation.UNRELATED}
    mine = _with_matrices((*(mine for mine, _ in pair.pairs), *pair.unmatched))
    return [layer for layer in mine if layer not in layer_map and (layer in unrelated or layer not in told)]


def _with_matrices(samples: Iterable[Sample]) -> list[int]:
    """The layers that hold a matrix; where no more than a bias is left, nothing can be said to be missing."""
    return sorted({sample.layer for sample in samples if sample.layer is not None and sample.shape[0] > 1})


def layer_map_of(verdict: Verdict) -> dict[int, int]:
    """Subject layer to reference layer, of the layers of which a matrix was found, whatever became of the others."""
    if verdict.disguised:
        return layers_found(verdict.disguised)
    found = [one for one, relation in _judged(verdict) if relation in FOUND]
    matrices = [one for one in found if one.is_matrix] or found
    pairs = {(one.subject.layer, one.reference.layer) for one in matrices}
    return dict(sorted((mine, theirs) for mine, theirs in pairs if mine is not None and theirs is not None))


def _arrangements(verdict: Verdict) -> Iterator[Message]:
    """What was undone beside the moves of layers, and for how many tensors."""
    data, search = _data(verdict), verdict.compared.tried.get(SearchName.MOVED)
    if search and search.assignments:
        layer, assignment = min(search.assignments.items())
        layers = spans(list(search.assignments))
        yield Message("changed.experts", {**data, "layers": layers, "layer": layer, "runs": layer_runs(assignment)})
    counts = Counter(measured.undone for measured, relation in _judged(verdict) if relation in FOUND)
    for key, undone in UNDONE.items():
        if counts[undone]:
            yield Message(key, {**data, "count": counts[undone]})
    elsewhere = [measured for measured, relation in _judged(verdict) if relation in FOUND and _is_elsewhere(measured)]
    if elsewhere:
        first = elsewhere[0]
        names: dict[str, Value] = {"tensor": first.subject.name, "other": first.reference.name}
        yield Message("changed.elsewhere", {**data, "count": len(elsewhere), **names})


def _is_elsewhere(measured: Measured) -> bool:
    """Whether a tensor was found in a place that neither its names nor a move of whole layers lead to."""
    return measured.undone == Undone.PLACE or measured.piece_of is not None


def _judged(verdict: Verdict) -> Iterator[tuple[Measured, Relation]]:
    yield from zip(verdict.compared.measured, verdict.tensors, strict=True)


def _values(verdict: Verdict) -> Iterator[Message]:
    """What happened to the values: nothing, rounding, a low-rank edit, factors, noise, or training."""
    data = _data(verdict)
    matrices = [(one, relation) for one, relation in _judged(verdict) if one.is_matrix]
    found = [one for one, relation in matrices if relation in FOUND]
    equal = [one for one in found if one.numbers.identical_fraction == 1.0]
    if equal:
        yield Message("changed.unchanged", {**data, "count": len(equal), "total": len(found)})
    for name, count in sorted(Counter(one.rounding for one in found if one.rounding).items()):
        yield Message("changed.rounded", {**data, "count": count, "total": len(found), "rounding": name})
    differing = [one for one in found if one.numbers.identical_fraction != 1.0 and not (one.rounding or one.rearranged)]
    if differing:
        yield _difference(data, [_Difference.of(one) for one in _spread(differing)], len(differing))
    own = _own_layers(verdict)
    unrelated = [
        one
        for one, relation in matrices
        if relation == Relation.UNRELATED and one.subject.layer not in own and one.subject.shape == one.reference.shape
    ]
    if unrelated:
        roles = ", ".join(sorted({one.subject.role for one in unrelated}))
        yield Message("changed.own_values", {**data, "count": len(unrelated), "total": len(matrices), "roles": roles})


def _spread(measured: Sequence[Measured]) -> Sequence[Measured]:
    return measured[:: -(-len(measured) // MOST_MATRICES)]


@dataclass(frozen=True, slots=True)
class _Difference:
    """What the difference of one pair of matrices is like."""

    rank: int | None
    limit: int
    """Largest rank that could have been seen; 0 where none was looked for."""
    shape: Shape | None
    """How its values are distributed; None where they are too few to tell."""
    scaling: Scaling | None
    """What factors of rows or columns explain of it."""
    r: float
    relative: float
    """Norm of the difference over that of the reference's values."""

    @classmethod
    def of(cls, measured: Measured) -> _Difference:
        """Look at one pair."""
        mine, theirs = _pair_values(measured)
        size = float(np.linalg.norm(theirs))
        difference = mine - theirs
        matrices = [difference] if measured.subject.members == 1 else _by_expert(measured.subject, difference)
        seen = _sketch(measured)
        if seen is None:
            seen = matrices[0]
        tokens = rows_of(measured.subject.role) is Rows.TOKENS  # a few that were trained would look like a low rank
        limit = 0 if tokens else highest_rank(seen)
        return cls(
            rank=numerical_rank(seen) if limit else None,
            limit=limit,
            shape=shape_of(np.concatenate([_scaled(matrix) for matrix in matrices])),
            scaling=scaling_of(mine, theirs),
            r=measured.test.r if measured.test else 0.0,
            relative=float(np.linalg.norm(difference)) / size if size else 0.0,
        )


def _sketch(measured: Measured) -> Floats | None:
    """The sketch of the whole difference; None where one side was not read whole, or several experts share a sketch."""
    mine, theirs = measured.subject, measured.reference
    if mine.whole is None or theirs.whole is None or mine.shape != theirs.shape or mine.members > 1:
        return None
    return mine.whole.sketch.astype(np.float64) - theirs.whole.sketch


def _by_expert(pool: Sample, difference: Floats) -> list[Floats]:
    """One matrix for every expert, whose spread is its own; all rows where the samples hold different ones."""
    if len(pool.experts) != len(difference):
        return [difference]
    return [difference[pool.experts == number] for number in np.unique(pool.experts)]


def _scaled(matrix: Floats) -> Floats:
    size = float(np.sqrt((matrix**2).mean())) if matrix.size else 0.0
    return matrix / size if size else matrix


def _pair_values(measured: Measured) -> tuple[Floats, Floats]:
    """The values that both samples hold; those that are not finite count as zero."""
    mine, theirs = common_rows(measured.subject, measured.reference)
    return _finite(measured.subject.values()[mine]), _finite(measured.reference.values()[theirs])


def _finite(values: Matrix) -> Floats:
    return np.nan_to_num(values.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)


def _difference(data: dict[str, Value], differences: Sequence[_Difference], count: int) -> Message:
    """The one kind of change that nearly all changed matrices show; where none is, the figures alone."""
    figures: dict[str, Value] = {
        **data,
        "count": count,
        "r": median(one.r for one in differences),
        "change": median(one.relative for one in differences),
    }
    looked = [one for one in differences if one.limit]
    ranks = [one.rank for one in looked if one.rank is not None]
    if ranks and len(ranks) >= MOST * len(looked):
        rank: dict[str, Value] = {"rank": int(median(ranks)), "lowest": min(ranks), "highest": max(ranks)}
        return Message("changed.low_rank", {**figures, **rank})
    scalings = [one.scaling for one in differences if one.scaling is not None and one.scaling.share >= SCALED]
    if len(scalings) >= MOST * len(differences):
        factors: dict[str, Value] = {
            "share": median(one.share for one in scalings),
            "lowest": min(one.lowest for one in scalings),
            "highest": max(one.highest for one in scalings),
        }
        return Message("changed.scaled", {**figures, **factors})
    shapes = [one.shape for one in differences if one.shape is not None]
    if shapes:
        figures |= {key: median(getattr(shape, key) for shape in shapes) for key in ("kurtosis", "rows", "columns")}
    if shapes and sum(shape.is_noise for shape in shapes) >= MOST * len(differences):
        return Message("changed.noise", figures)
    return Message("changed.values", {**figures, "limit": max((one.limit for one in looked), default=0)})


def _merged(verdicts: Sequence[Verdict]) -> Iterator[Message]:
    """The references that the subject is a weighted sum of."""
    if any(message.key in (REPLAYED, IN_STEPS) for message in verdicts[0].messages):
        return  # the recipe itself is known, and least squares are biased
    related = [verdict for verdict in verdicts if verdict.relation in FOUND][:MOST_MODELS]
    if len(related) < 2:  # noqa: PLR2004  a mixture has two parts
        return
    found = _mixture(related)
    if found is None or found.residual > EXPLAINED * found.alone:
        return
    parts = [
        (verdict.compared.reference, coefficient, error)
        for verdict, coefficient, error in zip(related, found.coefficients, found.errors, strict=True)
        if coefficient > max(PART, 4 * error)
    ]
    if len(parts) > 1:
        words = ", ".join(f"{value:.3f} ± {max(error, 0.001):.3f} {name}" for name, value, error in parts)
        yield Message("changed.merged", {**_data(verdicts[0]), "parts": words, "residual": found.residual})


def _mixture(related: Sequence[Verdict]) -> Mixture | None:
    """The subject's values as a sum of those of several references, over the matrices that all of them share."""
    by_sample = [_comparable(verdict) for verdict in related]
    shared = [key for key in by_sample[0] if all(key in other for other in by_sample[1:])]
    shared = shared[:: max(1, -(-len(shared) // MOST_MATRICES))]
    if not shared:
        return None
    model = np.concatenate([_finite(by_sample[0][key].subject.values()).ravel() for key in shared])
    others = [np.concatenate([_finite(held[key].reference.values()).ravel() for key in shared]) for held in by_sample]
    return mixture(model, others)


def _comparable(verdict: Verdict) -> dict[SampleKey, Measured]:
    """By subject sample, the pairs of matrices whose samples hold the same rows."""
    return {
        measured.subject.key: measured
        for measured, relation in _judged(verdict)
        if relation in FOUND
        and measured.is_matrix
        and not measured.rearranged
        and np.array_equal(measured.subject.identity, measured.reference.identity)
    }
