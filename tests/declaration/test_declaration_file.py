"""independence.toml: read strictly; whatever is misspelt, doubled or contradictory is refused with a way out."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.declaration.declaration_file import parse_declaration
from independence_audit.errors import MalformedError
from independence_audit.evidence.declared_origin import Origin, Rights

WHOLE = b"""
format = 1
team = "Team"
licence = "apache-2.0"
[rights]
modify = true
redistribute = false
[[component]]
name = "visual"
origin = "initialised_from"
source = "Qwen/Qwen2.5-VL-7B-Instruct"
licence = "apache-2.0"
notes = "continued on our data"
"""


def test_everything_is_read() -> None:
    """Every key arrives, and what is not said stays open."""
    declaration = parse_declaration(WHOLE, "independence.toml")
    (entry,) = declaration.entries
    assert (entry.name, entry.origin, entry.sources) == (
        "visual",
        Origin.INITIALISED_FROM,
        ("Qwen/Qwen2.5-VL-7B-Instruct",),
    )
    assert declaration.rights == Rights(modify=True, redistribute=False)
    assert len(declaration.sha256) == 64


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"format = 2", "format"),
        (b"", "format"),
        (b"format = 1\ncolour = 'red'", "colour"),
        (b"format = 1\n[rights]\nfly = true", "fly"),
        (b"format = 1\n[rights]\nmodify = 'yes'", "modify"),
        (b"format = 1\n[[component]]\nname = 'a'", "origin"),
        (b"format = 1\n[[component]]\nname = ''\norigin = 'from_scratch'", "empty name"),
        (b"format = 1\n[[component]]\nname = 'a'\norigin = 'bought'", "bought"),
        (b"format = 1\n[[component]]\nname = 'a'\norigin = ' '", "' '"),
        (b"format = 1\n[[component]]\nname = 'a'\norigin = 'from_scratch'\nsource = 'x'", "from_scratch"),
        (b"format = 1\n[[component]]\nname = 'a'\norigin = 'from_scratch'\nsuorce = 'x'", "suorce"),
        (b"format = 1\n" + b"[[component]]\nname = 'a'\norigin = 'from_scratch'\n" * 2, "twice"),
        (b"format = 1\ncomponent = [1]", "not a table"),
        (b"format = = 1", "TOML"),
        (b"\xff\xfe", "decode"),
        (b"format = 1\nteam = '" + b"x" * 1_000_001 + b"'", "bytes"),
    ],
)
def test_what_cannot_be_meant_is_refused(content: bytes, said: str) -> None:
    """One sentence names what is wrong."""
    with pytest.raises(MalformedError, match=r"independence\.toml") as caught:
        parse_declaration(content, "independence.toml")
    assert said in caught.value.message or said == "TOML"
    assert caught.value.hint


@given(st.binary(max_size=200))
def test_no_bytes_crash_it(content: bytes) -> None:
    """Whatever was handed in, the answer is a declaration or a sentence."""
    with suppress(MalformedError):
        parse_declaration(content, "x")
