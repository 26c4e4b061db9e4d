"""A result that is there, whole, is not worked out again; anything else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from independence_audit.work import Algorithm, Codec, Here, Kept, Task


class Counting:
    """Ten times a number, and how often that was worked out."""

    def __init__(self, version: int = 1) -> None:
        self.done: list[int] = []
        codec: Codec[int] = Codec(lambda number: str(number).encode(), int)
        self.algorithm: Algorithm[int, int] = Algorithm("times-ten", version, lambda: self.do, codec)

    def do(self, number: int) -> int:
        """Work one out."""
        self.done.append(number)
        return number * 10

    def asked(self, folder: Path, *numbers: int) -> list[int]:
        """The results, kept in a folder."""
        tasks = [Task(number, str(number)) for number in numbers]
        return list(Kept(Here(), folder).results(self.algorithm, tasks))


def test_what_is_there_is_not_worked_out_again(tmp_path: Path) -> None:
    """By whichever program; another version works it out anew."""
    assert Counting().asked(tmp_path, 1, 2) == [10, 20]
    again = Counting()
    assert again.asked(tmp_path, 1, 3, 2) == [10, 30, 20]
    assert again.done == [3]
    newer = Counting(version=2)
    assert newer.asked(tmp_path, 1) == [10]
    assert newer.done == [1]


@pytest.mark.parametrize("damage", [b"", b"x", b"x" * 40])
def test_a_damaged_result_is_worked_out_again(tmp_path: Path, damage: bytes) -> None:
    """Cut off, empty or another's: nothing is trusted without its digest."""
    Counting().asked(tmp_path, 1)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(damage)
    again = Counting()
    assert again.asked(tmp_path, 1) == [10]
    assert again.done == [1]
    last = Counting()
    assert last.asked(tmp_path, 1) == [10]
    assert last.done == []


def test_results_that_were_had_before_an_interruption_stay(tmp_path: Path) -> None:
    """Asked for two of three, and cut off."""
    first = Counting()
    results = Kept(Here(), tmp_path).results(first.algorithm, [Task(number, str(number)) for number in (1, 2, 3)])
    assert [next(results), next(results)] == [10, 20]
    del results
    again = Counting()
    assert again.asked(tmp_path, 1, 2, 3) == [10, 20, 30]
    assert again.done == [3]


def test_a_folder_that_cannot_be_written_costs_no_result(tmp_path: Path) -> None:
    """A file is in its place."""
    (tmp_path / "file").write_bytes(b"")
    assert Counting().asked(tmp_path / "file", 1) == [10]
