"""``audit trajectory`` as users start it: step folders, fingerprints, and every kind of bad input by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from independence_audit.cli.entry import main
from tests.cli.small_models import Weights, llama, save

SAVES = 6


def training(seed: int) -> list[Weights]:
    """Checkpoints of a simulated training under llama's names: decay, and growth along shared directions."""
    random = np.random.default_rng(seed)
    weights = {name: np.ones_like(each) if "norm" in name else each for name, each in llama(seed).items()}
    saved = [weights]
    for _ in range(SAVES - 1):
        weights = {name: _trained(each, random) for name, each in weights.items()}
        saved.append(weights)
    return saved


def _trained(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    if values.ndim == 1:
        return (values + 0.02 * random.normal(size=values.shape)).astype(np.float32)
    rows, columns = values.shape
    update = random.normal(size=(rows, 5)) @ random.normal(size=(5, columns))
    return (0.99 * values + 0.004 * update).astype(np.float32)


def write(checkpoints: Sequence[Weights], folder: Path) -> Path:
    """Step folders."""
    for number, weights in enumerate(checkpoints):
        save(weights, folder / f"checkpoint-{10 * number}" / "model.safetensors")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """An honest training as a folder of step folders."""
    return write(training(1), tmp_path / "run")


def follow(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """The status and the JSON report."""
    status = main(["trajectory", *arguments, "--format", "json"])
    return status, json.loads(capsys.readouterr().out)


def conclusions(report: dict[str, Any]) -> list[str]:
    """One for each component."""
    return [each["conclusion"] for each in report["training"]["components"]]


def test_an_honest_run_passes(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 0, all checkpoints in order, and a text that says what it rests on."""
    status, report = follow(capsys, str(run))
    assert status == 0
    assert conclusions(report) == ["initialised_and_trained"]
    seen = report["training"]["trajectory"]["checkpoints"]
    assert [each["step"] for each in seen] == [0, 10, 20, 30, 40, 50]
    assert main(["trajectory", str(run)]) == 0
    text = capsys.readouterr().out
    assert "initialised and trained" in text
    assert "links of one chain" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(("lang", "words"), [("en", "initialised and trained"), ("ko", "초기화 후 학습함")])
def test_every_format_and_language(run: Path, tmp_path: Path, lang: str, words: str) -> None:
    """Text, Markdown and a page with a chart that needs no network."""
    targets = {name: tmp_path / f"report.{name}" for name in ("text", "markdown", "html")}
    options = [word for name, path in targets.items() for word in ("-o", f"{name}={path}")]
    assert main(["trajectory", str(run), "-q", "--lang", lang, *options]) == 0
    texts = {name: path.read_text(encoding="utf-8") for name, path in targets.items()}
    assert all(words in text for text in texts.values())
    assert "<polyline" in texts["html"]
    assert "checkpoint-30" in texts["html"]
    assert "http" not in texts["html"].replace("http-equiv", "")


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ("10 (from the name)", "unknown", "which is a guess")),
        ("ko", ("10 (이름에서 추정)", "알 수 없음", "추정함")),
    ],
)
def test_every_format_says_that_a_step_is_a_guess(run: Path, tmp_path: Path, lang: str, words: tuple[str, ...]) -> None:
    """And who put the checkpoints into their order."""
    (run / "checkpoint-50").rename(run / "final")
    targets = {name: tmp_path / f"report.{name}" for name in ("text", "markdown", "html")}
    options = [word for name, path in targets.items() for word in ("-o", f"{name}={path}")]
    assert main(["trajectory", str(run), "-q", "--lang", lang, *options]) == 0
    for path in targets.values():
        text = " ".join(path.read_text(encoding="utf-8").replace("\\", "").split())
        assert all(word in text for word in words)


def test_a_swap_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1, and the checkpoint is named."""
    run = write([*training(1)[:3], *training(2)[3:]], tmp_path / "run")
    status, report = follow(capsys, str(run))
    assert status == 1
    assert conclusions(report) == ["starts_from_trained_weights"]
    assert main(["trajectory", str(run)]) == 1
    assert "checkpoint-30 shares nothing with checkpoint-20" in capsys.readouterr().out.replace("\n    ", " ")


def test_fingerprints_stand_for_checkpoints(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same conclusion and table as from the weights."""
    made = []
    for folder in sorted(run.iterdir()):
        made.append(str(run.parent / f"{folder.name}.fp.safetensors"))
        assert main(["fingerprint", str(folder), "-o", made[-1], "-q"]) == 0
    capsys.readouterr()
    _, from_weights = follow(capsys, str(run))
    status, report = follow(capsys, *made)
    assert status == 0
    points = [
        [point["first_r"] for point in each["training"]["trajectory"]["points"]] for each in (report, from_weights)
    ]
    assert points[0] == points[1]


def test_one_corrupt_file_is_named_and_skipped(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 3, its reason in the report, and the conclusion one grade lower."""
    (run / "checkpoint-20" / "model.safetensors").write_bytes(b"\0" * 100)
    status, report = follow(capsys, str(run))
    assert status == 3
    assert conclusions(report) == ["consistent_with_scratch"]
    [skipped] = [each for each in report["training"]["trajectory"]["checkpoints"] if each["status"] == "skipped"]
    assert skipped["name"] == "checkpoint-20"
    assert "safetensors" in skipped["reason"]["data"]["reason"]


def test_corrupt_ends(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken first and a broken last checkpoint leave the others."""
    for name in ("checkpoint-0", "checkpoint-50"):
        (run / name / "model.safetensors").write_bytes(b"\0" * 100)
    status, report = follow(capsys, str(run))
    assert status == 3
    assert conclusions(report) == ["consistent_with_scratch"]


def test_nothing_readable_is_status_4(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, no report."""
    for folder in run.iterdir():
        (folder / "model.safetensors").write_bytes(b"\0" * 100)
    assert main(["trajectory", str(run)]) == 4
    assert "None of the 6 checkpoints could be read" in capsys.readouterr().err


def test_another_shape_is_skipped(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A checkpoint of another width among them."""
    save(llama(3, width=96), run / "checkpoint-20" / "model.safetensors")
    status, report = follow(capsys, str(run))
    assert status == 3
    assert report["training"]["trajectory"]["checkpoints"][2]["reason"]["key"] == "limit.other_shapes"


def test_a_grown_vocabulary_is_told(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rows that both have are used."""
    file = run / "checkpoint-50" / "model.safetensors"
    weights = training(1)[-1]
    name = "model.embed_tokens.weight"
    save(weights | {name: np.concatenate([weights[name], 0.02 * np.ones((16, 128), np.float32)])}, file)
    status, report = follow(capsys, str(run))
    assert status == 0
    assert report["training"]["trajectory"]["checkpoints"][-1]["reason"]["key"] == "limit.other_vocabulary"


def test_optimiser_states_are_left_out(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the weights, whatever their format."""
    for folder in run.iterdir():
        save_file({"exp_avg": np.zeros(1000, np.float32)}, folder / "optimizer.safetensors")
        (folder / "scheduler.pt").write_bytes(b"PK")
    status, report = follow(capsys, str(run))
    assert status == 0
    assert conclusions(report) == ["initialised_and_trained"]
    assert [notice["key"] for notice in report["notices"]] == ["notice.training_state"]


def test_files_by_step_in_one_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a pattern of one's own."""
    for number, weights in enumerate(training(1)):
        save(weights, tmp_path / f"x7_it{number}.safetensors")
    status, report = follow(capsys, str(tmp_path), "--step-regex", "it([0-9]+)")
    assert status == 0
    assert [each["step"] for each in report["training"]["trajectory"]["checkpoints"]] == [0, 1, 2, 3, 4, 5]


def test_a_reference_at_every_checkpoint(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A stranger meets nothing; one's own last checkpoint as a reference is met in training, not in the draw alone."""
    stranger = save(training(5)[-1], tmp_path / "stranger.safetensors")
    status, report = follow(capsys, str(run), "--ref", stranger)
    assert status == 0
    assert all(len(point["references"]) == 1 for point in report["training"]["trajectory"]["points"])
    status, report = follow(capsys, str(run), "--ref", str(run / "checkpoint-50"))
    assert status == 1
    [component] = report["training"]["components"]
    keys = {finding["message"]["key"] for finding in component["findings"]}
    assert keys == {"finding.shares_draw", "finding.shares_training"}


def test_a_declared_initialiser(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The right one passes, a wrong scale is a remark and no verified start."""
    right, wrong = tmp_path / "right.toml", tmp_path / "wrong.toml"
    right.write_text("[default]\nscale = 0.02\n")
    wrong.write_text("[default]\nscale = 0.03\n")
    assert follow(capsys, str(run), "--init", str(right))[0] == 0
    status, report = follow(capsys, str(run), "--init", str(wrong))
    assert conclusions(report) == ["consistent_with_scratch"]
    assert status == 0
    assert report["training"]["trajectory"]["initialiser"] == "wrong.toml"


def test_a_log_beside_the_checkpoints(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An honest one is read and shown; one whose first loss is a trained model's is a contradiction."""
    honest, other = tmp_path / "honest.csv", tmp_path / "other.csv"
    honest.write_text("step,loss\n" + "".join(f"{step},{6 - step / 20}\n" for step in range(51)))
    other.write_text("step,loss\n" + "".join(f"{step},{2 - step / 90}\n" for step in range(51)))
    assert main(["trajectory", str(run), "--log", str(honest)]) == 0
    assert "Log honest.csv: 51 rows, steps 0 to 50 (step, loss)" in capsys.readouterr().out
    status, report = follow(capsys, str(run), "--log", str(other))
    assert status == 1
    assert report["training"]["logs"][0]["findings"][0]["message"]["key"] == "finding.log_starts_trained"
    assert main(["trajectory", str(run), "--log", str(tmp_path / "none.csv")]) == 4


def test_markdown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same as text, with tables; a name cannot bring markup of its own."""
    run = write([*training(1)[:3], *training(2)[3:]], tmp_path / "run")
    (run / "checkpoint-50").rename(run / "checkpoint-50_<b>*x*")
    assert main(["trajectory", str(run), "--format", "markdown"]) == 1
    text = capsys.readouterr().out
    assert "## text\\_decoder: starts from trained weights" in text or "## model: starts from trained weights" in text
    assert "| Checkpoint | r to first |" in text
    assert "\\[contradicts\\]" in text
    assert "<b>" not in text


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["one"], 4),
        (["a", "b", "--step-regex", "("], 2),
        (["missing-1", "missing-2"], 4),
        (["missing-1", "missing-2", "--init", "nowhere.toml"], 4),
    ],
    ids=["one checkpoint", "broken pattern", "missing", "missing initialiser"],
)
def test_bad_input(arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence and the right status."""
    assert main(["trajectory", *arguments]) == status
    assert "Traceback" not in capsys.readouterr().err


def test_an_empty_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither weights nor folders."""
    assert main(["trajectory", str(tmp_path)]) == 4
    assert "holds neither weights" in capsys.readouterr().err


@pytest.mark.parametrize("scale", [1e38, 1e-40], ids=["huge", "tiny"])
def test_values_that_are_no_weights(scale: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beyond any weight, infinities among them: no conclusion, and no warning or crash on the way."""
    random = np.random.default_rng(0)
    for step in range(4):
        values = np.clip(scale * random.normal(size=(64, 64)), -3.4e38, 3.4e38).astype(np.float32)
        values[0, 0] = np.inf
        save({"a": values}, tmp_path / f"step-{step}" / "model.safetensors")
    assert main(["trajectory", str(tmp_path), "--ref", str(tmp_path / "step-0"), "-q"]) in {1, 3}
    assert main(["scratch", str(tmp_path / "step-0"), "-q"]) == 0
    assert not capsys.readouterr().err
