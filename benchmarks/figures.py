"""What the costs amount to: ratios, the reaches they are held against, and tables of both."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.processes import Cost
from benchmarks.speed import ROUNDS, Memory, Speed

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->"

MB = 1_000_000
GB = 1000 * MB


@dataclass(frozen=True, slots=True)
class Reach:
    """A figure that was promised, and what it came to."""

    what: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def promise(self) -> str:
        """The bound in words."""
        return f"at least {self.least:g}{self.unit}" if self.least is not None else f"at most {self.most:g}{self.unit}"


def reaches(speed: Speed, memory: Memory | None) -> list[Reach]:
    """Everything promised of speed and memory."""
    full, naive = speed.full.seconds - speed.start.seconds, speed.naive.seconds - speed.naive_start.seconds
    result = [
        Reach("full, times faster than naive; both without their start", naive / full, " ×", least=12),
        Reach("full without its start, times a warm cat", full / speed.cat.seconds, " ×", most=4),
        Reach("sampled, times faster than naive; start included", _ratio(speed.naive, speed.sampled), " ×", least=20),
    ]
    measured = (speed, memory) if memory else (speed,)
    return result + [
        Reach(f"peak memory, {mode}, {_size(one.pair)}", cost.peak / MB, " MB", most=600)
        for one in measured
        for mode, cost in (("full", one.full), ("sampled", one.sampled))
    ]


def _ratio(slow: Cost, fast: Cost) -> float:
    return slow.seconds / fast.seconds


def _size(pair: int) -> str:
    return f"2 × {pair / 2 / GB:.1f} GB"


def conditions(speed: Speed) -> str:
    """Where and when the figures were taken."""
    today = datetime.now(UTC).date().isoformat()
    return (
        f"{today}, {os.cpu_count()} processors, {_size(speed.pair)} of bf16 in the page cache; "
        f"medians of {ROUNDS} runs, the naive script once."
    )


def run_table(speed: Speed, memory: Memory | None) -> list[list[str]]:
    """A row for each program."""
    rows = [["program", "seconds", "processor seconds", "× faster than naive", "× cat", "peak MB"]]
    names = {
        "cat, both": speed.cat,
        "naive script": speed.naive,
        "audit compare --full": speed.full,
        "audit compare": speed.sampled,
        "start of audit compare alone": speed.start,
        "start of the naive script alone": speed.naive_start,
    }
    for name, cost in names.items():
        ratios = [f"{_ratio(speed.naive, cost):.1f}", f"{_ratio(cost, speed.cat):.2f}"]
        rows.append([name, *_times(cost), *ratios, _peak(cost)])
    if memory is not None:
        for name, cost in (("audit compare --full", memory.full), ("audit compare", memory.sampled)):
            rows.append([f"{name}, {_size(memory.pair)}", *_times(cost), "", "", _peak(cost)])
    return rows


def _times(cost: Cost) -> list[str]:
    return [f"{cost.seconds:.2f}", f"{cost.busy:.2f}"]


def _peak(cost: Cost) -> str:
    return f"{cost.peak / MB:.0f}"


def reach_table(speed: Speed, memory: Memory | None) -> list[list[str]]:
    """A row for each promise."""
    rows = [["reach", "promised", "measured", "met"]]
    for reach in reaches(speed, memory):
        digits = 0 if reach.value >= 100 else 1
        rows.append([reach.what, reach.promise, f"{reach.value:.{digits}f}{reach.unit}", "yes" if reach.met else "no"])
    return rows


def as_text(rows: Sequence[Sequence[str]]) -> str:
    """A table for a terminal: the first column to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def as_markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table for a page."""
    head, *body = ("| " + " | ".join(row) + " |" for row in rows)
    rule = "|" + "|".join(["---", *["---:"] * (len(rows[0]) - 1)]) + "|"
    return "\n".join([head, rule, *body])


def write_page(speed: Speed, memory: Memory | None) -> None:
    """Replace the figures of the page about performance; its prose stays."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    tables = [conditions(speed), as_markdown(run_table(speed, memory)), as_markdown(reach_table(speed, memory))]
    PAGE.write_text(before + BEGIN + "\n".join(f"{part}\n" for part in tables) + END + after, encoding="utf-8")
