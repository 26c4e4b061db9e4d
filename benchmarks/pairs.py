"""Public pairs of models whose lineage is known: the table they are read from, and what auditing one came to."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from independence_audit.evidence.audit_report import AuditReport, Severity
from independence_audit.pipeline.incomplete import exit_code

PAIRS = Path(__file__).with_name("known_pairs.csv")
POLYPYTHIAS = Path(__file__).with_name("polypythias.csv")
"""Pythia in five sizes, trained again from nine other draws each, and one size three times from the same draw on data
in another order (van der Wal et al. 2025): the truth for a shared draw against shared training. Their ``weight-seed``
runs, meant to be other draws, are left out: by others' measurements they begin from the size's one draw all the same.
"""
LEAFBENCH = Path(__file__).with_name("leafbench.csv")
"""The public weights of LeaFBench (Shao et al. 2025, arXiv 2508.19843), by its repository's configuration: seven models
and what was made of each, and the seven beside each other. Its 149 instances are these weights, some of them behind
prompts, retrieval, watermarks and settings of sampling, which leave weights as they are.
"""
COLUMNS = ["subject", "reference", "truth", "provenance"]


class PairsError(Exception):
    """A table of pairs cannot be used."""


class Truth(StrEnum):
    """What is publicly known of a pair."""

    SHARES_WEIGHTS = "shares weights"
    SHARES_DRAW = "shares an initial draw"
    """Trained apart from the same initial weights, which the audit cannot and need not tell from shared training."""
    INDEPENDENT = "independent"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two models on the Hub, and what is known of them."""

    subject: str
    reference: str
    truth: Truth
    provenance: str
    """How one of the two came from the other; ``none`` where it did not."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a pair could not be audited."""

    reason: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Result:
    """A pair with its report, or with why there is none."""

    pair: Pair
    outcome: AuditReport | Failure

    @property
    def exit_code(self) -> int:
        """The exit status that the command line would give."""
        if isinstance(self.outcome, Failure):
            return self.outcome.exit_code
        return exit_code(self.outcome, Severity.NOT_MET)


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a table with the columns subject, reference, truth and provenance.

    Raises:
        PairsError: The table cannot be read, or a row is none.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise PairsError(f"{path} could not be read: {error}.") from error
    if not rows or rows[0] != COLUMNS:
        raise PairsError(f"{path} does not begin with the columns {', '.join(COLUMNS)}.")
    return [_pair(path, number, row) for number, row in enumerate(rows[1:], 2)]


def _pair(path: Path, number: int, row: list[str]) -> Pair:
    if len(row) != len(COLUMNS):
        raise PairsError(f"{path}, row {number}: {len(row)} columns instead of {len(COLUMNS)}.")
    subject, reference, truth, provenance = row
    try:
        return Pair(subject, reference, Truth(truth), provenance)
    except ValueError as error:
        raise PairsError(f"{path}, row {number}: the truth is one of {', '.join(Truth)}, not {truth!r}.") from error
