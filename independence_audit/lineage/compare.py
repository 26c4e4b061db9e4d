"""One component against one reference: every pair of samples measured, and the joint test over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from independence_audit.anatomy import Axis
from independence_audit.fingerprint.model import Fingerprint, Sample
from independence_audit.lineage.disguised import DisguisedSearch
from independence_audit.lineage.glance import Glance
from independence_audit.lineage.measure import Measured, common_rows, measure
from independence_audit.lineage.pairing import ComponentPair, Pairing, with_tiles
from independence_audit.lineage.searched import Outcome, Searched
from independence_audit.lineage.surface import has_layers, is_surface
from independence_audit.lineage.tiles import Tile
from independence_audit.statistics.joint import JointResult, JointTest
from independence_audit.statistics.order import is_ordered
from independence_audit.statistics.permutation import Product
from independence_audit.statistics.rows import RowAgreement, pooled, row_exchange
from independence_audit.statistics.scores import normal_scores
from independence_audit.statistics.structure import without_structure


@dataclass(frozen=True, slots=True)
class MovedSearch:
    """What became of searching one component for layers, experts and values that were moved."""

    tests: int
    """How many pairs the search looked at; every level is corrected for them."""
    reason: str = ""
    """Why it could not be made, as a message key; empty where it was."""
    found: ComponentMeasured | None = None
    """The comparison with moves undone; None where the search shows nothing that could be found."""
    assignments: Mapping[int, Mapping[int, int]] = field(default_factory=dict)
    """With moves undone: by layer, subject expert to reference expert, where these stand in another order."""


@dataclass(frozen=True, slots=True)
class ElsewhereSearch:
    """What became of looking for one component's weights in all of a reference: under other names, kinds and shapes."""

    tests: int
    """Comparisons that were made."""
    shaped: bool = True
    """Whether the reference has a matrix of the component's shapes."""
    reason: str = ""
    """Why not all of the component could be looked at, as a message key; empty where all was."""
    unread: int = 0
    """Parameters that could not be looked at."""
    found: ComponentMeasured | None = None
    """The comparison with what was found; None where nothing was alike."""


@dataclass(frozen=True, slots=True)
class ComponentMeasured:
    """Everything measured between one component of the subject and one of a reference."""

    reference: str
    pair: ComponentPair
    measured: tuple[Measured, ...]
    joint: JointResult | None
    """All roles together."""
    weakest: JointResult | None
    """The joint result nearest to nothing with any one role left out."""
    weights: JointResult | None = None
    """The same over weights alone, without tables and vectors (:mod:`independence_audit.lineage.surface`)."""
    rows: RowAgreement | None = None
    """Whether rows of weights that read the residual stream are alike one by one; None where there are none."""
    search: MovedSearch | None = None
    disguised: DisguisedSearch | None = None
    """What became of searching for a disguised copy; None where nothing had to be searched."""
    elsewhere: ElsewhereSearch | None = None
    """What became of looking for weights elsewhere; None where nothing had to be looked for."""
    tokens: Outcome | None = None
    """What became of comparing token tables by tokens."""
    searched: Searched | None = None
    """Which searches were made, or need not be; None where nothing had to be searched."""
    counted: int | None = None
    """With moves undone: how many tests were made to get there. None where nothing was undone."""
    looked: int = 0
    """With weights found elsewhere: how many tests the level of what was found is spread over beside all others."""
    glanced: bool = False
    """Whether this is a stranger of which no more than a glance was taken."""

    @property
    def tests(self) -> int:
        """How many tests were made, the choices of matching by value and the search for moves included."""
        if self.counted is not None:
            return self.counted
        made = sum(1 for measured in self.measured if measured.evidence) + (self.weakest is not None)
        searched = (search.tests for search in (self.search, self.disguised) if search)
        return made + self.pair.choices + sum(searched)

    @property
    def layered(self) -> bool:
        """Whether the reference's component has matrices in layers."""
        return has_layers((*(theirs for _, theirs in self.pair.pairs), *self.pair.free))

    def with_measured(self, measured: tuple[Measured, ...]) -> ComponentMeasured:
        """The same comparison with better numbers."""
        return replace(self, measured=measured)


def compare_fingerprints(subject: Fingerprint, reference: Fingerprint) -> list[ComponentMeasured]:
    """Measure every component of the subject against every component of the reference that it may meet."""
    return Comparer(subject).compare(reference)


