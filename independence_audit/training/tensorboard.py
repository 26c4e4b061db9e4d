"""TensorBoard's event files, read by TensorBoard's own reader: every scalar of a run as one row a step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from independence_audit.errors import MalformedError, MissingError, UsageError


def read_events(path: Path) -> Iterator[Mapping[str, Any]]:
    """The scalars of an event file or of a folder with event files, by step.

    Raises:
        MissingError: There is no event file.
        MalformedError: The events cannot be read.
        UsageError: TensorBoard is not installed.
    """
    if path.is_dir() and not any("tfevents" in each.name for each in path.iterdir()):
        raise MissingError(f"The folder {path.name} holds no event files of TensorBoard.", "Name the run's folder.")
    if not path.exists():
        raise MissingError(f"There is no log {path}.", "Check the path.")
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError as error:
        raise _not_installed() from error
    events = EventAccumulator(str(path), size_guidance={"scalars": 0, "tensors": 0})
    try:
        events.Reload()
        series = {tag: [(one.step, one.value) for one in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
        for tag in events.Tags()["tensors"]:  # newer writers store scalars as tensors
            series[tag] = [(one.step, value) for one in events.Tensors(tag) if (value := _scalar(one)) is not None]
    except Exception as error:  # its reader raises what its libraries do
        raise MalformedError(f"The event files of {path.name} cannot be read: {type(error).__name__}.") from error
    rows: dict[int, dict[str, Any]] = {}
    for tag, points in series.items():
        for step, value in points:
            rows.setdefault(step, {"step": step})[tag] = value
    yield from (rows[step] for step in sorted(rows))


def _scalar(event: Any) -> float | None:  # noqa: ANN401  an event of a library without types
    tensor = event.tensor_proto
    values = tensor.float_val or tensor.double_val
    if len(values) == 1:
        return float(values[0])
    if len(tensor.tensor_content) == 4:  # noqa: PLR2004  bytes of one float32
        import struct

        return float(struct.unpack("<f", tensor.tensor_content)[0])
    return None


def _not_installed() -> UsageError:
    """The error where TensorBoard's reader is missing."""
    return UsageError(
        "TensorBoard's event files need its reader, which is not installed.",
        "Install it with: pip install 'independence-audit[logs]', or export the scalars as CSV.",
    )
