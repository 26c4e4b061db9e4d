"""Made-up content: valid documents with changes in them, and bytes that were never anything."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Draw = st.DrawFn

FEW, SOME, MANY = 3, 300, 30_000
"""How often something is repeated: what grows faster than the input shows at the last."""
SIZES = st.sampled_from((FEW, SOME, MANY))

NUMBERS = (0, 1, -1, 7, 255, 2**31, -(2**31), 2**53 + 1, 2**63, 2**64, -(2**63), 10**400, 1e308, -1e308, 5e-324, -0.0)
TEXTS = (
    "",
    " ",
    "a",
    "0",
    "-1",
    "null",
    "F32",
    "BF16",
    "\0",
    "\x1b[2J",
    "\u202e",
    "\ud800",
    "가",
    "../../etc",
    "/",
    "\n",
)
CONSTANTS = (None, True, False, float("nan"), float("inf"), float("-inf"))


@st.composite
def junk(draw: Draw) -> Any:  # noqa: PLR0911  one a kind
    """A value that few readers expect."""
    kind = draw(st.integers(0, 9))
    size = draw(SIZES) if kind > 5 else 0
    if kind <= 1:
        return draw(st.sampled_from(NUMBERS))
    if kind <= 3:
        return draw(st.sampled_from(TEXTS))
    if kind == 4:
        return draw(st.sampled_from(CONSTANTS))
    if kind == 5:
        return draw(st.sampled_from(([], {}, [[]], {"": {}}, [None], {"a": []})))
    if kind == 6:
        return draw(st.sampled_from(("a", "가", "{", "\0", "9"))) * size
    if kind == 7:
        return [draw(st.sampled_from((0, 1, 1e5, "a", None)))] * size
    if kind == 8:
        return {str(number): number for number in range(min(size, 3000))}
    nested: Any = draw(st.sampled_from((0, [], {})))
    for _ in range(min(size, 400)):  # deeper than any document, and than Python's JSON writes
        nested = [nested] if draw(st.booleans()) or size > FEW else {"a": nested}
    return nested


def places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a document with each of its keys."""
    waiting = [document]
    while waiting:
        one = waiting.pop()
        keys = one.keys() if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            yield one, key
            waiting.append(one[key])