class Comparer:
    """One subject that meets many references, one after the other."""

    def __init__(self, subject: Fingerprint, *, glancing: bool = False) -> None:
        """Begin.

        Args:
            subject: The subject.
            glancing: Whether strangers are told at a glance, and only what shows anything is measured in full.
        """
        self._pairing = Pairing(subject)
        self._glance = Glance() if glancing else None

    def compare(self, reference: Fingerprint) -> list[ComponentMeasured]:
        """As :func:`compare_fingerprints`."""
        return [self._compared(reference.name, pair) for pair in self._pairing.pairs(reference)]

    def _compared(self, reference: str, pair: ComponentPair) -> ComponentMeasured:
        seen = self._glance.look(pair) if self._glance else None
        if seen is None:
            return measure_component(reference, pair)
        return ComponentMeasured(reference, pair, seen, None, None, glanced=True)


def measured_in_full(compared: ComponentMeasured) -> ComponentMeasured:
    """A comparison at a glance with all that measuring it shows, and what was searched for since."""
    full = measure_component(compared.reference, compared.pair)
    return replace(
        full,
        search=compared.search,
        disguised=compared.disguised,
        elsewhere=compared.elsewhere,
        tokens=compared.tokens,
        searched=compared.searched,
    )


def measure_component(reference: str, pair: ComponentPair) -> ComponentMeasured:
    """Measure every pair of samples, and their joint test."""
    pair = with_tiles(pair)
    tiles = pair.tiles or {}
    measured = []
    seen: set[tuple[bytes, bytes]] = set()
    joint: dict[int, JointTest] = {}
    exchanges = []
    surface = _surface_roles(pair)
    fixed = pair.subject.fixed_positions or pair.reference.fixed_positions
    profiled = _profiled_roles(pair)
    for mine, theirs in pair.pairs:
        tile = tiles.get(mine.shape[1])
        plain, product = measure(mine, theirs, tile)
        values = mine.digest, theirs.digest
        on_residual = Axis.RESIDUAL in (mine.axis, theirs.axis)
        doubt = plain.doubt or ("fixed_positions" if fixed and on_residual else "")
        doubt = doubt or ("ramp" if theirs.role in profiled and theirs.shape[0] == 1 else "")
        result = replace(plain, doubt=doubt, repeated=values in seen)
        seen.add(values)
        measured.append(result)
        if result.evidence and result.is_matrix and mine.role not in surface and _reads_stream(theirs):
            exchanges += _rows_exchanged(result)
        if product is not None and mine.axis == theirs.axis == Axis.RESIDUAL and result.evidence:
            _add(joint, mine, result, product, tile)
    results = [(test.result(), test.weakest(), test.weakest(surface)) for test in joint.values()]
    whole, weakest, weights = max(
        results, key=lambda each: each[0].effective_rows if each[0] else 0.0, default=(None, None, None)
    )
    return ComponentMeasured(reference, pair, tuple(measured), whole, weakest, weights, pooled(exchanges))


def _reads_stream(sample: Sample) -> bool:
    """Whether columns run along a basis that another model may share, and rows along units of the model's own.

    Rows of queries and keys stand in the order of the rotary frequencies, which is every model's.
    """
    return sample.axis in {Axis.RESIDUAL, Axis.HIDDEN} and sample.role.rpartition(".")[2] not in {"q", "k"}


def _rows_exchanged(measured: Measured) -> list[tuple[float, int]]:
    mine, theirs = common_rows(measured.subject, measured.reference)
    found = row_exchange(measured.subject.scores[mine], measured.reference.scores[theirs])
    return [] if found is None else [found]


def _surface_roles(pair: ComponentPair) -> set[str]:
    """Roles of tables and vectors: what two models may have alike that share no weight."""
    layered = has_layers((*(theirs for _, theirs in pair.pairs), *pair.free))
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


def _add(joint: dict[int, JointTest], sample: Sample, measured: Measured, product: Product, tile: Tile | None) -> None:
    """Add a pair to the joint test of its width; a vector enters with the columns that matrices are sampled at."""
    start, stop = sample.window
    width = sample.shape[1]
    tested = (measured.test, product) if measured.test else None
    keep = np.arange(start, stop)[tile.keep(start, stop)] if tile else np.arange(start, stop)
    if len(keep) < product.columns or measured.subject.start < start:
        both = sample.values()[:, keep], measured.reference.values()[:, keep]
        scores = normal_scores(both[0]), normal_scores(both[1])
        tested = without_structure(both, scores, measured.reference.rows, start).test()
    if tested is not None:
        joint.setdefault(width, JointTest(len(keep))).add(sample.role, *tested)
