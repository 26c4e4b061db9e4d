"""The HTML report made ready for print engines: drawings carry their own colours, and every character has a glyph."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

DRAWING = re.compile(r"(<svg\b[^>]*>)(.*?)(</svg>)", re.DOTALL)
DEFINITIONS = re.compile(r'<svg class="definitions".*?</svg>', re.DOTALL)
PATTERN = re.compile(r'<pattern id="p-(\w+)".*?</pattern>', re.DOTALL)
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
VARIABLE = re.compile(r"--([\w-]+):\s*([^;]+);")
USE = re.compile(r"var\(--([\w-]+)\)")
CLASS = re.compile(r"\.([\w-]+)")
ROOT = re.compile(r":root\s*\{(.*?)\}", re.DOTALL)
SCREEN = re.compile(r"@media screen[^{]*\{.*?\n\}", re.DOTALL)
"""The dark sheet; paper is light."""


def coloured(page: str, style: str) -> str:
    """Give every drawing of a page the rules and patterns that it uses, as engines for paper pass it nothing.

    Args:
        page: The page, whose drawings are inline.
        style: The page's style sheet, whose variables stand in ``:root``.
    """
    patterns = {match[1]: match[0] for match in PATTERN.finditer(page)}
    rules = tuple(_rules(style))

    def dress(match: re.Match[str]) -> str:
        opening, inside, closing = match.groups()
        used = set(re.findall(r"[\w-]+", " ".join(re.findall(r'class="([^"]*)"', opening + inside))))
        wanted = [f"{selector}{{{body}}}" for selector, body in rules if set(CLASS.findall(selector)) <= used]
        needed = [text for name, text in patterns.items() if f"fill-{name}" in used]
        # Patterns are drawn by rules of their own, whose classes stand in the patterns.
        own = [f"{s}{{{b}}}" for s, b in rules if any(c in text for text in needed for c in CLASS.findall(s))]
        head = f"<style>{''.join(dict.fromkeys([*wanted, *own]))}</style><defs>{''.join(needed)}</defs>"
        return f"{opening}{head}{inside}{closing}"

    return DRAWING.sub(dress, DEFINITIONS.sub("", page))


def _rules(style: str) -> Iterable[tuple[str, str]]:
    """All rules with classes, each selector by itself, their variables filled in."""
    plain = COMMENT.sub("", SCREEN.sub("", style))
    variables: dict[str, str] = {}
    for block in ROOT.findall(plain):
        variables |= {name: value.strip() for name, value in VARIABLE.findall(block)}
    for selectors, body in RULE.findall(plain):
        filled = USE.sub(lambda match: variables.get(match[1], match[0]), " ".join(body.split()))
        for selector in selectors.split(","):
            name = selector.strip()
            if CLASS.search(name) and not re.search(r"[:@\[(]", name):
                yield name, filled


def spelt_out(page: str, glyphs: Collection[int]) -> str:
    r"""Write every character for which there is no glyph as its code point, ``\u4e00``, rather than as an empty box."""
    return "".join(
        character
        if character in "\n\t" or ord(character) in glyphs
        else f"\\u{ord(character):04x}"
        if ord(character) <= 0xFFFF  # noqa: PLR2004 - four hex digits
        else f"\\U{ord(character):08x}"
        for character in page
    )
