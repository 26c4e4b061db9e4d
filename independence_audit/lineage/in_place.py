"""One component against one reference: every pair of samples measured, and the joint test over them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from independence_audit.anatomy import Axis, Rows, is_router, rows_of
from independence_audit.fingerprint import Fingerprint, Sample
from independence_audit.lineage.comparison import Comparison, Comparisons
from independence_audit.lineage.measure import Measured, common_rows, measure
from independence_audit.lineage.pairing import ComponentPair, Pairing, has_layers, is_surface, with_replications
from independence_audit.lineage.rank import rank
from independence_audit.lineage.screening import Screening
from independence_audit.lineage.searches import About, Cost, Law, Models
from independence_audit.lineage.width_replication import Replication
from independence_audit.statistics.joint import JointTest
from independence_audit.statistics.order_probe import is_ordered
from independence_audit.statistics.permutation import Product
from independence_audit.statistics.rows import pooled, row_exchange
from independence_audit.statistics.scores import normal_scores
from independence_audit.statistics.structure import without_structure


def compare_fingerprints(subject: Fingerprint, reference: Fingerprint) -> list[Comparison]:
    """Measure every component of the subject against every component of the reference that it may meet."""
    return Comparer(subject).compare(reference)


class Comparer:
    """One subject that meets many references, one after the other."""

    def __init__(self, subject: Fingerprint, *, screening: bool = False) -> None:
        """Begin.

        Args:
            subject: The subject.
            screening: Whether unrelated models are cleared by a screening, and only what shows anything is measured
                in full.
        """
        self._pairing = Pairing(subject)
        self._screened = Screening() if screening else None

    def compare(self, reference: Fingerprint) -> list[Comparison]:
        """As :func:`compare_fingerprints`."""
        return [self._compared(reference.name, pair) for pair in self._pairing.pairs(reference)]

    def _compared(self, reference: str, pair: ComponentPair) -> Comparison:
        seen = self._screened.look(pair) if self._screened else None
        if seen is None:
            return measure_component(reference, pair)
        return Comparison(reference, pair, seen, None, None, screened=True)


def measured_in_full(compared: Comparison) -> Comparison:
    """A screened comparison with all that measuring it shows, and what was searched for since."""
    return replace(measure_component(compared.reference, compared.pair), tried=compared.tried)


class MeasuredInFull:
    """What was screened and came out nearest, measured in full: nothing is found by screening."""

    about = About(
        title="screened, then measured",
        names=(),
        law=Law.EXACT,
        null="permutation of the columns, of scores in the place of signs",
        bound="a component's detection bound",
        cost=Cost.SAMPLES,
    )

    def run(self, comparisons: Comparisons, models: Models) -> Comparisons:  # noqa: ARG002  samples are enough
        """Measure the nearest of every component, where it was only screened."""
        best = (ranking.best for ranking in rank(comparisons))
        keys = {one.compared.key for one in best if one and one.compared.screened and not one.disguised}
        return comparisons.changed(lambda one: measured_in_full(one) if one.key in keys else one)


def measure_component(reference: str, pair: ComponentPair) -> Comparison:
    """Measure every pair of samples, and their joint test."""
    pair = with_replications(pair)
    replications = pair.replications or {}
    measured = []
    seen: set[tuple[bytes, bytes]] = set()
    joint: dict[int, JointTest] = {}
    exchanges = []
    surface = _surface_roles(pair)
    fixed = pair.subject.fixed_positions or pair.reference.fixed_positions
    profiled = _profiled_roles(pair)
    for mine, theirs in pair.pairs:
        replication = replications.get(mine.shape[1])
        plain, product = measure(mine, theirs, replication)
        values = mine.digest, theirs.digest
        on_residual = Axis.RESIDUAL in (mine.axis, theirs.axis)
        caveat = plain.caveat or ("fixed_positions" if fixed and on_residual else "")
        caveat = caveat or ("ramp" if theirs.role in profiled and theirs.shape[0] == 1 else "")
        result = replace(plain, caveat=caveat, repeated=values in seen)
        seen.add(values)
        measured.append(result)
        if result.evidence and result.is_matrix and mine.role not in surface and _reads_stream(theirs):
            exchanges += _rows_exchanged(result)
        if product is not None and mine.axis == theirs.axis == Axis.RESIDUAL and result.evidence:
            _add(joint, mine, result, product, replication)
    results = [(test.result(), test.weakest(), test.weakest(surface)) for test in joint.values()]
    whole, weakest, weights = max(
        results, key=lambda each: each[0].effective_rows if each[0] else 0.0, default=(None, None, None)
    )
    return Comparison(reference, pair, tuple(measured), whole, weakest, weights, pooled(exchanges))


def _reads_stream(sample: Sample) -> bool:
    """Whether columns run along a basis that another model may share, and rows along units of the model's own.

    Rows of queries and keys stand in the order of the rotary frequencies, which is every model's; those of a router are
    choices, which a student of another's hidden states learns to make alike.
    """
    return (
        sample.axis in {Axis.RESIDUAL, Axis.HIDDEN}
        and rows_of(sample.role.rpartition(".")[2]) is not Rows.FREQUENCIES
        and not is_router(sample.role)
    )


def _rows_exchanged(measured: Measured) -> list[tuple[float, int]]:
    mine, theirs = common_rows(measured.subject, measured.reference)
    found = row_exchange(measured.subject.scores[mine], measured.reference.scores[theirs])
    return [] if found is None else [found]


def _surface_roles(pair: ComponentPair) -> set[str]:
    """Roles of tables and vectors: what two models may have alike that share no weight."""
    layered = has_layers(pair.reference_samples)
    return {mine.role for mine, theirs in pair.pairs if is_surface(theirs, layered=layered)}


def _profiled_roles(pair: ComponentPair) -> set[str]:
    """Roles of vectors whose channels stand in an order that shows where a reference's layers are taken together.

    Too weak in each to be seen, it would add up in the joint test as the likeness of a copy does.
    """
    vectors: dict[tuple[str, int], list[Sample]] = {}
    for _, theirs in pair.pairs:
        if theirs.shape[0] == 1 and theirs.axis == Axis.RESIDUAL and theirs.raw is not None:
            vectors.setdefault((theirs.role, theirs.shape[1]), []).append(theirs)
    together = {role: np.concatenate([one.scores for one in same]) for (role, _), same in vectors.items()}
    return {role for role, scores in together.items() if len(scores) > 1 and is_ordered(scores)}


def _add(
    joint: dict[int, JointTest], sample: Sample, measured: Measured, product: Product, replication: Replication | None
) -> None:
    """Add a pair to the joint test of its width; a vector enters with the columns that matrices are sampled at."""
    start, stop = sample.window
    width = sample.shape[1]
    tested = (measured.test, product) if measured.test else None
    keep = np.arange(start, stop)[replication.keep(start, stop)] if replication else np.arange(start, stop)
    if len(keep) < product.columns or measured.subject.start < start:
        both = sample.values()[:, keep], measured.reference.values()[:, keep]
        scores = normal_scores(both[0]), normal_scores(both[1])
        tested = without_structure(both, scores, measured.reference.rows, start).test()
    if tested is not None:
        joint.setdefault(width, JointTest(len(keep))).add(sample.role, *tested)
