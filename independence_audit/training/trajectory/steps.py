"""The order of checkpoints, and the steps in their names: pure, and without looking at a single weight.

The order in which checkpoints are given is their order. Where nobody gave one, as in a folder or in names that a shell
put into the alphabet's, numbers in the names decide, or the alphabet does; such an order is a guess, and so is a step
that no pattern of the user's found.

Steps by a pattern of the user's own, matched in a process of its own: a regular expression can take for ever.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Any

from independence_audit.errors import InputError, UsageError
from independence_audit.evidence.training_evidence import Order

WEIGHTS = re.compile(r"(\.fp)?\.safetensors$|\.safetensors\.index\.json$")
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)*(?:[kKmMbBgGtT](?![^\W\d_]))?")
"""A number, with the unit of a size such as 100B or 1.5T."""
DATE = re.compile(
    r"(?<![0-9])(?:19|20)[0-9]{2}([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:[Tt_ -]?[0-2][0-9][-_:.]?[0-5][0-9](?:[-_:.]?[0-5][0-9])?)?(?![0-9])"
)
"""A day, with or without a time of day."""
LETTERS = re.compile(r"[^\W\d_]+")
STEP_UNITS = frozenset({"step", "steps", "it", "iter", "iters", "iterations", "스텝"})
"""What may stand right behind the number of a step; other letters there are another unit, such as of tokens."""
NO_STEPS = frozenset({"v", "ver", "version", "rev", "part", "stage", "phase", "run", "seed", "trial"})
"""What stands right before a number that counts something else than steps."""
UNITS = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}
BEGINNINGS = frozenset(
    {"init", "initial", "initialised", "initialized", "start", "base", "random", "scratch", "초기", "초기화", "시작"}
)
ENDS = frozenset({"final", "last", "latest", "end", "release", "최종", "마지막", "완료"})
STEP_DIGITS = 9
"""Digits of a guessed step: no training has a billion steps, but clocks and tokens have such numbers."""
WIDE_GAP = 3.0
"""Times the usual distance between checkpoints from which a gap is told: two or more are missing."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """A checkpoint's name with what is known of its place."""

    name: str
    step: int | None = None
    guessed: bool = False
    """Whether the step is a guess from the names."""
    claimed: bool = True
    """Whether whoever handed it in says that it stands here, by the order given or by a declared pattern."""
    rank: int = 0
    """Its place in the order that the names alone suggest."""


@dataclass(frozen=True, slots=True)
class Arranged:
    """Checkpoints in order, and who says so."""

    checkpoints: tuple[Ordered, ...]
    order: Order


def arrange(groups: Sequence[Sequence[str]], pattern: str = "") -> Arranged:
    """Put checkpoints in order.

    Args:
        groups: The names that each given name stands for: itself, or those of a folder.
        pattern: ``--step-regex``; empty for none.

    Raises:
        UsageError: The pattern cannot be used.
        InputError: It could not be matched.
    """
    names = [name for group in groups for name in group]
    if pattern:
        return _declared(names, steps_by(pattern, names), listed=_is_listed(groups))
    suggested, labels = by_names(names), [label_of(name) for name in names]
    given, order = names, Order.GIVEN
    if _is_listed(groups):
        given = [name for group in groups for name in by_names(group)]
    elif _is_alphabetical(names):
        given = suggested
    numbers = dict(zip(names, numbers_in(names), strict=True))
    rising = _rises([numbers[name] for name in given])
    if _is_listed(groups) or given != names:
        order = Order.NUMBERS if _has_numbers(given) else Order.NAMES
    steps = [numbers[name] if rising else None for name in given]
    any_step = any(step is not None for step in steps)
    rank = {name: number for number, name in enumerate(suggested if _has_numbers(names) else given)}
    speaks = {name: place_of(label) != ANYWHERE for name, label in zip(names, _distinct(labels), strict=True)}
    checkpoints = tuple(
        Ordered(
            name,
            step,
            guessed=step is not None,
            claimed=order == Order.GIVEN and (step is not None or not any_step or speaks[name]),
            rank=rank[name],
        )
        for name, step in zip(given, steps, strict=True)
    )
    return Arranged(checkpoints, order)


