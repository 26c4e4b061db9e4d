"""Names made safe to look at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.report.plain import shortened, visible
from tests.report.sample_reports import HOSTILE_NAMES

ANYTHING = st.text(st.characters(exclude_categories=()))


@given(ANYTHING)
def test_what_is_shown_prints_on_one_line(name: str) -> None:
    """Whatever a name holds, what is shown of it prints, can be stored as UTF-8, and shows something."""
    shown = visible(name)
    assert shown.isprintable()
    assert shown.encode("utf-8")


@given(ANYTHING)
def test_showing_twice_changes_nothing(name: str) -> None:
    """What is already safe stays as it is."""
    assert visible(visible(name)) == visible(name)


@pytest.mark.parametrize("name", ["model.layers.0.q_proj.weight", "한국어 모델", "naïve Ω 😀", "a b"])
def test_ordinary_names_stay(name: str) -> None:
    """Names in any script are shown as they are."""
    assert visible(name) == name


@pytest.mark.parametrize("code", [0x202E, 0x2066, 0x200B, 0xAD, 0xFEFF, 0x1B, 0x00, 0x0A, 0x2028, 0xA0, 0xD800, 0xE000])
def test_what_cannot_be_seen_becomes_its_code_point(code: int) -> None:
    """Overrides, zero-width characters, controls, odd spaces and half surrogates are spelt out."""
    assert visible(f"a{chr(code)}b") == f"a\\u{code:04x}b"


def test_code_points_beyond_the_first_plane_have_eight_digits() -> None:
    """A tag character is spelt with eight digits, so that its end is clear."""
    assert visible("\U000e0041") == "\\U000e0041"


@given(st.text(), st.integers(3, 50))
def test_shortened_keeps_both_ends(name: str, length: int) -> None:
    """A long name loses its middle, a short one nothing."""
    short = shortened(name, length)
    assert len(short) == min(len(name), length)
    if len(name) > length:
        head, _, tail = (
            short.partition("…") if "…" not in name else (short[: length // 2], "", short[length // 2 + 1 :])
        )
        assert name.startswith(head)
        assert name.endswith(tail)


def test_hostile_samples_hold_what_they_should() -> None:
    """The hostile names of the samples do hold characters that must not be shown."""
    assert sum(visible(name) != name for name in HOSTILE_NAMES.values()) >= 5
