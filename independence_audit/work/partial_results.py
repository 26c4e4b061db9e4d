"""Partial results as files: one that is there, and is what was written, is not worked out again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from independence_audit.core.atomic import write_whole
from independence_audit.core.bounded import read_bounded
from independence_audit.work.executors import Executor
from independence_audit.work.tasks import Algorithm, Codec, Item, Result, Task

LARGEST = 64 << 20
"""Bytes of one result; those of the package have some kilobytes."""

_DIGEST = 32


@dataclass(frozen=True, slots=True)
class Kept:
    """Executes tasks whose results are not in a folder yet, and keeps these there.

    A file holds the digest of its content and the content. A result that is damaged, or was never finished, is worked
    out again; a folder that cannot be written costs time and no result.
    """

    executor: Executor
    folder: Path

    def results(self, algorithm: Algorithm[Item, Result], tasks: Iterable[Task[Item]]) -> Iterator[Result]:
        """As :meth:`Executor.results`; what is not worth keeping is always done."""
        codec = algorithm.kept_as
        if codec is None:
            yield from self.executor.results(algorithm, tasks)
            return
        known = [(task, self._read(algorithm, codec, task)) for task in tasks]
        fresh = self.executor.results(algorithm, [task for task, content in known if content is None])
        for task, content in known:
            if content is not None:
                yield codec.decode(content)
                continue
            result = next(fresh)
            self._keep(algorithm, task, codec.encode(result))
            yield result

    def _path(self, algorithm: Algorithm[Item, Result], task: Task[Item]) -> Path:
        return self.folder / task.name(algorithm.name, algorithm.version)

    def _read(self, algorithm: Algorithm[Item, Result], codec: Codec[Result], task: Task[Item]) -> bytes | None:
        """The content of a kept result; None where there is none that is whole and can be read."""
        if not task.content:
            return None
        try:
            sealed = read_bounded(self._path(algorithm, task), LARGEST)
            digest, content = sealed[:_DIGEST], sealed[_DIGEST:]
            if hashlib.sha256(content).digest() != digest:
                return None
            codec.decode(content)
        except (OSError, ValueError):
            return None
        return content

    def _keep(self, algorithm: Algorithm[Item, Result], task: Task[Item], content: bytes) -> None:
        if task.content:
            with suppress(OSError):  # a full disk: it is worked out again
                self.folder.mkdir(parents=True, exist_ok=True)
                write_whole(self._path(algorithm, task), hashlib.sha256(content).digest() + content)
