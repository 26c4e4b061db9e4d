"""Policies as text, for tests of what may stand in them."""

from __future__ import annotations

TOP = 'name = "x"\nversion = "1"\ndate = "2026-01-01"\n'
CRITERION = '[[criterion]]\nid = "a"\n'


def rule(
    outcome: str = "met", severity: str = "none", message: str = "criterion.none_found", **words: list[str]
) -> str:
    """A rule of a policy file."""
    conditions = "".join(f"{name} = {values}\n" for name, values in words.items())
    text = f'[[criterion.rule]]\noutcome = "{outcome}"\nseverity = "{severity}"\nmessage = "{message}"\n'
    return text + conditions.replace("'", '"')
