"""Reading catalogue files: strict, and every name means one thing."""

from __future__ import annotations

import pytest

from independence_audit.anatomy import Kind
from independence_audit.errors import MalformedError, UnsupportedError
from independence_audit.fingerprint.library.catalogue import ancestors_first, read_catalogue
from independence_audit.fingerprint.library.known_models import EVERY_KIND
from tests.fingerprint.library.small_library import CATALOGUE


def family(models: str, facts: str = "", groups: str = "") -> str:
    """A catalogue with one family."""
    return f'format = 1\n[groups]\n{groups}\n[[family]]\nname = "f"\nkinds = ["other"]\n{facts}\nmodels = [{models}]\n'


def test_a_model_has_its_own_facts_before_those_of_its_family() -> None:
    """Kinds and licences of a family hold where the model says nothing."""
    wren, owl, carp, *_ = read_catalogue({"c": CATALOGUE.encode()}).entries
    assert (wren.licence, wren.country, wren.groups) == ("mit", "KR", ("birds",))
    assert wren.kinds == {Kind.TEXT_DECODER}
    assert owl.kinds == {Kind.TEXT_DECODER, Kind.VISION_ENCODER}
    assert owl.derived_from == ("wren-1b", "other/Egg")
    assert (carp.owner, carp.licence, carp.family) == ("", "apache-2.0", "fish")
    assert (owl.source, wren.source) == ("nest/Owl@abc123", "nest/Wren-1B")


def test_groups_keep_what_they_are_of() -> None:
    """A group with members is of itself, one of kinds is of another; `all` is always there."""
    groups = read_catalogue({"c": CATALOGUE.encode()}).groups
    assert {name: group.of for name, group in groups.items()} == {
        "all": "all",
        "birds": "birds",
        "bird-eyes": "birds",
        "eyes": "all",
    }
    assert groups["birds"].kinds == EVERY_KIND
    assert groups["eyes"].kinds == {Kind.VISION_ENCODER}


def test_several_files_make_one_catalogue() -> None:
    """A user's file may derive from a shipped model and join its groups."""
    own = family('{ name = "x", derived_from = ["wren-1b"], groups = ["birds"] }').encode()
    catalogue = read_catalogue({"shipped": CATALOGUE.encode(), "own": own})
    assert [entry.name for entry in catalogue.entries][-1] == "x"
    assert catalogue.content == (CATALOGUE.encode(), own)


