"""Training logs of every kind become the same rows; what is no log is refused in one sentence."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


BIG = "9" * 5_000
ROW = '{"step": 1, "loss": 2.0}'


@pytest.mark.parametrize(
    "text",
    [
        f'{{"step": {BIG}, "loss": 1}}\n{{"step": {BIG}, "loss": 1}}\n',
        f"[{ROW}, {{'a'}}]",
        "[" * 100_000,
        '{"a":' * 100_000,
        f"[{ROW}," + "[" * 100_000,
        f'{{"log_history": {"[" * 100_000}',
        f'{{"x": {"[" * 2_000_000}, "log_history": [{ROW}]}}',
        "{" + "\n" * 10 + '"a": 1',
        "x" * 2_000_000,
        '{"step": ' + " " * 2_000_000,
        "step,loss\n" + "1," + "9" * 200_000 + "\n",
        'step,loss\n1,"' + "x\n" * 200_000,
        ",".join(f"c{n}" for n in range(200_000)) + ",step,loss\n" + "1\n" * 1_000,
        "step," * 100_000 + "loss\n" + "1\n" * 50_000,
        '{"step": 1, "loss": 2, ' + ",".join(f'"k{n}": 1' for n in range(50_000)) + "}\n",
        "step,loss\n" + "\n" * 3_000_000,
        "[" + "0," * 3_000_000 + "0]",
        '{"step": 1e999, "loss": 1e999}\n' * 3,
        '{"step": 1e300, "loss": 1}\n' * 3,
        '{"step": 1, "loss": NaN}\n' * 3,
        f'{{"step": 1, "loss": {"9" * 400}}}\n' * 3,
        '{"step": true, "loss": [1]}\n' * 3,
    ],
    ids=range(22),
)
def test_hostile_logs_are_refused_at_once(text: str, tmp_path: Path) -> None:
    """Numbers without end, nests, a million columns, one endless line: one sentence, at once."""
    (tmp_path / "log").write_text(text)
    begun = time.process_time()
    with pytest.raises(AuditError) as caught:
        read_log(tmp_path / "log")
    assert caught.value.hint
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("magic", [b"\x1f\x8b\x08", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh9", b"\xfd7zXZ"])
def test_packed_logs_are_named(magic: bytes, tmp_path: Path) -> None:
    """Not unpacked: they could be bombs, and whoever has one can unpack it."""
    (tmp_path / "log.csv.gz").write_bytes(magic + bytes(100))
    with pytest.raises(MalformedError, match="packed"):
        read_log(tmp_path / "log.csv.gz")


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null", "pipe", "pipe.tfevents", "folder of pipes"])
def test_what_is_no_file_is_not_waited_for(place: str, tmp_path: Path) -> None:
    """Devices and pipes."""
    path = Path(place) if place.startswith("/") else tmp_path / place
    if "folder" in place:
        path.mkdir()
        os.mkfifo(path / "x.tfevents.1")
    elif not path.is_absolute() or not path.exists():
        os.mkfifo(path)
    with pytest.raises(MissingError, match="regular file"):
        read_log(path)


def test_figures_that_no_training_has_are_left_out(tmp_path: Path) -> None:
    """Whole numbers beyond any float among them; the rows beside them count."""
    rows = [
        ROW,
        f'{{"step": 2, "loss": {"9" * 400}, "lr": 0.5}}',
        '{"step": 1e300, "loss": 1}',
        '{"step": 3, "loss": 1e99}',
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(rows))
    assert read_log(tmp_path / "log.jsonl").rows == (Row(1, 2.0, None, None), Row(2, None, 0.5, None))


def test_a_long_document_is_read_object_by_object(tmp_path: Path) -> None:
    """A trainer's state of some megabytes, as it is written with indents."""
    rows = [{"step": step, "loss": 1.0, "note": "x" * 200} for step in range(8_000)]
    state = {"best": [[1, {"a": 2}], "[{"], "epoch": 3.0, "log_history": rows, "more": {}}
    for text in (json.dumps(state, indent=2), json.dumps(rows, indent=2), json.dumps(rows)):
        assert len(text) > 1_000_000
        (tmp_path / "trainer_state.json").write_text(text)
        assert [row.step for row in read_log(tmp_path / "trainer_state.json").rows] == list(range(8_000))


@pytest.mark.parametrize("length", [1 << 62, 1 << 40, 1 << 25, (1 << 64) - 1])
def test_records_of_an_absurd_length_are_refused(length: int, tmp_path: Path) -> None:
    """Before a library takes their length for true."""
    (tmp_path / "events.out.tfevents.1").write_bytes(length.to_bytes(8, "little") + bytes(100))
    with pytest.raises(MalformedError, match="record"):
        read_log(tmp_path / "events.out.tfevents.1")


@given(st.binary(max_size=200), st.sampled_from(["log", "events.out.tfevents.1"]))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_bytes_crash_it(tmp_path: Path, content: bytes, name: str) -> None:
    """Whatever was handed in, the answer is a log or a sentence."""
    (tmp_path / name).write_bytes(content)
    with suppress(AuditError):
        read_log(tmp_path / name)


@given(st.text('{}[]",:0159.e-\n abstepl', max_size=60))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_text_crashes_it(tmp_path: Path, text: str) -> None:
    """Nor any broken JSON or CSV."""
    (tmp_path / "log").write_text(text)
    with suppress(AuditError):
        read_log(tmp_path / "log")
