"""The ``config.json`` beside the weights: context for a report, so that a broken one is a notice and no error."""

from __future__ import annotations

from independence_audit.checkpoint.model import ByteSource, Notice
from independence_audit.checkpoint.whole_files import file_bytes
from independence_audit.core.strict_json import JsonError, parse_object

MAX_CONFIG_BYTES = 10_000_000
"""The largest config that is read; real ones have some kilobytes."""

MOST_VALUES = 1_000_000
"""Values that it may hold; the most have some thousand."""


def read_config(source: ByteSource, file: str) -> tuple[dict[str, object], tuple[Notice, ...]]:
    """The parsed config, or an empty one and the notice ``broken_config`` with the reason.

    Raises:
        ReadError: Its bytes could not be read.
    """
    if source.files()[file] > MAX_CONFIG_BYTES:
        return {}, (
            Notice(
                "broken_config", {"file": file, "reason": f"has over {MAX_CONFIG_BYTES} bytes", "cause": "too_large"}
            ),
        )
    try:
        # Some published configs hold Infinity, as a limit of time steps for instance.
        return parse_object(file_bytes(source, file), infinities=True, most_values=MOST_VALUES), ()
    except JsonError as error:
        return {}, (Notice("broken_config", {"file": file, "reason": str(error), "cause": "malformed"}),)
