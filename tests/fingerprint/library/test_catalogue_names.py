"""From names to models."""

from __future__ import annotations

import pytest

from independence_audit.anatomy import Kind
from independence_audit.errors import MissingError
from independence_audit.fingerprint.library import EVERY_KIND, Library, known_names, resolve, resolve_all


def names(library: Library, text: str) -> list[str]:
    """What a name means."""
    return [wanted.entry.name for wanted in resolve(library.catalogue, text)]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("wren-1b", ["wren-1b"]),
        ("wren", ["wren-1b"]),
        (" Wren ", ["wren-1b"]),
        ("small", ["wren-1b", "owl-1b"]),
        ("birds", ["wren-1b", "owl-1b"]),
        ("bird-eyes", ["owl-1b"]),
        ("eyes", ["owl-1b", "carp-2b", "pike-3b"]),
        ("all", ["wren-1b", "owl-1b", "carp-2b", "pike-3b"]),
        ("example/egg", ["example/egg"]),
    ],
)
def test_a_name_means_its_models(library: Library, text: str, meant: list[str]) -> None:
    """Names, aliases and groups, in the catalogue's order; examples only by their own names."""
    assert names(library, text) == meant


def test_a_group_of_kinds_asks_for_these_components(library: Library) -> None:
    """A tower is asked for without the decoder that it came with; a name asks for everything."""
    assert resolve(library.catalogue, "bird-eyes")[0].kinds == {Kind.VISION_ENCODER}
    assert resolve(library.catalogue, "owl-1b")[0].kinds == EVERY_KIND


@pytest.mark.parametrize(
    ("text", "near"), [("wrenn", "wren"), ("Owl-2B", "owl-1b"), ("bird", "birds"), ("example/eg", "example/egg")]
)
def test_an_unknown_name_is_told_with_near_ones(library: Library, text: str, near: str) -> None:
    """The way out is in the sentence."""
    with pytest.raises(MissingError) as caught:
        resolve(library.catalogue, text)
    assert f"'{text}' is not a model" in caught.value.message
    assert near in caught.value.message.split("near it: ")[1].rstrip(".").split(", ")
    assert (caught.value.exit_code, bool(caught.value.hint)) == (4, True)


@pytest.mark.parametrize("text", ["", "example", "example/", "zzzzzz", "nest/Wren-1B"])
def test_what_is_no_name_means_nothing(library: Library, text: str) -> None:
    """Neither nothing nor the examples' place nor a Hub id is a name of the library."""
    with pytest.raises(MissingError):
        resolve(library.catalogue, text)


def test_several_names_mean_each_model_once(library: Library) -> None:
    """In the order in which they were first meant, with all components that any name asks for."""
    found = resolve_all(library.catalogue, ["eyes", "wren", "owl-1b"])
    assert [wanted.entry.name for wanted in found] == ["owl-1b", "carp-2b", "pike-3b", "wren-1b"]
    assert [wanted.kinds for wanted in found[:2]] == [EVERY_KIND, frozenset({Kind.VISION_ENCODER})]


def test_every_known_name_means_something(library: Library) -> None:
    """What completion offers can be asked for."""
    assert "bird-eyes" in known_names(library.catalogue)
    for name in known_names(library.catalogue):
        assert resolve(library.catalogue, name)
