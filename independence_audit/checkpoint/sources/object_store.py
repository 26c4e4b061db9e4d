"""The byte source for object stores and web servers, through ``obstore``, which the extra ``cloud`` installs.

``obstore`` refuses an ignored ``Range`` and a wrong ``Content-Range`` by itself; an answer that is shorter than it says
passes there, and is refused here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, NamedTuple

from independence_audit.checkpoint.sources.deadline import LateError, request_seconds, within
from independence_audit.checkpoint.sources.range_requests import Block
from independence_audit.checkpoint.sources.remote import RemoteSource
from independence_audit.checkpoint.tensors import State
from independence_audit.core.outside_names import quoted
from independence_audit.errors import ChangedError, MissingError, ReadError, UnsupportedError, UsageError

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

_ACCESS = "Check the address, and the credentials that the store's own tools take from the environment."
_LISTING = 300.0
"""Seconds for the list of a folder: of 100,000 objects in pages of 1,000, at a second a page, a third of this."""
_STABLE = "Audit a checkpoint that nothing writes to any more."


class _State(NamedTuple):
    """What tells that an object is still the one that was looked at."""

    size: int
    version: str
    """Its ETag; where the server gives none, when it was modified last."""


class ObjectStoreSource(RemoteSource):
    """Objects under one address. Reads may run in several threads at once."""

    __slots__ = ("_states", "_store")

    def __init__(self, store: ObjectStore, states: Mapping[str, _State], name: str) -> None:
        """Take objects as they were looked at; nothing is read.

        Args:
            store: The store, rooted at the objects' folder.
            states: What they were then, by name.
            name: How the source is called in reports.
        """
        super().__init__(name, {file: state.size for file, state in states.items()}, self._read_verified)
        self._store = store
        self._states = states

    def states(self) -> Mapping[str, State]:
        """Size and version of every object when it was looked at."""
        return dict(self._states)

    def also(self, files: Sequence[str]) -> ObjectStoreSource:
        """The same source with more objects; those that it has are the ones that were looked at before.

        Raises:
            MissingError: One is not there.
            ReadError: One could not be looked at.
        """
        new = [file for file in files if file not in self._states]
        return ObjectStoreSource(self._store, {**self._states, **_looked_at(self._store, new)}, self.name)

    def _read_verified(self, name: str, block: Block) -> bytes:
        """The wanted bytes of a block, of an object that is still the one that was looked at."""
        asked, size = (block.start, block.stop), block.stop - block.start

        def got(begun: Event) -> tuple[_State, tuple[int, ...], bytes]:
            answer = self._store.get(name, options={"range": asked})
            begun.set()
            content = bytearray()
            for piece in answer.stream():
                content += piece
                if len(content) > size:  # more than any answer to this: nothing of it is taken, and no more is read
                    break
            return _state(answer.meta), tuple(answer.range), bytes(content)

        with _told(name):
            state, sent, content = within(request_seconds(size), got, request_seconds())
        if state != self._states[name]:
            raise ChangedError(f"{quoted(name)} was changed while it was read.", _STABLE)
        if sent != asked or len(content) != size:
            raise ReadError(f"{quoted(name)} could not be read: other bytes came than were asked for.", _ACCESS)
        return block.wanted_of(content)


def connect(url: str, *, allow_http: bool = False) -> ObjectStore:
    """The store that is rooted at an address such as ``s3://bucket/folder``.

    Args:
        url: The address of a folder.
        allow_http: Talk to web servers without encryption, too.

    Raises:
        UsageError: ``obstore`` is not installed, or the address or the credentials are incomplete.
    """
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError as error:
        raise UsageError(
            "Reading from object stores and web servers needs the package obstore, which is not installed.",
            "Install it: pip install 'independence-audit[cloud]'.",
        ) from error
    make: Callable[..., ObjectStore] = from_url
    try:
        return make(
            url,
            client_options={"allow_http": allow_http, "timeout": timedelta(seconds=60)},
            retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=60)},
        )
    except (BaseError, ValueError) as error:
        raise UsageError(f"{quoted(url)} is no address that can be read from.", _ACCESS) from error


def listed_source(store: ObjectStore, name: str) -> ObjectStoreSource:
    """The source for everything in a store's own folder, folders below it left out.

    Raises:
        MissingError: There is no such folder.
        ReadError: It could not be listed.
    """
    with _told(name):
        listed = within(_LISTING, lambda _: store.list_with_delimiter())["objects"]
    return ObjectStoreSource(store, {entry["path"].rpartition("/")[2]: _state(entry) for entry in listed}, name)


def named_source(store: ObjectStore, files: Sequence[str], name: str) -> ObjectStoreSource:
    """The source for objects that are known by name.

    Raises:
        MissingError: One is not there.
        ReadError: One could not be looked at.
    """
    return ObjectStoreSource(store, _looked_at(store, files), name)


def _looked_at(store: ObjectStore, files: Sequence[str]) -> dict[str, _State]:
    states = {}
    for file in files:
        with _told(file):
            states[file] = within(request_seconds(), partial(_look_at, store, file))
    return states


def _look_at(store: ObjectStore, file: str, _: Event) -> _State:
    return _state(store.head(file))


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn what ``obstore`` raises into an error for a user; its own texts quote addresses, which may be signed.

    Raises:
        MissingError: There is no such object.
        UnsupportedError: The server cannot deliver parts of files.
        ReadError: The store refused, could not be reached, or delivered something else.
    """
    from obstore import exceptions

    try:
        yield
    except FileNotFoundError as error:
        raise MissingError(f"There is no {quoted(name)} at this address.", _ACCESS) from error
    except exceptions.NotSupportedError as error:
        raise UnsupportedError(
            f"The server of {quoted(name)} cannot deliver parts of files.", "Download the model and give its folder."
        ) from error
    except (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError) as error:
        raise ReadError(f"Access to {quoted(name)} was refused.", _ACCESS) from error
    except LateError as error:
        raise ReadError(f"{quoted(name)} could not be read: the server did not answer in time.", _ACCESS) from error
    except (exceptions.BaseError, OSError, ValueError) as error:
        raise ReadError(f"{quoted(name)} could not be read from its server.", _ACCESS) from error


def _state(meta: ObjectMeta) -> _State:
    """The part of an object's description that changes when its bytes do."""
    return _State(meta["size"], meta["e_tag"] or meta["last_modified"].isoformat())