@st.composite
def changed(draw: Draw, document: Any) -> Any:
    """A document with up to four changes."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(0, 4))):
        found = list(places(document))
        if not found:
            return draw(junk())
        container, key = found[draw(st.integers(0, len(found) - 1))]
        change = draw(st.integers(0, 5))
        if change <= 2:
            container[key] = draw(junk())
        elif change == 3:
            del container[key]
        elif change == 4:
            other, its = found[draw(st.integers(0, len(found) - 1))]
            container[key] = copy.deepcopy(other[its])
        elif isinstance(container, dict):
            container[str(draw(junk()))[:1000]] = draw(junk())
        else:
            container.insert(key, copy.deepcopy(container[key]))
    return document


def as_json(document: Any) -> bytes:
    """A document as JSON, halves of characters and numbers that JSON does not know included."""
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")


@st.composite
def damaged(draw: Draw, content: bytes) -> bytes:
    """Bytes with up to three places changed; most often none."""
    made = bytearray(content)
    for _ in range(max(0, draw(st.integers(-6, 3)))):
        place = draw(st.integers(0, len(made)))
        change = draw(st.integers(0, 5))
        if change == 0:
            del made[place:]
        elif change == 1:
            made[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
        elif change == 2:
            made[place:place] = draw(st.binary(max_size=20))
        elif change == 3:
            made[place : place + 8] = draw(st.sampled_from((0, 1, 2**32, 2**63, 2**64 - 1))).to_bytes(8, "little")
        elif change == 4:
            length = draw(st.integers(0, 100))
            made[place:place] = bytes(made[place : place + length]) * draw(st.sampled_from((1, 3, 300)))
        else:
            del made[place : place + draw(st.integers(1, 50))]
    return bytes(made)


@st.composite
def json_like(draw: Draw, document: Any) -> bytes:
    """A JSON document that was changed, then damaged; rarely any bytes, or nests that no writer would write."""
    kind = draw(st.integers(0, 19))
    if kind == 0:
        return draw(st.binary(max_size=400))
    if kind == 1:
        opening = draw(st.sampled_from(("[", '{"a":', '[{"a":', " ", '"', "1", "-", '{"a":1,', "[1,")))
        return (opening * draw(SIZES)).encode()
    return draw(damaged(as_json(draw(changed(document)))))


TOML_LINES = (
    "x = 1",
    "name = 3",
    "a.b.c = 1",
    "[a]",
    "[[a]]",
    "[a.b.c]",
    "x = 1979-05-27T07:32:00Z",
    "x = nan",
    "x = -inf",
    "x = 0x7fffffffffffffffffffffff",
    'x = "\\ud800"',
    'x = "\\u0000"',
    '"" = 1',
    "x = '''",
    "x = { a = 1, b = [1, 2], c = {} }",
    "x = 10_000_000_000_000_000_000",
    "\ufeff",
    "x = 'a\0b'",
    "# ",
)


@st.composite
def toml_like(draw: Draw, valid: str) -> bytes:
    """A TOML document with lines and values changed, or nests and dotted keys without end."""
    kind = draw(st.integers(0, 19))
    size = draw(SIZES)
    if kind == 0:
        return draw(st.binary(max_size=400))
    if kind == 1:
        return f"x = {'[' * size}{draw(st.sampled_from(('', '1'))) + ']' * size}".encode()
    if kind == 2:
        return f"{'.'.join(['a'] * size)} = 1\n".encode() * draw(st.sampled_from((1, 2)))
    if kind == 3:
        return "".join(f"[{'a.' * number}a]\n" for number in range(min(size, 400))).encode()
    if kind == 4:
        return f"x = {'{ a = ' * size}1{' }' * size}".encode()
    lines = valid.splitlines()
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(lines) - 1)) if lines else 0
        change = draw(st.integers(0, 4))
        if change == 0 and lines:
            del lines[place]
        elif change == 1 and lines:
            lines[place:place] = [lines[place]] * draw(st.sampled_from((1, 2, SOME)))
        elif change == 2 and lines and "=" in lines[place]:
            value = draw(junk())
            written = json.dumps(value) if not isinstance(value, str) or len(value) < SOME else f'"{value}"'
            lines[place] = lines[place].partition("=")[0] + "= " + written
        else:
            lines.insert(place, draw(st.sampled_from(TOML_LINES)))
    return draw(damaged("\n".join(lines).encode("utf-8", "surrogatepass")))


YAML_LINES = (
    "base_model: !!python/object/apply:os.system ['true']",
    "license: !!binary aGFsbG8=",
    "license: !!timestamp 2001-99-99",
    "license: 2001-99-99",
    "license: 0o9",
    "license: 1:60:99",
    "license: !!int x",
    "license: !!float y",
    "? [a, b]",
    "? {a: b}",
    "a: &a [*a]",
    "b: *b",
    "<<: *x",
    "<<: 1",
    "- a",
    "\t- a",
    "a: |",
    "a: >-",
    "%YAML 9.9",
    "...",
    "---",
    "a: !<tag:x,2000:y> z",
    "license: 999999999999999999999999",
    "1: 2",
    "null: ~",
    "=: 1",
    "license: .inf",
    "tags: {a: 1}",
    "base_model: [1, 2, [3]]",
)


@st.composite
def card_like(draw: Draw, valid: str) -> bytes:
    """A model card whose front matter was changed: tags, anchors that multiply, flow nests."""
    kind = draw(st.integers(0, 19))
    size = draw(SIZES)
    if kind == 0:
        return draw(st.binary(max_size=400))
    if kind == 1:
        opening = draw(st.sampled_from(("[", "{", "{a: ", "- ", "? ", "!!set {", "&a [", "[a, ", '"', "a: [", "'")))
        return f"---\nlicense: {opening * size}\n---\n".encode()
    if kind == 2:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
        return "\n".join(("---", *lines, "base_model: *a11", "license: *a11", "---")).encode()
    lines = valid.splitlines()
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(lines)))
        if draw(st.booleans()):
            lines.insert(place, draw(st.sampled_from(YAML_LINES)))
        else:
            lines[place : place + 1] = lines[place : place + 1] * draw(st.sampled_from((0, 2, SOME)))
    return draw(damaged("\n".join(lines).encode()))


@st.composite
def text_like(draw: Draw, valid: str) -> bytes:
    """Lines that were left out, repeated or had a field replaced, as of a table or a log."""
    if draw(st.integers(0, 19)) == 0:
        return draw(st.binary(max_size=400))
    lines = valid.splitlines()
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(lines) - 1)) if lines else 0
        change = draw(st.integers(0, 2))
        if change == 0 and lines:
            lines[place : place + 1] = lines[place : place + 1] * draw(st.sampled_from((0, 2, SOME, MANY)))
        elif change == 1 and lines:
            fields = lines[place].split(",")
            fields[draw(st.integers(0, len(fields) - 1))] = str(draw(junk()))
            lines[place] = ",".join(fields)
        else:
            lines.insert(place, str(draw(junk())))
    return draw(damaged("\n".join(lines).encode("utf-8", "surrogatepass")))