def _declared(names: Sequence[str], steps: Sequence[int | None], *, listed: bool) -> Arranged:
    """Checkpoints by the steps that a declared pattern found; names without one stay where they are if they can."""
    found = [Ordered(name, step, claimed=step is not None) for name, step in zip(names, steps, strict=True)]
    if listed or not _rises(steps):
        ends = [place_of(name) for name in _distinct([label_of(name) for name in names])]
        key = [(end, -1) if one.step is None else (NUMBERED, one.step) for one, end in zip(found, ends, strict=True)]
        found = [one for _, one in sorted(zip(key, found, strict=True), key=lambda pair: pair[0])]
    return Arranged(tuple(replace(one, rank=rank) for rank, one in enumerate(found)), Order.STEPS)


def _is_listed(groups: Sequence[Sequence[str]]) -> bool:
    """Whether some of the names come from a folder, which has no order."""
    return any(len(group) > 1 for group in groups)


def _is_alphabetical(names: Sequence[str]) -> bool:
    """Whether names stand as a shell lists them: by code points, or by letters and digits alone."""
    plain = ["".join(filter(str.isalnum, name)).casefold() for name in names]
    return list(names) == sorted(names) or plain == sorted(plain)


def _rises(steps: Sequence[int | None]) -> bool:
    known = [step for step in steps if step is not None]
    return all(before <= after for before, after in pairwise(known))


def _has_numbers(names: Sequence[str]) -> bool:
    """Whether numbers tell names apart."""
    labels = _distinct([label_of(name) for name in names])
    return max(Counter(map(_skeleton, labels)).values(), default=0) > 1


def label_of(name: str) -> str:
    """A checkpoint's name without what every file's name ends with."""
    return WEIGHTS.sub("", name.rstrip("/"))


def _distinct(labels: Sequence[str]) -> list[str]:
    """Labels without the folders and files that all of them have."""
    pieces = [label.split("/") for label in labels]
    everywhere = set.intersection(*(set(own) for own in pieces)) if len(pieces) > 1 else set()
    return ["/".join(piece for piece in own if piece not in everywhere) for own in pieces]


def _skeleton(label: str) -> str:
    return NUMBER.sub("#", label)


def numbers_in(names: Sequence[str]) -> list[int | None]:
    """The steps in names: the one number that varies where several names are alike but for their numbers.

    Dates, versions, numbers with another unit behind them and anything that no step could be are none. Where more than
    one number varies, or more than one stem has numbers that do, there is no telling.
    """
    labels = _distinct([label_of(name) for name in names])
    if all(DATE.search(label) for label in labels if NUMBER.search(label)):
        labels = [DATE.sub("", label) for label in labels]
    stems: dict[str, set[str]] = defaultdict(set)
    for label in labels:
        stems[_skeleton(label)].add(label)
    alike = [stem for stem, own in stems.items() if "#" in stem and len(own) > 1]
    if len(alike) != 1:
        return [None] * len(labels)
    found = {label: list(NUMBER.finditer(label)) for label in stems[alike[0]]}
    columns = zip(*found.values(), strict=True)
    varying = [number for number, column in enumerate(columns) if len({match[0] for match in column}) > 1]
    if len(varying) != 1 or not all(_may_be_step(label, matches[varying[0]]) for label, matches in found.items()):
        return [None] * len(labels)
    return [int(found[label][varying[0]][0]) if label in found else None for label in labels]


def _may_be_step(label: str, match: re.Match[str]) -> bool:
    if not match[0].isdecimal() or len(match[0].lstrip("0")) > STEP_DIGITS:
        return False
    behind = LETTERS.match(label, match.end())
    if behind and behind[0].casefold() not in STEP_UNITS:
        return False
    before, after = label[: match.start()].rpartition("/")[2], label[match.end() :].partition("/")[0]
    if not LETTERS.search(before + after) and NUMBER.search(before + after):
        return False  # one of several bare numbers, such as a month and a day
    return _last_word(before.rstrip("-_=. ")) not in NO_STEPS


def _last_word(text: str) -> str:
    """The letters at a text's end."""
    start = next((at for at in range(len(text), 0, -1) if not text[at - 1].isalpha()), 0)
    return text[start:].casefold()


def by_names(names: Sequence[str]) -> list[str]:
    """Names in the order that they suggest: beginnings first, by their numbers, ends last."""
    labels = _distinct([label_of(name) for name in names])
    stems = Counter(_skeleton(label) for label in labels)
    numbered = [stems[_skeleton(label)] > 1 and "#" in _skeleton(label) for label in labels]
    keys = [
        (NUMBERED, natural(label)) if by_number else (place_of(label), ((label, ()),))
        for label, by_number in zip(labels, numbered, strict=True)
    ]
    return [names[number] for number in sorted(range(len(names)), key=lambda number: keys[number])]


