"""``audit trajectory`` from names to a report: every checkpoint is read once, and few are held at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from independence_audit.anatomy import LastPlaced
from independence_audit.checkpoint import open_named
from independence_audit.core.number_types import ANY_SCALE
from independence_audit.core.progress import NoProgress, Progress
from independence_audit.core.version import __version__
from independence_audit.errors import InputError, ReadError, UsageError
from independence_audit.evidence.audit_report import Tool, TrainingReport
from independence_audit.evidence.measurement import Message
from independence_audit.evidence.report_json import without_overflow
from independence_audit.evidence.training_evidence import Conclusion, Order, ReferencePoint, TrainingEvidence
from independence_audit.fingerprint import Fingerprint, Model, Sampler, read_model, sampler_of
from independence_audit.pipeline.checkpoint_references import CheckpointComparison, compare_checkpoint
from independence_audit.pipeline.incomplete import FINDING, INCONCLUSIVE, PASSED
from independence_audit.pipeline.models import check_samplers
from independence_audit.pipeline.references import find_references
from independence_audit.pipeline.scratch import contradicted, incomplete, run_of
from independence_audit.pipeline.settings import AuditSettings
from independence_audit.pipeline.trajectory_inputs import Replayed, expand, replayed
from independence_audit.training.conclude import trajectory_evidence
from independence_audit.training.initialisers import UNDECLARED, Initialiser, defaults_of, read_initialiser
from independence_audit.training.log_check import Weights, log_evidence
from independence_audit.training.logs import Log, read_log
from independence_audit.training.replay import Declared
from independence_audit.training.trajectory.checkpoint_scan import Scan, Scanned, ScannedCheckpoint
from independence_audit.training.trajectory.checkpoint_state import added, state_of
from independence_audit.training.trajectory.start import Freshness
from independence_audit.training.trajectory.steps import Ordered, arrange

MODEL_TYPE = "transformers"
"""``--init transformers``: what the library draws for the config's model type."""
EVERYTHING = 1 << 40
"""Rows, columns and values of which no tensor has as many."""


@dataclass(frozen=True, slots=True)
class TrajectorySettings:
    """Everything beside the checkpoints that decides what a trajectory comes to.

    Attributes:
        audit: The salt, the level, the library, and whether the network may be used.
        references: What every checkpoint is compared with.
        initialiser: What step 0 is held against: empty for any known law, ``transformers``, or a file.
        step_regex: Finds the step in a checkpoint's name.
        size: Name of the sampler's size.
        full: Read every value.
        replay: The declared draw.
        logs: Training logs that the checkpoints are held against.
    """

    audit: AuditSettings = field(default_factory=AuditSettings)
    references: Sequence[str] = ()
    initialiser: str = ""
    step_regex: str = ""
    size: str = "default"
    full: bool = False
    replay: Declared | None = None
    logs: Sequence[str] = ()

    @property
    def sampler(self) -> Sampler:
        """What is read of every checkpoint."""
        sampler = sampler_of(self.size, self.audit.salt)
        if not self.full:
            return sampler
        return replace(
            sampler,
            rows=EVERYTHING,
            values=EVERYTHING,
            columns=EVERYTHING,
            pool_rows=EVERYTHING,
            expert_reads=EVERYTHING,
        )


@dataclass(frozen=True, slots=True)
class Followed:
    """What a trajectory came to, and where it ends."""

    evidence: TrainingEvidence
    last: Fingerprint


@ANY_SCALE
def trajectory(
    checkpoints: Sequence[str], settings: TrajectorySettings | None = None, progress: Progress | None = None
) -> TrainingReport:
    """Follow the checkpoints of one training from the first to the last.

    Args:
        checkpoints: Files, folders, folders of step folders, names on the Hub with revisions, fingerprints.
        settings: What to do; the defaults are those of the command line.
        progress: Is told how far the reading has come.

    Raises:
        UsageError: A setting is wrong, or there is only one checkpoint.
        InputError: Not one checkpoint could be read, or a reference cannot be used.
    """
    settings, progress = settings or TrajectorySettings(), progress or NoProgress()
    known = [model.fingerprint for model in _references(settings, progress)]
    followed = follow(checkpoints, known, settings, progress)
    report = TrainingReport(
        tool=Tool("independence-audit", __version__),
        run=run_of(settings.audit),
        subject=followed.last.name,
        sampler=followed.last.sampler,
        training=followed.evidence,
        notices=followed.last.notices,
    )
    return without_overflow(report)[0]


