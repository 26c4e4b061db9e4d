"""Reading JSON that others wrote so that only one reading is possible: no doubled keys, no bombs, no broken text."""

from __future__ import annotations

import json
import re
from collections import Counter

from independence_audit.checkpoint.names import quoted

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class JsonError(ValueError):
    """The bytes are not one JSON object with a single reading; the text is the end of a sentence that says why."""


def parse_object(raw: bytes, *, infinities: bool = False) -> dict[str, object]:
    """The JSON object in ``raw`` (UTF-8), rejecting keys that occur twice in any of its objects.

    Args:
        raw: The bytes of the whole document.
        infinities: Accept ``NaN`` and ``Infinity``, which are no JSON but which Python writes into configs.

    Raises:
        JsonError: It is no JSON object, holds a key twice, is nested too deeply or holds text that is no Unicode.
    """
    try:
        text = raw.decode("utf-8")
        parsed = json.loads(
            text, object_pairs_hook=_object_without_doubles, parse_constant=float if infinities else _reject_constant
        )
        if _SURROGATE_ESCAPE.search(text):
            json.dumps(parsed, ensure_ascii=False).encode("utf-8")
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


def _object_without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object from its pairs. The common parsers let the last of two equal keys win, which hides the first."""
    parsed = dict(pairs)
    if len(parsed) < len(pairs):
        doubled = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise JsonError(f"has the key {quoted(doubled)} twice")
    return parsed


def _reject_constant(constant: str) -> object:
    """Refuse ``NaN`` and ``Infinity``."""
    raise JsonError(f"holds {constant}, which is not JSON")
