"""Reading JSON that others wrote so that only one reading is possible: no doubled keys, no bombs, no broken text."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable

from independence_audit.core.outside_names import quoted

MOST_VALUES = 4_000_000
"""Values that a document may hold: a header of 250,000 tensors has some two million. The smallest take two bytes of
text and up to 72 in memory, so that this bounds what parsing costs."""

Pairs = list[tuple[str, object]]

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class JsonError(ValueError):
    """The bytes are not one JSON object with a single reading; the text is the end of a sentence that says why."""


def parse_object(
    raw: bytes | bytearray,
    *,
    infinities: bool = False,
    most_values: int = MOST_VALUES,
    make: Callable[[dict[str, object]], object] = dict,
) -> dict[str, object]:
    """The JSON object in ``raw`` (UTF-8), rejecting keys that occur twice in any of its objects.

    Args:
        raw: The bytes of the whole document.
        infinities: Accept ``NaN`` and ``Infinity``, which are no JSON but which Python writes into configs.
        most_values: How many values it may hold; those that only look like some, inside of texts, count as well.
        make: What becomes of every object in it, so that many small ones need not be kept as they are.

    Raises:
        JsonError: It is no JSON object, holds a key twice or too many values, is nested too deeply or holds text that
            is no Unicode.
    """
    if sum(map(raw.count, (b",", b"[", b"{"))) > most_values:
        raise JsonError(f"holds more than {most_values:,} values")

    def hook(pairs: Pairs) -> object:
        return make(_object_without_doubles(pairs))

    try:
        text = raw.decode("utf-8")
        parsed = json.loads(text, object_pairs_hook=hook, parse_constant=float if infinities else _reject_constant)
        if _SURROGATE_ESCAPE.search(text):
            _check_surrogates(parsed)
    except JsonError:
        raise
    except RecursionError as error:
        raise JsonError("is nested too deeply") from error
    except UnicodeError as error:
        raise JsonError("holds text that is not valid Unicode") from error
    except ValueError as error:
        raise JsonError("is not valid JSON") from error
    if not isinstance(parsed, dict):
        raise JsonError("is not a JSON object")
    return parsed


def _check_surrogates(parsed: object) -> None:
    """Refuse texts with half a character: only a pair of such escapes, one behind the other, is one.

    Raises:
        UnicodeError: One has.
    """
    waiting = [parsed]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            value.encode("utf-8")
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.keys()
            waiting += value.values()


def _object_without_doubles(pairs: Pairs) -> dict[str, object]:
    """An object from its pairs. The common parsers let the last of two equal keys win, which hides the first."""
    parsed = dict(pairs)
    if len(parsed) < len(pairs):
        doubled = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise JsonError(f"has the key {quoted(doubled)} twice")
    return parsed


def _reject_constant(constant: str) -> object:
    """Refuse ``NaN`` and ``Infinity``."""
    raise JsonError(f"holds {constant}, which is not JSON")
