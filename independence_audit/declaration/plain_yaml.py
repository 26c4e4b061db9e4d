"""YAML as people write it: mappings, lists and texts, without anchors and tags, within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import yaml

LONGEST = 20_000
"""Characters that are parsed; a merge of a hundred models has some thousand."""
DEEPEST = 8
"""Flow collections; a list of models is one. The parser's time grows with the cube of a nest's depth."""
TEXT = "tag:yaml.org,2002:str"


def mapping_of(text: str) -> yaml.MappingNode | None:
    """The mapping that a text is; None where it is none, or is not plain, or too large."""
    if not text or len(text) > LONGEST or _depth(text) > DEEPEST:
        return None
    import yaml  # loaded only where there is something to read

    try:
        # Aliases could be nested into billions of values, and tags ask for other types than text; nobody needs them.
        events = yaml.parse(text, Loader=yaml.SafeLoader)
        if any(getattr(event, "anchor", None) or getattr(event, "tag", None) for event in events):
            return None
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return root if isinstance(root, yaml.MappingNode) else None


def texts(node: object) -> tuple[str, ...]:
    """The texts of a scalar or of a list of scalars; what YAML takes for a number, a date or nothing is no text."""
    import yaml

    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    found = (each.value.strip() for each in nodes if isinstance(each, yaml.ScalarNode) and each.tag == TEXT)
    return tuple(text for text in found if text)


def under(node: object, keys: frozenset[str]) -> Iterator[str]:
    """The texts of some keys, wherever they stand below a node, in the order of the file."""
    import yaml

    left = [node]
    while left:
        one = left.pop()
        if isinstance(one, yaml.SequenceNode):
            left += reversed(one.value)
        elif isinstance(one, yaml.MappingNode):
            for key, value in one.value:
                if isinstance(key, yaml.ScalarNode) and key.value in keys and isinstance(value, yaml.ScalarNode):
                    yield from texts(value)
            left += [value for _, value in reversed(one.value)]


def _depth(text: str) -> int:
    """How deep flow collections may be nested at most: what opens one may as well stand in a text."""
    return sum(text.count(bracket) for bracket in "[{")
