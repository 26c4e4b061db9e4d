"""The facts of one model as a table and as text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from independence_audit.anatomy import Kind
from independence_audit.evidence.audit_report import MadeFrom, Standing
from independence_audit.fingerprint.library import Entry
from independence_audit.fingerprint.library.catalogue import (
    catalogue_text,
    family_entries,
    family_table,
    read_catalogue,
)

NAMES = st.from_regex(r"[a-z0-9][a-z0-9.+-]{0,20}", fullmatch=True)
WORDS = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), max_size=20)
HUB_IDS = st.from_regex(r"[A-Za-z0-9]{1,9}/[A-Za-z0-9_]([._-]?[A-Za-z0-9_]){0,8}", fullmatch=True).filter(
    lambda name: not name.startswith("example/") and not name.endswith((".git", ".json"))
)
"""As the Hub has them: dots and dashes stand between other signs."""
ENTRIES = st.builds(
    Entry,
    name=NAMES,
    hub_id=st.just("") | HUB_IDS,
    revision=st.from_regex(r"[0-9a-f]{0,40}", fullmatch=True),
    owner=WORDS,
    country=st.sampled_from(["", "KR", "FR"]),
    family=WORDS,
    kinds=st.frozensets(st.sampled_from(Kind), min_size=1),
    derived_from=st.lists(st.sampled_from(["some/Ancestor-1.5_x", "0/0"]), max_size=2).map(tuple),
    licence=WORDS,
    aliases=st.just(()),
    groups=st.just(()),
    synthetic=st.just(value=False),
    made_from=st.none()
    | st.builds(
        MadeFrom,
        standing=st.sampled_from(Standing),
        package=WORDS.filter(bool),
        file=WORDS.filter(bool),
        sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    ),
).filter(lambda entry: entry.hub_id not in entry.derived_from)


@given(ENTRIES)
def test_a_table_and_its_text_hold_every_fact(entry: Entry) -> None:
    """Quotes, backslashes and Hangul included; what comes back is the same model."""
    table = family_table(entry)
    assert family_entries(table) == [entry]
    assert read_catalogue({"c": catalogue_text(table).encode()}).entries == (entry,)


def test_aliases_are_kept_and_groups_stay_behind() -> None:
    """Another library may not have such a group."""
    entry = Entry("a", "o/a", "", "", "", "f", frozenset({Kind.OTHER}), (), "", ("b",), ("g",), synthetic=False)
    (back,) = family_entries(family_table(entry))
    assert (back.aliases, back.groups) == (("b",), ())


def test_an_example_stays_one() -> None:
    """Where it is packed into a bundle."""
    entry = Entry("example/a", "", "", "", "", "f", frozenset({Kind.OTHER}), (), "", (), (), synthetic=True)
    assert family_entries(family_table(entry)) == [entry]
