"""Readers that give way, each in its manner: what the driver must see."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from independence_audit.errors import MalformedError
from tests.fuzz.target import Target, one_file

CONTENT = st.binary(max_size=20)
HELD: list[bytes] = []


def crash(path: Path) -> None:
    """Raise what no user should see."""
    if len(path.read_bytes()) > 3:
        raise ValueError("a fault")


def spin(path: Path) -> None:
    """Never end."""
    while path.read_bytes():
        pass


def hog(path: Path) -> None:
    """Take more memory than there is room for."""
    HELD.extend(bytes(40_000_000) for _ in range(20 if len(path.read_bytes()) > 3 else 0))


def refuse(path: Path) -> None:
    """Do as readers should."""
    if len(path.read_bytes()) > 3:
        raise MalformedError("It is too long.")


TARGETS: dict[str, Target] = {
    "crash": one_file("x", CONTENT, crash),
    "spin": one_file("x", st.just(b"x"), spin),
    "hog": one_file("x", CONTENT, hog),
    "refuse": one_file("x", CONTENT, refuse),
}
