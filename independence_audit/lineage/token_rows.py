"""Token tables compared token by token, where two tokenizers number the same tokens otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Rows, rows_of
from independence_audit.errors import ReadError
from independence_audit.fingerprint import Sample, SampleKey, WeightsAccess
from independence_audit.lineage.comparison import Comparison, Comparisons, Tried
from independence_audit.lineage.in_place import measured_in_full
from independence_audit.lineage.measure import Measured, measure
from independence_audit.lineage.outcomes import DONE, Outcome, Reason, SearchName, Status, Undone
from independence_audit.lineage.screening import CURIOUS
from independence_audit.lineage.searches import About, Cost, Law, Models

TOKENS = 64
"""Tokens whose rows are compared: four times the rows of a sample, since these are read on purpose."""
FEWEST = 16
"""Shared tokens from which a table is compared by them."""

FOUND = 0.95
"""r in place from which a table's rows stand where the reference has them. Rows of tokens that no text had are alike,
so that a wrong order of them can reach more than half."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TokenRows:
    """Token tables that are not found as they stand, compared by the rows of the same tokens.

    A fingerprint holds rows by number and no tokenizer; far away, scattered rows would be as many requests. So the
    weights of both sides must lie on this machine.
    """

    salt: bytes
    """Decides which tokens are taken."""
    about = About(
        title="token rows",
        names=(SearchName.TOKENS,),
        law=Law.EXACT,
        null="permutation of the columns; every table is a choice more",
        bound="a table's detection bound, at 64 rows",
        cost=Cost.ROWS,
        messages=("changed.tokens",),
    )

    def run(self, comparisons: Comparisons, models: Models) -> Comparisons:
        """Compare open tables of every comparison by tokens."""
        return comparisons.changed(
            lambda one: self._again(one, models.mine.weights_here, models.known[one.reference].weights_here)
        )

    def _again(self, one: Comparison, ours: WeightsAccess | None, theirs: WeightsAccess | None) -> Comparison:
        outcome = _outcome(one, ours, theirs)
        again: dict[SampleKey, Measured] = {}
        if outcome == DONE and ours and theirs:
            found = {table.subject.key: _measured(table, ours, theirs, self.salt) for table in open_tables(one)}
            again = {key: measured for key, measured in found.items() if measured is not None}
        shows = any(measured.test and abs(measured.test.z) >= CURIOUS for measured in again.values())
        if one.screened and shows:  # no unrelated model: everything is measured, and its tables again
            return self._again(measured_in_full(one), ours, theirs)
        return (one if one.screened else with_tables(one, again)).with_tried({SearchName.TOKENS: Tried(outcome)})


def _outcome(one: Comparison, ours: WeightsAccess | None, theirs: WeightsAccess | None) -> Outcome:
    """Whether tables can be compared by tokens; there is nothing to do where none is open."""
    if not any(rows_of(sample.role) is Rows.TOKENS for sample in one.pair.reference_samples):
        return Outcome(Status.NOT_APPLICABLE, Reason.NO_TABLES_THERE)
    if not open_tables(one):
        return DONE
    if ours is None or theirs is None:
        return Outcome(Status.NOT_POSSIBLE, Reason.TABLES_FAR)
    return DONE if ours.vocabulary() and theirs.vocabulary() else Outcome(Status.NOT_POSSIBLE, Reason.NO_TOKENIZER)


def _measured(table: Measured, ours: WeightsAccess, theirs: WeightsAccess, salt: bytes) -> Measured | None:
    """One table by tokens; None where tokenizers say nothing of it, or rows cannot be read."""
    mine, other = ours.table(table.subject.name), theirs.table(table.reference.name)
    if mine is None or other is None:
        return None
    heights = mine.view.row_count, other.view.row_count
    rows = shared_tokens(ours.vocabulary(), theirs.vocabulary(), heights, salt)
    if rows is None:
        return None
    try:
        return by_token(table, ours.read_rows(mine, rows[0]), theirs.read_rows(other, rows[1]))
    except ReadError:
        return None


def open_tables(compared: Comparison) -> list[Measured]:
    """The token tables that are not found, or could not be compared, as they stand."""
    tiles = compared.pair.replications or {}
    return [
        one
        for one in compared.measured
        if rows_of(one.subject.role) is Rows.TOKENS
        and one.reference.role == one.subject.role
        and one.subject.shape[1] == one.reference.shape[1]
        and one.subject.shape[1] not in tiles
        and not (one.test is not None and one.test.r >= FOUND)
    ]


def shared_tokens(
    ours: Mapping[str, int], theirs: Mapping[str, int], heights: tuple[int, int], salt: bytes
) -> tuple[Numbers, Numbers] | None:
    """Where some tokens that both have stand in each table; None where they are few, or all stand alike.

    Args:
        ours: Numbers of the subject's tokens.
        theirs: The same of the reference.
        heights: Rows of both tables.
        salt: Decides which tokens are taken, as it decides which rows are sampled.
    """
    both = sorted(
        token for token, number in ours.items() if number < heights[0] and theirs.get(token, heights[1]) < heights[1]
    )
    if len(both) < FEWEST:
        return None
    count = min(TOKENS, len(both))
    first = int.from_bytes(blake2b(salt, digest_size=8).digest(), "big")
    chosen = [both[(first + step * len(both) // count) % len(both)] for step in range(count)]
    mine, other = (np.array([numbers[token] for token in chosen], dtype=np.int64) for numbers in (ours, theirs))
    return None if np.array_equal(mine, other) else (mine, other)


def by_token(measured: Measured, mine: NDArray[np.float32], theirs: NDArray[np.float32]) -> Measured:
    """A table measured by the rows [tokens, columns] of the same tokens on both sides, whole rows as they were read."""
    pair = (_rows(measured.subject, mine), _rows(measured.reference, theirs))
    found, _ = measure(*pair)
    return replace(
        found,
        subject=measured.subject,
        reference=measured.reference,
        repeated=measured.repeated,
        undone=Undone.TOKENS,
        rearranged=True,
    )


def _rows(sample: Sample, values: NDArray[np.float32]) -> Sample:
    """The sample with other rows, numbered alike on both sides, at the columns that it was taken at."""
    window = np.ascontiguousarray(values[:, sample.start : sample.stop], dtype=np.float32)
    places = np.arange(len(window), dtype=np.int64)
    raw = window[:, :, None].view(np.uint8).reshape(*window.shape, 4)
    return replace(sample, rows=places, experts=np.zeros_like(places), raw=raw, dtype="F32", packing="", whole=None)


def with_tables(compared: Comparison, again: Mapping[SampleKey, Measured]) -> Comparison:
    """The comparison with tables measured by tokens where that shows more; each counts as a test more.

    Args:
        compared: As everything stands.
        again: Tables measured by tokens, by the subject's sample.
    """
    if not again:
        return compared
    measured = tuple(_stronger(one, again.get(one.subject.key)) for one in compared.measured)
    pair = replace(compared.pair, candidates=compared.pair.candidates + len(again))
    return replace(compared, pair=pair, measured=measured)


def _stronger(one: Measured, other: Measured | None) -> Measured:
    if other is None or other.test is None:
        return one
    return other if one.test is None or other.test.r > one.test.r else one
