"""The library's models as a table, as facts and for programs: what nobody said is left out, never made up."""

from __future__ import annotations

import json
from dataclasses import replace

from independence_audit.anatomy import Kind
from independence_audit.cli.library_table import COLUMNS, as_json, as_text, facts
from independence_audit.fingerprint.library import Entry, Status, StoredFingerprint

OWL = Entry(
    name="owl-1b",
    hub_id="nest/Owl",
    revision="abc123",
    owner="Nest",
    country="KR",
    family="owl",
    kinds=frozenset({Kind.VISION_ENCODER, Kind.TEXT_DECODER}),
    derived_from=("wren-1b", "other/Egg"),
    licence="mit",
    aliases=("owl",),
    groups=("birds", "eyes"),
    synthetic=False,
)
EGG = Entry("egg", "", "", "", "", "", frozenset(), (), "", (), (), synthetic=True)
PULLED = StoredFingerprint(OWL, Status.PULLED, 3 << 19, "ab" * 32)
MISSING = StoredFingerprint(EGG, Status.MISSING, 0, "")


def test_a_model_is_a_line_below_its_columns() -> None:
    """What nobody said is a dash, and how many fingerprints are at hand is counted."""
    head, owl, egg, empty, count = as_text([PULLED, MISSING]).splitlines()
    assert head.split() == list(COLUMNS)
    assert owl.split("  ")[0] == "owl-1b"
    assert owl.endswith("text_decoder, vision_encoder  pulled, 1.5 MiB")
    assert egg.split() == ["egg", "-", "-", "-", "missing"]
    assert (empty, count) == ("", "2 models, 1 fingerprints at hand")


def test_columns_stand_below_each_other() -> None:
    """As wide as their longest cell, with nothing behind the last one."""
    head, *rows = as_text([PULLED, MISSING]).splitlines()[:3]
    assert {row[head.index("owner")] for row in rows} == {"N", "-"}
    assert {row[: head.index("fingerprint")][-2:] for row in rows} == {"  "}
    assert not any(line.endswith(" ") for line in (head, *rows))


def test_facts_are_those_that_are_known() -> None:
    """A line each; a model of which nothing is known has its name and that there is no fingerprint."""
    told = dict(line.split(maxsplit=1) for line in facts(PULLED).splitlines())
    assert told["source"] == "nest/Owl@abc123"
    assert told["derived_from"] == "wren-1b, other/Egg"
    assert (told["bytes"], told["sha256"]) == ("1572864", "ab" * 32)
    assert [line.split() for line in facts(MISSING).splitlines()] == [["name", "egg"], ["fingerprint", "missing"]]


def test_programs_get_every_key_of_every_model() -> None:
    """Empty where nobody said."""
    owl, egg = json.loads(as_json([PULLED, MISSING]))
    assert owl.keys() == egg.keys()
    assert (owl["kinds"], owl["groups"]) == ("text_decoder, vision_encoder", "birds, eyes")
    assert {key for key, value in egg.items() if value} == {"name", "fingerprint"}


def test_what_a_user_added_does_nothing_to_a_terminal() -> None:
    """Names and owners can be anything."""
    hostile = replace(PULLED, entry=replace(OWL, name="a\x1b[2J", owner="b\nc\u202e"))
    for shown in (as_text([hostile]), facts(hostile), as_json([hostile])):
        assert all(line.isprintable() for line in shown.splitlines())
        assert "\\u202e" in shown