def follow(
    checkpoints: Sequence[str], known: Sequence[Fingerprint], settings: TrajectorySettings, progress: Progress
) -> Followed:
    """Follow checkpoints from the first to the last.

    Args:
        checkpoints: As for :func:`trajectory`.
        known: What every checkpoint is compared with.
        settings: What to do.
        progress: Is told how far the reading has come.

    Raises:
        UsageError: A setting is wrong, there is only one checkpoint, or the pattern finds no step.
        InputError: Not one checkpoint could be read.
    """
    arranged = arrange(expand(checkpoints), settings.step_regex)
    ordered = arranged.checkpoints
    if len(ordered) + (settings.replay is not None) < 2:  # noqa: PLR2004  a way needs two ends
        for each in ordered:  # one that is not there at all is the better thing to say
            open_named(each.name, offline=settings.audit.offline).source.close()
        raise UsageError(
            "A trajectory needs at least two checkpoints.",
            "Name a folder of step folders, or look at one checkpoint with audit scratch.",
        )
    logs = [read_log(Path(name)) for name in settings.logs]
    with replayed(settings.replay, _named(ordered), offline=settings.audit.offline) as replay:
        return _follow(replay, logs, known, settings, progress, arranged.order)


def _follow(  # noqa: PLR0913, PLR0917  everything that decides what a trajectory comes to
    replay: Replayed,
    logs: Sequence[Log],
    known: Sequence[Fingerprint],
    settings: TrajectorySettings,
    progress: Progress,
    order: Order,
) -> Followed:
    """Checkpoints that are put in order, from the first to the last."""
    reader = _Reader(replay.checkpoints, settings, progress)
    first, last = reader.ends()
    initialiser = _initialiser(settings.initialiser, reader.config)
    scan = Scan(first, last, initialiser)
    start, met = state_of(first), dict[tuple[str, str], list[ReferencePoint]]()
    for seen in reader.all():
        if scan.take(seen) and seen.fingerprint is not None and known:
            alpha = settings.audit.alpha / (2 * len(replay.checkpoints))
            plain = compare_checkpoint(seen.fingerprint, known, alpha)
            update = (
                [] if seen.fingerprint is first else compare_checkpoint(added(start, seen.fingerprint), known, alpha)
            )
            met |= _points(seen.name, plain, update)
    scanned = scan.result()
    evidence = trajectory_evidence(scanned, initialiser.name, met, replay.evidence, order)
    if logs:
        weights = _weights(scanned, evidence, first)
        evidence = replace(evidence, logs=tuple(log_evidence(log, weights) for log in logs))
    return Followed(evidence, last)


def _weights(scanned: Scanned, evidence: TrainingEvidence, first: Fingerprint) -> Weights:
    """What logs are held against: the largest component's way, its start, and the vocabulary."""
    largest = max(first.components, key=lambda each: each.parameters).name
    start = scanned.steps[0].starts.get(largest) if scanned.steps else None
    tables = [sample.shape[0] for sample in first.samples if sample.role == "embed"]
    points = evidence.trajectory.points if evidence.trajectory else ()
    return Weights(
        points=[point for point in points if point.component == largest],
        initial=start is not None and start.freshness == Freshness.INITIAL and scanned.steps[0].step == 0,
        guessed=any(step.guessed for step in scanned.steps),
        vocabulary=max(tables, default=None),
    )


def trajectory_exit_code(report: TrainingReport) -> int:
    """1 where something contradicts; else 3 where a checkpoint or a conclusion is missing; else 0."""
    if contradicted(report):
        return FINDING
    undecided = any(each.conclusion == Conclusion.NO_EVIDENCE for each in report.training.components)
    return INCONCLUSIVE if undecided or incomplete(report) else PASSED


def _named(ordered: Sequence[Ordered]) -> list[tuple[str, Ordered]]:
    """Every checkpoint with the name it has in the report: the last part of its path, more where that is not enough."""
    for parts in range(1, 4):
        short = ["/".join(each.name.rstrip("/").split("/")[-parts:]) for each in ordered]
        if len(set(short)) == len(short):
            break
    counts: dict[str, int] = {}
    named = []
    for name, each in zip(short, ordered, strict=True):
        counts[name] = counts.get(name, 0) + 1
        named.append((name if counts[name] == 1 else f"{name} ({counts[name]})", each))
    return named