BAD = {
    "no TOML": "format = ",
    "no UTF-8": b"\xff",
    "no format": "[groups]",
    "format of another type": 'format = "1"',
    "unknown key at the top": "format = 1\nmodel = 3",
    "unknown key of a family": family('{ name = "a" }', "colour = 3"),
    "unknown key of a model": family('{ name = "a", size = 7 }'),
    "unknown key of a group": family('{ name = "a" }', groups='g = { title = "G", colour = "red" }'),
    "group without a title": family('{ name = "a" }', groups="g = {}"),
    "family that is no table": "format = 1\nfamily = [1]",
    "groups that are no table": "format = 1\ngroups = [1]",
    "model that is no table": family('"a"'),
    "family without models": 'format = 1\n[[family]]\nname = "f"',
    "model without a name": family("{}"),
    "name with upper case": family('{ name = "A" }'),
    "name with a path": family('{ name = "../a" }'),
    "name that is a Hub id": family('{ name = "a/b" }'),
    "unknown kind": family('{ name = "a", kinds = ["nose"] }'),
    "no kinds": family('{ name = "a", kinds = [] }'),
    "impossible Hub id": family('{ name = "a", hub_id = "https://elsewhere/a" }'),
    "Hub id that ends in a dot": family('{ name = "a", hub_id = "o/x." }'),
    "Hub id of nothing but dots": family('{ name = "a", hub_id = "o/.." }'),
    "impossible revision": family('{ name = "a", revision = "../main" }'),
    "impossible country": family('{ name = "a" }', 'country = "Korea"'),
    "owner that cannot be shown": family('{ name = "a" }', 'owner = "a\\u001b[2J"'),
    "name twice": family('{ name = "a" }, { name = "a" }'),
    "Hub id twice": family('{ name = "a", hub_id = "o/x" }, { name = "b", hub_id = "o/x" }'),
    "alias that is a name": family('{ name = "a" }, { name = "b", aliases = ["a"] }'),
    "alias that is a group": family('{ name = "a", aliases = ["g"] }', groups='g = { title = "G" }'),
    "alias that is all": family('{ name = "a", aliases = ["all"] }'),
    "group that is a name": family('{ name = "g" }', groups='g = { title = "G" }'),
    "group called all": family('{ name = "a" }', groups='all = { title = "G" }'),
    "group called example": family('{ name = "a" }', groups='example = { title = "G" }'),
    "group of an unknown one": family('{ name = "a" }', groups='g = { title = "G", of = "h" }'),
    "group of a part of one": family(
        '{ name = "a" }', groups='g = { title = "G" }\nh = { title = "H", of = "g" }\ni = { title = "I", of = "h" }'
    ),
    "member of an unknown group": family('{ name = "a", groups = ["g"] }'),
    "member of all": family('{ name = "a", groups = ["all"] }'),
    "member of a part of a group": family(
        '{ name = "a", groups = ["h"] }', groups='g = { title = "G" }\nh = { title = "H", of = "g" }'
    ),
    "ancestor that leads nowhere": family('{ name = "a", derived_from = ["b"] }'),
    "ancestor by its Hub id": family('{ name = "a", derived_from = ["o/x"] }, { name = "b", hub_id = "o/x" }'),
    "its own ancestor": family('{ name = "a", derived_from = ["a"] }'),
    "ancestors in a circle": family('{ name = "a", derived_from = ["b"] }, { name = "b", derived_from = ["a"] }'),
    "example that is not synthetic": family('{ name = "example/a" }'),
    "synthetic model that is no example": family('{ name = "a", synthetic = true }'),
    "example with an alias": family('{ name = "example/a", synthetic = true, aliases = ["b"] }'),
    "example with a Hub id": family('{ name = "example/a", synthetic = true, hub_id = "o/x" }'),
    "example in a group": family(
        '{ name = "example/a", synthetic = true, groups = ["g"] }', groups='g = { title = "G" }'
    ),
    "alias among the examples": family('{ name = "a", aliases = ["example/b"] }'),
    "alias called example": family('{ name = "a", aliases = ["example"] }'),
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_a_bad_catalogue_is_refused(content: str | bytes) -> None:
    """One sentence, with a way out."""
    with pytest.raises(MalformedError) as caught:
        read_catalogue({"mine.toml": content if isinstance(content, bytes) else content.encode()})
    assert caught.value.message
    assert caught.value.hint


def test_the_minimal_catalogue_of_these_tests_is_sound() -> None:
    """What the bad ones differ from."""
    read_catalogue({"c": family('{ name = "a" }', groups='g = { title = "G" }').encode()})


def test_a_newer_format_is_told_as_such() -> None:
    """Nothing else of the file is looked at."""
    with pytest.raises(UnsupportedError, match="format 2, known is 1"):
        read_catalogue({"c": b"format = 2\n[[novelty]]\n"})


def test_two_files_may_not_define_one_group() -> None:
    """Otherwise a user's file could take members away from a shipped group."""
    own = b'format = 1\n[groups]\nbirds = { title = "Mine", kinds = ["projector"] }\n'
    with pytest.raises(MalformedError, match="birds"):
        read_catalogue({"shipped": CATALOGUE.encode(), "own": own})


def test_ancestors_come_first() -> None:
    """Whatever order they were written in."""
    text = family('{ name = "c", derived_from = ["b"] }, { name = "b", derived_from = ["a"] }, { name = "a" }')
    entries = read_catalogue({"c": text.encode()}).entries
    assert [entry.name for entry in ancestors_first(entries)] == ["a", "b", "c"]
