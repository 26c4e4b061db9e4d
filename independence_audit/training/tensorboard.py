"""TensorBoard's event files, read by TensorBoard's own reader: every scalar of a run as one row a step."""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from independence_audit.core.bounded import kind_of
from independence_audit.errors import MalformedError, MissingError, UsageError

EVENTS = "tfevents"
"""Part of every event file's name."""
LARGEST = 256_000_000
"""Bytes of all event files of a run, ..."""
LONGEST = 16_000_000
"""... of one record, which may hold an image besides, ..."""
MOST_FILES, MOST_RECORDS = 1_000, 2_000_000
"""... and how many there may be."""
RECORD = struct.Struct("<Q")
CHECKSUMS = 8
"""Bytes of a record beside its length and content: a checksum of each."""


def read_events(path: Path) -> Iterator[Mapping[str, Any]]:
    """The scalars of an event file or of a folder with event files, by step.

    Raises:
        MissingError: There is no event file.
        MalformedError: The events cannot be read.
        UsageError: TensorBoard is not installed.
    """
    try:
        files = sorted(each for each in path.iterdir() if EVENTS in each.name) if path.is_dir() else [path]
        if not files:
            raise MissingError(f"The folder {path.name} holds no event files of TensorBoard.", "Name the run's folder.")
        _check_files(files)
    except OSError as error:
        raise MissingError(f"The log {path} cannot be read: {error.strerror}.", "Check the path.") from error
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


def _check_files(files: Sequence[Path]) -> None:
    """Walk through the records before a library reads them, which takes whatever length a record claims.

    Raises:
        OSError: A file is no regular one, or cannot be read.
        MalformedError: A record is larger than any scalar, or there are far too many files or records.
    """
    whole = 0
    for file in files[: MOST_FILES + 1]:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, f"{file.name} is {kind_of(status.st_mode)}, not a regular file")
        whole += status.st_size
    if len(files) > MOST_FILES or whole > LARGEST:
        raise MalformedError(f"There are over {MOST_FILES:,} event files or {LARGEST:,} bytes.", "Export the scalars.")
    records = 0
    for path in files:
        with path.open("rb") as stream:
            while len(head := stream.read(RECORD.size)) == RECORD.size:
                (length,) = RECORD.unpack(head)
                records += 1
                if length > LONGEST or records > MOST_RECORDS:
                    raise MalformedError(
                        f"The event file {path.name} has a record of over {LONGEST:,} bytes, or too many.",
                        "Export the scalars as CSV.",
                    )
                stream.seek(length + CHECKSUMS, os.SEEK_CUR)


def _scalar(event: Any) -> float | None:  # noqa: ANN401  an event of a library without types
    tensor = event.tensor_proto
    values = tensor.float_val or tensor.double_val
    if len(values) == 1:
        return float(values[0])
    if len(tensor.tensor_content) == 4:  # noqa: PLR2004  bytes of one float32
        return float(struct.unpack("<f", tensor.tensor_content)[0])
    return None


def _not_installed() -> UsageError:
    """The error where TensorBoard's reader is missing."""
    return UsageError(
        "TensorBoard's event files need its reader, which is not installed.",
        "Install it with: pip install 'independence-audit[logs]', or export the scalars as CSV.",
    )
