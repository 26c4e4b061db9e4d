"""No regular expression of the package hangs on what it is shown, whoever wrote that."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest

import independence_audit

LENGTH = 600
"""Characters: a pattern of quadratic time takes thousandths of a second for them, one of cubic time seconds."""
PIECES = (
    *("a", "1", "0", "_", "-", ".", "/", "\\", " ", ":", "@", "=", '"', "'", "[", "{", "<", "\n", "é", "가"),
    *(
        "a.",
        "1.",
        "1-",
        "a1",
        "..",
        "./",
        "--",
        "-of-",
        "1-of-1",
        "weight_",
        "step",
        "train",
        "global_",
        "lr-",
        "%",
        "\\u",
    ),
    *("layers.1.", "model-00001-of-", "A-B/", "a/b@", "2026-01-01", "r=0;", "bytes 1-", "= {a}", "{a:b}"),
)


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """The compiled patterns of all modules, by where they are."""
    for module in pkgutil.walk_packages(independence_audit.__path__, "independence_audit."):
        if module.name.endswith("__main__"):
            continue
        names = vars(importlib.import_module(module.name))
        for name, value in names.items():
            held = value.values() if isinstance(value, dict) else [value]
            yield from (
                (f"{module.name}.{name}", each)
                for each in held
                if isinstance(each, re.Pattern) and isinstance(each.pattern, str)
            )


FOUND = {pattern.pattern: (where, pattern) for where, pattern in patterns()}


@pytest.mark.parametrize(
    "place", range(len(FOUND)), ids=[f"{n} {where}" for n, (where, _) in enumerate(FOUND.values())]
)
def test_no_pattern_hangs_on_repetitions(place: int) -> None:
    """Long repetitions, and such as almost fit."""
    where, pattern = list(FOUND.values())[place]
    for piece in PIECES:
        text = (piece * LENGTH)[:LENGTH]
        for shown in (text, f"{text}!", f"!{text}\n", f"a{text}\0"):
            begun = time.perf_counter()
            pattern.search(shown)
            pattern.fullmatch(shown)
            assert time.perf_counter() - begun < 1.0, (where, piece)