def tell_apart(names: Sequence[str]) -> bool:
    """Whether names are alike but for their numbers, as those of checkpoints are; one of them may have none."""
    labels = [label_of(name) for name in names]
    stems = Counter(map(_skeleton, labels))
    return len(set(labels)) == len(labels) and any("#" in stem and n >= len(labels) - 1 for stem, n in stems.items())


BEGINNING, NUMBERED, ANYWHERE, END = range(4)
"""Places of names in the order that they suggest."""


def place_of(label: str) -> int:
    """Whether a name says that it is a beginning or an end."""
    words = {word.casefold() for word in LETTERS.findall(label)}
    return BEGINNING if words & BEGINNINGS else END if words & ENDS else ANYWHERE


def natural(label: str) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """A key by which numbers stand by their size, those with a unit, such as 100B and 1.5T, by what that makes them."""
    key, start = [], 0
    for match in NUMBER.finditer(label):
        key.append((label[start : match.start()], _size(match)))
        start = match.end()
    return (*key, (label[start:], ()))


def _size(match: re.Match[str]) -> tuple[float, ...]:
    digits = match[0].rstrip("kKmMbBgGtT")
    unit = UNITS.get(match[0][len(digits) :].casefold())
    parts = digits.split(".")
    if unit is not None and len(parts) <= 2:  # noqa: PLR2004  one point at most
        return (float(digits) * unit,)
    return tuple(map(float, parts))


def wide_gaps(steps: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbouring steps between which checkpoints seem to be missing, judged by the usual distance."""
    distances = [after - before for before, after in pairwise(steps)]
    if len(distances) < 3:  # noqa: PLR2004  two distances have no usual one
        return []
    usual = median(distances)
    later = max(usual, 1)
    return [pair for pair, gap in zip(pairwise(steps), distances, strict=True) if gap > WIDE_GAP * later]


LONGEST = 3.0
"""Seconds for all names; matching takes some microseconds, the process a few hundredths of a second."""
MOST = 1_000
"""Characters of a pattern."""
DIGITS = 15
"""Digits of a step: floats, which charts and logs have, tell such numbers apart."""
_SUCH_AS = "Such as 'step-([0-9]+)'."
_CHILD = """
import json, re, sys
asked = json.load(sys.stdin)
try:
    pattern = re.compile(asked["pattern"])
    found = [pattern.search(name) for name in asked["names"]] if pattern.groups else []
    answer = {"groups": pattern.groups, "found": [match and match[1] for match in found]}
except Exception as error:
    answer = {"error": str(error) or type(error).__name__}
print(json.dumps(answer))
"""


def steps_by(pattern: str, names: Sequence[str]) -> list[int | None]:
    """The number that a pattern's first group finds in each name; None where it finds none.

    Raises:
        UsageError: The pattern is no regular expression, has no group, takes too long, or finds a step in no name.
        InputError: No process could be started.
    """
    shown = repr(pattern[:80])
    if len(pattern) > MOST:
        raise UsageError(f"--step-regex has over {MOST} characters.", _SUCH_AS)
    answer = _matched(pattern, shown, names)
    if "error" in answer:
        raise UsageError(f"--step-regex {shown} is no regular expression: {answer['error']}.", _SUCH_AS)
    if not answer["groups"]:
        raise UsageError(f"--step-regex {shown} has no group for the step.", "Write one: 'step-([0-9]+)'.")
    steps = [_step(found) for found in answer["found"]]
    if names and all(step is None for step in steps):
        raise UsageError(f"--step-regex {shown} finds a step in none of the names, such as {names[0]!r}.", _SUCH_AS)
    return steps


def _step(found: str | None) -> int | None:
    """The step in a group's text: a number that a step can be."""
    return int(found) if found and found.isdecimal() and len(found) <= DIGITS else None


def _matched(pattern: str, shown: str, names: Sequence[str]) -> dict[str, Any]:
    try:
        done = subprocess.run(  # noqa: S603  our own interpreter and program
            [sys.executable, "-I", "-S", "-c", _CHILD],
            input=json.dumps({"pattern": pattern, "names": list(names)}),
            capture_output=True,
            text=True,
            check=True,
            timeout=LONGEST,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise UsageError(
            f"--step-regex {shown} takes over {LONGEST:.0f} seconds.",
            "Repeat nothing that is itself repeated. " + _SUCH_AS,
        ) from error
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise InputError(
            "The process that looks for steps in names did not work.", "Leave out --step-regex."
        ) from error
    return answer
