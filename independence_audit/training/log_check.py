"""A training log against the checkpoints: gaps, restarts, and what it says that the weights contradict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from independence_audit.evidence.measurement import Message, Value
from independence_audit.evidence.training_evidence import Finding, LogEvidence, TrajectoryPoint
from independence_audit.training.logs import Log, Row
from independence_audit.training.trajectory.steps import wide_gaps

EARLY = 0.01
"""Share of the logged steps within which a loss is one of the beginning."""
KNOWS = 0.6
"""Share of a uniform guess's loss below which a first loss is one of trained weights. Untrained language models begin
at ln(vocabulary) or above: the examples' at 5.5, which is 1.0 times it; their training ends at 2, 0.36 times it."""
FELL = 0.02
"""Least share by which the loss must have fallen between its beginning and its end."""
VARIES = 3.0
"""Ratio of learning rates from which the sizes of updates must follow them."""
FOLLOWS = 0.2
"""Rank correlation of the sizes of updates with learning rates below which they do not follow them. Measured on the 12
components of honest runs whose rate varies, the first interval left out, in which optimisers warm up: 0.89 to 1."""
FEWEST = 5
"""Intervals from which a correlation is told."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What of a trajectory a log is held against."""

    points: Sequence[TrajectoryPoint]
    """Of the largest component, in order."""
    initial: bool
    """Whether its first checkpoint is an initial draw of step 0."""
    vocabulary: int | None
    """Rows of its input embedding; None where it has none."""
    guessed: bool = False
    """Whether the checkpoints' steps are guesses."""


def log_evidence(log: Log, weights: Weights) -> LogEvidence:
    """Hold a log against the checkpoints."""
    steps = [row.step for row in log.rows]
    checks = (_gaps, _restarts, _reach, _losses, _start, _idle, _rates)
    findings = tuple(finding for check in checks for finding in check(log, weights))
    return LogEvidence(log.source, len(log.rows), min(steps), max(steps), log.columns, findings)


def _gaps(log: Log, _: Weights) -> Iterator[Finding]:
    ascending = sorted({row.step for row in log.rows})
    for first, last in wide_gaps(ascending)[:5]:
        yield _remark("finding.log_gap", {"first": first, "last": last}, "alternative.log_rotated")


def _restarts(log: Log, _: Weights) -> Iterator[Finding]:
    back = [(before.step, after.step) for before, after in pairwise(log.rows) if after.step < before.step]
    if back:
        data = {"count": len(back), "first": back[0][0], "last": back[0][1]}
        yield _remark("finding.log_restart", data, "alternative.rolled_back", "alternative.log_rotated")


def _reach(log: Log, weights: Weights) -> Iterator[Finding]:
    """Checkpoints at steps that the log does not cover."""
    last = max(row.step for row in log.rows)
    usual = (last - min(row.step for row in log.rows)) / max(1, len(log.rows) - 1)
    beyond = [p.checkpoint for p in weights.points if p.step is not None and p.step > last + max(1.0, 3 * usual)]
    if beyond:
        data = {"count": len(beyond), "last": last}
        yield Finding(
            Message("finding.log_ends_early", data),
            checkpoints=tuple(beyond[:20]),
            alternatives=(Message("alternative.log_rotated"),),
        )


def _losses(log: Log, _: Weights) -> Iterator[Finding]:
    """A loss that does not fall."""
    losses = [row.loss for row in log.rows if row.loss is not None]
    if len(losses) < 2 * FEWEST:
        return
    tenth = max(1, len(losses) // 10)
    first, last = fmean(losses[:tenth]), fmean(losses[-tenth:])
    if last > first - FELL * abs(first):
        yield _remark("finding.log_loss_stays", {"first": first, "last": last}, "alternative.warm_start")


def _start(log: Log, weights: Weights) -> Iterator[Finding]:
    """A first loss that an initial draw cannot have."""
    if not weights.initial or weights.vocabulary is None:
        return
    steps = sorted(row.step for row in log.rows)
    early = steps[0] + EARLY * (steps[-1] - steps[0])
    losses = [row.loss for row in log.rows if row.loss is not None and row.step <= early]
    guess = math.log(weights.vocabulary)
    if losses and steps[0] <= early and 0.0 < losses[0] < KNOWS * guess:
        data = {"loss": losses[0], "guess": guess, "step": steps[0], "vocabulary": weights.vocabulary}
        yield Finding(
            Message("finding.log_starts_trained", data),
            contradicts=steps[0] <= max(1, round(EARLY * steps[-1])),
            effect=losses[0] / guess,
            tolerance=KNOWS,
            alternatives=(Message("alternative.other_loss"), Message("alternative.late_log")),
        )


def _idle(log: Log, weights: Weights) -> Iterator[Finding]:
    """Weights that changed where the learning rate was zero, or stayed where it was not."""
    for before, after in pairwise(weights.points):
        rates = _rates_between(log.rows, before, after)
        if not rates or after.identical_fraction is None:
            continue
        if max(rates) == 0.0 and after.identical_fraction < 1.0:
            key = "finding.log_changed_at_zero_rate"
        elif min(rates) > 0.0 and after.identical_fraction == 1.0:
            key = "finding.log_unchanged_at_rate"
        else:
            continue
        yield Finding(
            Message(key, {"before": before.checkpoint, "checkpoint": after.checkpoint, "rate": f"{max(rates):.3g}"}),
            contradicts=not weights.guessed,
            checkpoints=(before.checkpoint, after.checkpoint),
            alternatives=(
                *((Message("alternative.guessed_step"),) if weights.guessed else ()),
                Message("alternative.other_group"),
                Message("alternative.wrong_step_names"),
            ),
        )


def _rates(log: Log, weights: Weights) -> Iterator[Finding]:
    """Sizes of updates against learning rates, the first interval left out: there the optimiser warms up."""
    pairs = []
    for before, after in list(pairwise(weights.points))[1:]:
        rates = _rates_between(log.rows, before, after)
        steps = (after.step or 0) - (before.step or 0)
        if rates and after.relative_update and steps > 0:
            pairs.append((fmean(rates), after.relative_update / math.sqrt(steps)))
    rates = [rate for rate, _ in pairs]
    if len(pairs) < FEWEST or min(rates) <= 0.0 or max(rates) < VARIES * min(rates):
        return
    rank = _rank_correlation(pairs)
    if rank < FOLLOWS:
        data = {"r": rank, "intervals": len(pairs)}
        yield Finding(
            Message("finding.log_rate_against_updates", data),
            effect=rank,
            tolerance=FOLLOWS,
            alternatives=(Message("alternative.other_group"), Message("alternative.wrong_step_names")),
        )


def _rates_between(rows: Sequence[Row], before: TrajectoryPoint, after: TrajectoryPoint) -> list[float]:
    if before.step is None or after.step is None:
        return []
    return [r.learning_rate for r in rows if before.step < r.step <= after.step and r.learning_rate is not None]


def _rank_correlation(pairs: Sequence[tuple[float, float]]) -> float:
    """Spearman's correlation."""
    from scipy.stats import spearmanr

    result = spearmanr([first for first, _ in pairs], [second for _, second in pairs])
    return float(result.statistic) if math.isfinite(float(result.statistic)) else 0.0


def _remark(key: str, data: Mapping[str, Value], *alternatives: str) -> Finding:
    return Finding(Message(key, data), alternatives=tuple(Message(each) for each in alternatives))
