"""Reading the rows of the same tokens on both sides, where a table shows nothing as it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from independence_audit.anatomy import Part
from independence_audit.checkpoint import Checkpoint, read_vocabulary
from independence_audit.errors import ReadError
from independence_audit.fingerprint.units.matrices import is_readable, read_rows
from independence_audit.fingerprint.weights import Model
from independence_audit.lineage.compare import ComponentMeasured, measured_in_full
from independence_audit.lineage.glance import CURIOUS
from independence_audit.lineage.measure import Measured
from independence_audit.lineage.searched import DONE, Outcome, Reason, Status
from independence_audit.lineage.tables import TABLES, by_token, open_tables, shared_tokens, with_tables


def by_tokens(
    mine: Model, known: Sequence[Model], compared: Sequence[ComponentMeasured], salt: bytes
) -> list[ComponentMeasured]:
    """All comparisons, with open token tables compared by tokens where the weights of both sides lie on this machine.

    A fingerprint holds rows by number and no tokenizer; far away, scattered rows would be as many requests.
    """
    ours = _Tables(mine)
    others = {model.fingerprint.name: _Tables(model) for model in known}
    return [_again(one, ours, others[one.reference], salt) for one in compared]


def _again(one: ComponentMeasured, ours: _Tables, theirs: _Tables, salt: bytes) -> ComponentMeasured:
    outcome = _outcome(one, ours, theirs)
    if outcome != DONE:
        return replace(one, tokens=outcome)
    found = {table.subject.key: _measured(table, ours, theirs, salt) for table in open_tables(one)}
    known = {key: measured for key, measured in found.items() if measured is not None}
    shows = [measured.test for measured in known.values() if measured.test and abs(measured.test.z) >= CURIOUS]
    if one.glanced and shows:  # no stranger: everything is measured, and its tables again
        return _again(measured_in_full(one), ours, theirs, salt)
    return replace(one if one.glanced else with_tables(one, known), tokens=DONE)


def _outcome(one: ComponentMeasured, ours: _Tables, theirs: _Tables) -> Outcome:
    """Whether tables can be compared by tokens; there is nothing to do where none is open."""
    if not any(sample.role in TABLES for sample in (*(other for _, other in one.pair.pairs), *one.pair.free)):
        return Outcome(Status.NOT_APPLICABLE, Reason.NO_TABLES_THERE)
    if not open_tables(one):
        return DONE
    if not (ours.here and theirs.here):
        return Outcome(Status.NOT_POSSIBLE, Reason.TABLES_FAR)
    return DONE if ours.vocabulary() and theirs.vocabulary() else Outcome(Status.NOT_POSSIBLE, Reason.NO_TOKENIZER)


def _measured(table: Measured, ours: _Tables, theirs: _Tables, salt: bytes) -> Measured | None:
    """One table by tokens; None where tokenizers say nothing of it, or rows cannot be read."""
    parts = ours.part(table.subject.name), theirs.part(table.reference.name)
    if parts[0] is None or parts[1] is None:
        return None
    heights = parts[0].view.row_count, parts[1].view.row_count
    rows = shared_tokens(ours.vocabulary(), theirs.vocabulary(), heights, salt)
    if rows is None:
        return None
    try:
        return by_token(
            table, read_rows(ours.checkpoint, parts[0], rows[0]), read_rows(theirs.checkpoint, parts[1], rows[1])
        )
    except ReadError:
        return None


class _Tables:
    """One model's tokenizer, read when it is asked for, and its tables."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._vocabulary: Mapping[str, int] | None = None

    @property
    def here(self) -> bool:
        """Whether its weights lie on this machine."""
        return self._model.weights_here is not None

    @property
    def checkpoint(self) -> Checkpoint:
        """Its weights, which are here."""
        if self._model.checkpoint is None:
            raise AssertionError(self._model.fingerprint.name)
        return self._model.checkpoint

    def vocabulary(self) -> Mapping[str, int]:
        """Numbers of its tokens; empty where there is no tokenizer."""
        if self._vocabulary is None:
            self._vocabulary = read_vocabulary(self.checkpoint)
        return self._vocabulary

    def part(self, tensor: str) -> Part | None:
        """A table that is a tensor of its own."""
        parts = (
            [part for part in self._model.weights.anatomy.parts if part.tensor == tensor] if self._model.weights else []
        )
        return parts[0] if len(parts) == 1 and is_readable(self.checkpoint, parts[0]) else None
