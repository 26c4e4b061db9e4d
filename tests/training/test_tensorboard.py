"""TensorBoard's event files: walked through before its own reader sees them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from independence_audit.errors import MalformedError, MissingError
from independence_audit.training.tensorboard import LONGEST, read_events

NAME = "events.out.tfevents.1"
INSTALLED = importlib.util.find_spec("tensorboard") is not None


def record(length: int, content: bytes = b"") -> bytes:
    """A record that claims a length."""
    return length.to_bytes(8, "little") + bytes(4) + content + bytes(4)


def test_a_folder_without_events_is_none(tmp_path: Path) -> None:
    """By name; a file of that name that is not there is as little."""
    with pytest.raises(MissingError, match="holds no event files"):
        list(read_events(tmp_path))
    with pytest.raises(MissingError, match="cannot be read"):
        list(read_events(tmp_path / NAME))


@pytest.mark.parametrize("length", [LONGEST + 1, 1 << 62])
def test_a_record_that_claims_the_memory_is_refused(tmp_path: Path, length: int) -> None:
    """Before any library allocates it, whichever record of the file it is."""
    (tmp_path / NAME).write_bytes(record(3, b"abc") + record(length))
    with pytest.raises(MalformedError, match="has a record of over"):
        list(read_events(tmp_path / NAME))


@pytest.mark.skipif(not INSTALLED, reason="TensorBoard's reader is not installed")
def test_scalars_become_rows_by_step(tmp_path: Path) -> None:
    """As TensorBoard's own writer left them, each step once and in order."""
    writer = pytest.importorskip("torch.utils.tensorboard").SummaryWriter(str(tmp_path))
    for step in (2, 0, 1):
        writer.add_scalar("loss", 1.0 / (step + 1), step)
    writer.add_scalar("lr", 0.5, 1)
    writer.close()
    rows = list(read_events(tmp_path))
    assert [row["step"] for row in rows] == [0, 1, 2]
    assert [row["loss"] for row in rows] == pytest.approx([1.0, 0.5, 1 / 3])
    assert [row.get("lr") for row in rows] == [None, 0.5, None]
