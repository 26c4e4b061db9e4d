"""What the tests from end to end share: the command line in this process, a Hub of their own, nobody who waits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from independence_audit.checkpoint.sources.hub import patience
from independence_audit.cli.entry import main
from tests.hub.fake_hub import FakeHub, reach, serving


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """Its output as JSON."""
        return json.loads(self.out)

    @property
    def comparable(self) -> dict[str, Any]:
        """The report without what differs between two runs on the same inputs."""
        return {key: value for key, value in self.report.items() if key != "run"}

    def is_told(self) -> bool:
        """Whether it ended without a report, with one sentence and a way out."""
        lines = self.err.strip().splitlines()
        return self.out == "" and [line.split(":")[0] for line in lines] == ["error", "hint"]


Audit = Callable[..., Ended]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that would have been waited before another try."""
    waits: list[float] = []
    monkeypatch.setattr(patience, "time", SimpleNamespace(sleep=waits.append))
    return waits


@pytest.fixture
def audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], waits: list[float]
) -> Audit:
    """Runs a command with an empty library of its own."""
    monkeypatch.setenv("AUDIT_LIBRARY", str(tmp_path / "library"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ended:
        code = main([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err
        return Ended(code, shown.out, shown.err)

    return run


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A Hub without repositories."""
    with serving(tmp_path / "hub") as hub:
        hub.retry_after = 0
        hub.silence = 0.2
        reach(hub, tmp_path / "cache", monkeypatch)
        yield hub


@pytest.fixture
def seeds(examples: Path) -> Path:
    """The folder of small trained decoders with known lineage."""
    return examples / "seeds_case"
