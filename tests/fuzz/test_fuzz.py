"""The fuzzers see what they look for; every reader stands a short look, and CI a longer one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]


def fuzz(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the driver, without measuring its coverage: readers would have less time."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_PROCESS")}
    variables["PYTHONPATH"] = str(ROOT)
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--workers", "1", *arguments],
        cwd=folder,
        env=variables,
        capture_output=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )


@pytest.mark.parametrize(
    ("target", "said"), [("crash", "ValueError: a fault"), ("spin", "took over 5 s"), ("hog", "MemoryError")]
)
def test_a_reader_that_gives_way_is_seen(target: str, said: str, tmp_path: Path) -> None:
    """With the input that did it, which gives way again."""
    ended = fuzz(tmp_path, "--module", "tests.fuzz.giving_way", "--target", target, "--seconds", "6")
    assert ended.returncode == 1, ended.stderr
    assert said in ended.stdout
    kept = sorted((tmp_path / "build" / "fuzz").iterdir())
    assert (kept[0] / "x").is_file()
    if target == "crash":
        again = fuzz(
            tmp_path, "--module", "tests.fuzz.giving_way", "--target", target, "--input", str(kept[0].absolute())
        )
        assert "ValueError: a fault" in again.stderr


def test_a_reader_that_refuses_is_sound(tmp_path: Path) -> None:
    """An AuditError is an answer."""
    ended = fuzz(tmp_path, "--module", "tests.fuzz.giving_way", "--target", "refuse", "--seconds", "3")
    assert ended.returncode == 0, ended.stdout
    assert "refuse" in ended.stdout


def test_every_reader_stands_a_short_look(tmp_path: Path) -> None:
    """Some inputs for each; `.ci/run` and `make fuzz` throw more."""
    ended = fuzz(tmp_path, "--seconds", "20")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ", 0 failures" in ended.stdout
    assert set(TARGETS) >= {line.split()[0] for line in ended.stdout.splitlines()[1:-1]}
