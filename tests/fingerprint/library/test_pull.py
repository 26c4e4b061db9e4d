"""Pulling a fingerprint from public weights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from independence_audit.checkpoint import Checkpoint
from independence_audit.errors import MalformedError, MissingError, ReadError
from independence_audit.fingerprint.build import Progress
from independence_audit.fingerprint.cost import Cost
from independence_audit.fingerprint.library import Library, Status, pull, reference_of
from tests.checkpoint.memory_source import MemorySource
from tests.fingerprint.library.small_library import CATALOGUE, entry_of, library_in, weights


class Weights(MemorySource):
    """A source that knows whether it was closed, and is not read afterwards."""

    closed = False

    def read(self, name: str, start: int, into: memoryview) -> None:
        """Fill a buffer."""
        if self.closed:
            raise ReadError("The connection was lost.")
        super().read(name, start, into)

    def close(self) -> None:
        """Remember."""
        self.closed = True


class Hub:
    """Stands in for the Hub: hands out one model's weights and remembers what was asked for."""

    def __init__(self, checkpoint: Checkpoint, revision: str = "") -> None:
        source = checkpoint.source
        assert isinstance(source, MemorySource)
        self.asked: list[str] = []
        self.weights = Weights(source.content, source.name)
        self.checkpoint = replace(checkpoint, source=self.weights, revision=revision)

    def __call__(self, source: str) -> Checkpoint:
        """Open a model."""
        self.asked.append(source)
        return self.checkpoint


PIN = '{ name = "pike-3b" }'
MODELS = '{ name = "pike-3b" }, { name = "any-1b", hub_id = "any/One", kinds = ["other"] }'


@pytest.fixture
def library_of_anything(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A library with a model of unknown names, such as the checkpoints in memory have."""
    return library_in(tmp_path_factory.mktemp("library"), CATALOGUE.replace(PIN, MODELS))


def test_a_pulled_fingerprint_is_at_hand(library_of_anything: Library) -> None:
    """Under its name; the weights are closed, and where they were stays known."""
    hub, seen = Hub(weights(1), "0123abcd"), list[tuple[str, int, int]]()
    entry = entry_of(library_of_anything, "any-1b")
    announced: list[tuple[Cost, int]] = []

    def begin(cost: Cost) -> Progress:
        announced.append((cost, len(seen)))
        return lambda *step: seen.append(step)

    path = pull(library_of_anything, entry, hub, begin)
    [(cost, before)] = announced
    assert before == 0
    assert cost.wanted_bytes >= library_of_anything.read(entry).read_bytes > 0
    assert cost.requests > 0
    assert hub.asked == ["any/One"]
    assert hub.weights.closed
    assert seen[-1][1:] == (2, 2)
    assert path == library_of_anything.path(entry)
    assert library_of_anything.stored(entry).status == Status.PULLED
    reference = reference_of(entry, "compared", fingerprint=library_of_anything.read(entry))
    assert (reference.source, reference.revision) == ("any/One", "0123abcd")


def test_a_pinned_revision_is_asked_for(library: Library) -> None:
    """And a checkpoint of other kinds is not taken for the model."""
    hub = Hub(weights(1))
    with pytest.raises(MalformedError):
        pull(library, entry_of(library, "owl-1b"), hub)
    assert hub.asked == ["nest/Owl@abc123"]
    assert hub.weights.closed
    assert library.stored(entry_of(library, "owl-1b")).status == Status.MISSING


def test_an_example_is_never_pulled_as_a_model(library_of_anything: Library) -> None:
    """Even if a repository holds one."""
    with pytest.raises(MalformedError, match="made-up example"):
        pull(library_of_anything, entry_of(library_of_anything, "any-1b"), Hub(weights(1, synthetic=True)))


def test_a_model_without_a_source_is_told(library: Library) -> None:
    """The way out is to add its fingerprint."""
    with pytest.raises(MissingError, match="not known where") as caught:
        pull(library, entry_of(library, "pike-3b"), Hub(weights(1)))
    assert "audit refs add" in caught.value.hint


def test_what_fails_leaves_nothing(library_of_anything: Library) -> None:
    """The weights are closed and no file is there."""
    hub = Hub(weights(1))
    hub.weights.close()
    with pytest.raises(ReadError):
        pull(library_of_anything, entry_of(library_of_anything, "any-1b"), hub)
    assert not library_of_anything.own.exists()