def _references(settings: TrajectorySettings, progress: Progress) -> list[Model]:
    if not settings.references:
        return []
    found = find_references(settings.references, settings.audit, progress).models
    for model in found:
        model.close()
    return found


def _initialiser(declared: str, config: Mapping[str, Any]) -> Initialiser:
    if not declared:
        return UNDECLARED
    if declared != MODEL_TYPE:
        return read_initialiser(Path(declared))
    model_type = config.get("model_type")
    if not isinstance(model_type, str):
        raise UsageError(
            "--init transformers needs a config.json with a model_type beside the first checkpoint.",
            "Put it there, or declare the initialiser in a file.",
        )
    return defaults_of(model_type, config)


class _Reader:
    """Reads every checkpoint once: the two ends first, the others in order when they are asked for."""

    def __init__(self, named: Sequence[tuple[str, Ordered]], settings: TrajectorySettings, progress: Progress) -> None:
        self.config: Mapping[str, Any] = {}
        """Of the first checkpoint that could be read."""
        self._named = named
        self._settings = settings
        self._progress = progress
        self._read: dict[int, ScannedCheckpoint] = {}
        self._first: Fingerprint | None = None
        self._placing = LastPlaced()

    def ends(self) -> tuple[Fingerprint, Fingerprint]:
        """The first and the last checkpoint that can be read.

        Raises:
            InputError: There is none.
        """
        first = next((seen.fingerprint for seen in map(self._at, range(len(self._named))) if seen.fingerprint), None)
        if first is None:
            reason = next((seen.reason.data["reason"] for seen in self._read.values() if seen.reason), "")
            raise ReadError(
                f"None of the {len(self._named)} checkpoints could be read; the first: {reason}", "Check the files."
            )
        backwards = map(self._at, reversed(range(len(self._named))))
        return first, next(seen.fingerprint for seen in backwards if seen.fingerprint)

    def all(self) -> Iterator[ScannedCheckpoint]:
        """Every checkpoint in order; what was handed out is not held."""
        for number in range(len(self._named)):
            seen = self._at(number)
            del self._read[number]
            yield seen

    def _at(self, number: int) -> ScannedCheckpoint:
        if number not in self._read:
            self._read[number] = self._open(number)
        return self._read[number]

    def _open(self, number: int) -> ScannedCheckpoint:
        name, ordered = self._named[number]
        self._progress.step("reading checkpoints", number, len(self._named))
        try:
            model = read_model(
                ordered.name,
                self._settings.sampler,
                NoProgress(),
                offline=self._settings.audit.offline,
                placing=self._placing,
            )
            model.close()
            if self._first is not None:
                check_samplers(self._first, [model.fingerprint])
        except InputError as error:
            return _seen(
                name, ordered, None, Message("limit.unreadable", {"reason": error.message, "cause": error.cause})
            )
        if self._first is None:
            self._first = model.fingerprint
            self.config = model.checkpoint.config if model.checkpoint else {}
        unreadable = model.fingerprint.unreadable
        left_out = Message("limit.partly_unreadable", {"count": len(unreadable)}) if unreadable else None
        return _seen(name, ordered, model.fingerprint, left_out)


def _seen(name: str, ordered: Ordered, fingerprint: Fingerprint | None, reason: Message | None) -> ScannedCheckpoint:
    return ScannedCheckpoint(name, ordered.step, fingerprint, reason, ordered.guessed, ordered.claimed, ordered.rank)


def _points(
    name: str, plain: Sequence[CheckpointComparison], update: Sequence[CheckpointComparison]
) -> dict[tuple[str, str], list[ReferencePoint]]:
    """What one checkpoint came to against the references, by component."""
    updates = {(each.component, each.reference): each for each in update}
    points: dict[tuple[str, str], list[ReferencePoint]] = {}
    for each in plain:
        change = updates.get((each.component, each.reference))
        points.setdefault((name, each.component), []).append(
            ReferencePoint(
                reference=each.reference,
                r=each.r,
                z=each.z,
                update_r=change.r if change else None,
                update_z=change.z if change else None,
                related=each.related,
                related_update=change.related if change else False,
            )
        )
    return points
