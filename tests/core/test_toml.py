"""TOML of strangers: what a person writes is read as the standard reads it, everything else is refused at once."""

from __future__ import annotations

import time
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.core.toml import LARGEST, TomlError, parse_toml

SIZE = 50_000
HOSTILE = {
    "dotted key": b"a" + b".a" * SIZE + b" = 1",
    "dotted header": b"[a" + b".a" * SIZE + b"]",
    "dotted array of tables": b"[[a" + b".a" * SIZE + b"]]",
    "quoted dotted key": b'"a"' + b'."a"' * SIZE + b" = 1",
    "spaced dotted key": b"a" + b" \t. a" * (SIZE // 2) + b" = 1",
    "dotted key in an inline table": b"x = {a" + b".a" * SIZE + b" = 1}",
    "dotted key behind a text": b'x = "" \na' + b".'a'" * SIZE + b" = 1",
    "arrays": b"a = " + b"[" * SIZE,
    "inline tables": b"a = " + b"{a = " * (SIZE // 2),
    "arrays that end": b"a = " + b"[" * SIZE + b"]" * SIZE,
    "whole number": b"a = " + b"9" * 5_000,
    "hexadecimal number": b"a = 0x" + b"f" * SIZE,
    "underscored number": b"a = " + b"9_" * 5_000 + b"9",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_nobody_writes_is_refused_at_once(name: str) -> None:
    """In one sentence that names the line, before it costs anything."""
    begun = time.process_time()
    with pytest.raises(TomlError, match=r"over [0-9,]+ "):
        parse_toml(HOSTILE[name])
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    "piece",
    [b"k%d = 1\n", b"[k%d]\n", b"[[a]]\nk%d = 1\n", b"a.b.c.d.e.f.g.h%d = 1\n", b"# %d\n", b"k%d = '''\n'''\n"],
)
def test_as_much_as_is_allowed_takes_seconds_at_most(piece: bytes) -> None:
    """Many keys, tables and texts."""
    content = b"".join(piece % number for number in range(LARGEST // len(piece)))[:LARGEST]
    begun = time.process_time()
    with suppress(TomlError):
        parse_toml(content)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    "piece", [b'"', b"'", b'"""', b"'''", b"\\", b'"\\', b"[]", b"{", b"=", b"#", b'""""a', b"\r\n"]
)
def test_texts_that_do_not_end_take_no_time(piece: bytes) -> None:
    """Whatever is repeated."""
    begun = time.process_time()
    for start in (b"", b"a = ", b'a = """', b"a = '''"):
        with suppress(TomlError):
            parse_toml((start + piece * LARGEST)[:LARGEST])
    assert time.process_time() - begun < 8


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = " + b"1" * LARGEST, "bytes"),
        (b"\xff", "UTF-8"),
        (b"a = = 1", "no TOML"),
        (b"a = 1\na = 2", "no TOML"),
        (b"a = 2026-99-99", "no TOML"),
        (b"\0", "no TOML"),
    ],
)
def test_each_refusal_is_one_sentence(content: bytes, said: str) -> None:
    """Short, and without a line break."""
    with pytest.raises(TomlError, match=said) as caught:
        parse_toml(content)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_dots_brackets_and_digits_in_texts_and_comments_are_no_nest() -> None:
    """Only keys and values have a shape."""
    text = ".".join("a" * 40) + "[" * 40 + "{" * 40 + "9" * 4000
    content = (
        f'a = "{text}" # {text}\nb = """\n{text}\n"""\nc = \'\'\'{text}\'\'\'\nd = ["{text}", 1.5, 1e3]\n'.encode()
    )
    assert parse_toml(content) == tomllib.loads(content.decode())


def test_every_shipped_file_is_read_alike() -> None:
    """Policies, catalogues and tables are within the bounds."""
    root = Path(__file__).parents[2]
    files = [
        *root.glob("independence_audit/**/*.toml"),
        root / "fingerprints" / "catalogue.toml",
        root / "pyproject.toml",
    ]
    assert len(files) > 10
    for file in files:
        content = file.read_bytes()
        if len(content) <= LARGEST:
            assert parse_toml(content) == tomllib.loads(content.decode())


TOML = st.lists(
    st.sampled_from(["a", ".", "=", "[", "]", "{", "}", '"', "'", "\\", "\n", " ", "1", "#", ",", "'''", '"""'])
)


@given(TOML)
def test_what_is_read_is_what_the_standard_reads(pieces: list[str]) -> None:
    """Small files are TOML here exactly where they are TOML there."""
    text = "".join(pieces)[:60]
    try:
        expected = tomllib.loads(text)
    except ValueError:
        with pytest.raises(TomlError):
            parse_toml(text.encode())
        return
    with suppress(TomlError):
        assert parse_toml(text.encode()) == expected
