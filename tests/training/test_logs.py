"""Training logs of every kind become the same rows; what is no log is refused in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from independence_audit.errors import AuditError, MalformedError, MissingError
from independence_audit.training.logs import Log, Row, read_log

ROWS = (Row(1, 5.5, 0.001, 100.0), Row(2, 5.25, 0.002, 200.0), Row(3, 5.0, 0.001, 300.0))
CSV = "step,loss,learning_rate,tokens,note\n1,5.5,0.001,100,a\n2,5.25,0.002,200,b\n3,5.0,0.001,300,\n"
WANDB = (
    '"_step","train/loss","train/learning_rate","_runtime","tokens_seen"\n'
    "1,5.5,0.001,9,100\n2,5.25,0.002,9,200\n3,5,0.001,9,300\n"
)
OBJECTS: list[dict[str, Any]] = [
    {"global_step": row.step, "train_loss": row.loss, "lr": row.learning_rate, "num_tokens": row.tokens} for row in ROWS
]


@pytest.mark.parametrize(
    "text",
    [
        CSV,
        CSV.replace(",", "\t"),
        WANDB,
        json.dumps(OBJECTS),
        json.dumps({"best": 1, "log_history": OBJECTS}),
        "\n".join(map(json.dumps, OBJECTS)),
        "\n".join(map(json.dumps, OBJECTS)) + '\n{"global_step": 4, "tr',
        "\ufeff" + CSV,
    ],
    ids=["csv", "tsv", "wandb", "json list", "trainer state", "json lines", "cut off", "byte order mark"],
)
def test_every_kind_gives_the_same_rows(text: str, tmp_path: Path) -> None:
    """Whatever trainers call their columns."""
    (tmp_path / "log").write_text(text, encoding="utf-8")
    assert read_log(tmp_path / "log") == Log("log", ROWS, ("step", "loss", "learning_rate", "tokens"))


def test_rows_without_a_figure_are_left_out(tmp_path: Path) -> None:
    """Evaluations, NaN, and rows of other metrics between them."""
    rows = [{"step": 1, "loss": 3.0}, {"step": 1, "eval_loss": 9.0}, {"step": 2, "loss": float("nan")}, {"loss": 2.0}]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert read_log(tmp_path / "log.jsonl").rows == (Row(1, 3.0, None, None),)


def test_tensorboard(tmp_path: Path) -> None:
    """A folder of event files, by TensorBoard's own reader."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(tmp_path / "run"))
    for row in ROWS:
        values = {"train/loss": row.loss, "train/learning_rate": row.learning_rate, "train/tokens": row.tokens}
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
        writer.add_event(Event(step=row.step, summary=summary))
    writer.close()
    log = read_log(tmp_path / "run")
    assert log.columns == ("step", "loss", "learning_rate", "tokens")
    assert [row.step for row in log.rows] == [1, 2, 3]
    assert [row.loss for row in log.rows] == [5.5, 5.25, 5.0]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", MalformedError),
        ("step,accuracy\n1,0.5\n", MalformedError),
        ("{broken\n{broken\n", MalformedError),
        ('{"a": 1}', MalformedError),
        ("\0\1\2", MalformedError),
        (None, MissingError),
    ],
    ids=["empty", "no loss", "broken", "no rows", "binary", "missing"],
)
def test_no_log(text: str | None, error: type[AuditError], tmp_path: Path) -> None:
    """Refused with a way out."""
    if text is not None:
        (tmp_path / "log").write_text(text)
    with pytest.raises(error) as caught:
        read_log(tmp_path / "log")
    assert caught.value.hint


def test_a_folder_without_events(tmp_path: Path) -> None:
    """Said so."""
    with pytest.raises(MissingError, match="no event files"):
        read_log(tmp_path)
