"""The check that every byte source makes before it reads: the range lies inside a file that it has."""

from __future__ import annotations

from collections.abc import Mapping

from independence_audit.core.names import quoted
from independence_audit.errors import ReadError


def check_range(files: Mapping[str, int], name: str, start: int, length: int) -> None:
    """Raise unless ``length`` bytes from ``start`` on lie in the file ``name`` of ``files`` (sizes in bytes).

    Raises:
        ReadError: There is no such file, or the range is not inside it.
    """
    size = files.get(name)
    if size is None:
        raise ReadError(f"There is no file {quoted(name)} to read from.")
    if start < 0 or start + length > size:
        raise ReadError(f"Bytes {start} to {start + length} are not in {quoted(name)}, which has {size} bytes.")
