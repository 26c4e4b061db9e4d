"""The packaged tables are read strictly: what is misspelt, missing or of another type is an error."""

from __future__ import annotations

import pytest

from independence_audit.anatomy.tables import Table, read_table, read_tables


def test_tables_refuse_unknown_keys() -> None:
    """A misspelt key in a data file is an error, not a silent default."""
    table = Table("a table", {"role": "q", "transposd": True})
    assert table.take("role", str) == "q"
    with pytest.raises(ValueError, match="a table has unknown keys: transposd"):
        table.close()
    with pytest.raises(ValueError, match="lacks 'kind'"):
        table.take("kind", str)
    with pytest.raises(ValueError, match="a bool is needed"):
        Table("a table", {"rope": "yes"}).take("rope", bool)
    with pytest.raises(ValueError, match="a list of strings is needed"):
        Table("a table", {"requires": [1]}).take_strings("requires")


def test_what_is_not_there_is_its_default() -> None:
    """A default stands in for a key that is missing, and never for one that is there."""
    table = Table("a table", {"rope": False, "words": []})
    assert table.take("rope", bool, default=True) is False
    assert table.take("stacked", bool, default=True) is True
    assert table.take_strings("words", ("a",)) == ()
    assert table.take_strings("others", ("a", "b")) == ("a", "b")
    table.close()


def test_a_key_is_taken_once() -> None:
    """What has been read is no longer there, so that no key means two things."""
    table = Table("a table", {"b": 1, "a": 2, "role": "q"})
    table.take("role", str)
    with pytest.raises(ValueError, match="a table lacks 'role'"):
        table.take("role", str)
    with pytest.raises(ValueError, match="a table has unknown keys: a, b"):
        table.close()


def test_the_table_that_was_given_is_left_alone() -> None:
    """Reading takes keys out of a copy."""
    content = {"role": "q"}
    Table("a table", content).take("role", str)
    assert content == {"role": "q"}


def test_long_values_are_cut_in_messages() -> None:
    """A message of a wrong value is a sentence, not the value."""
    with pytest.raises(ValueError, match="a str is needed") as caught:
        Table("a table", {"role": ["q"] * 10_000}).take("role", str)
    assert len(str(caught.value)) < 200


def test_tables_of_the_package() -> None:
    """A folder's tables are those of its files, each by its name; what is changed in one copy stays there."""
    tables = read_tables("families")
    assert list(tables) == sorted(tables)
    assert all(name.endswith(".toml") and table["name"] for name, table in tables.items())
    assert tables["llama.toml"] == read_table("families/llama.toml")
    read_table("families/llama.toml").clear()
    assert read_table("families/llama.toml") == tables["llama.toml"]
    with pytest.raises(FileNotFoundError):
        read_table("families/none.toml")
