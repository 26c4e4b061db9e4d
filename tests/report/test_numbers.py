"""Numbers as a reader meets them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.report import numbers

CASES: list[tuple[Callable[[float | None], str], float | None, str]] = [
    (numbers.count, 1_234_567, "1,234,567"),
    (numbers.coefficient, 0.0124, "0.012"),
    (numbers.coefficient, 0.98765, "0.9877"),
    (numbers.coefficient, 1.0, "1.0000"),
    (numbers.coefficient, 0.99999, "> 0.9999"),
    (numbers.coefficient, -0.99999, "< -0.9999"),
    (numbers.coefficient, -0.0001, "0.000"),
    (numbers.score, 12.34, "12.3"),
    (numbers.score, -0.01, "0.0"),
    (numbers.decimal, 1.005, "1.00"),
    (numbers.decimal, -0.001, "0.00"),
    (numbers.p_value, 0.0, "< 1e-12"),
    (numbers.p_value, 9.9e-13, "< 1e-12"),
    (numbers.p_value, 1e-12, "1e-12"),
    (numbers.p_value, 0.0314, "0.031"),
    (numbers.p_statement, 0.0314, "= 0.031"),
    (numbers.p_statement, 1e-20, "< 1e-12"),
    (numbers.percent, 0.0, "0%"),
    (numbers.percent, 0.00001, "< 0.01%"),
    (numbers.percent, 0.0023, "0.23%"),
    (numbers.percent, 0.5, "50.0%"),
    (numbers.percent, 0.9951, "99.51%"),
    (numbers.percent, 0.99999, "> 99.99%"),
    (numbers.percent, 1.0, "100%"),
    (numbers.size, 0, "0 bytes"),
    (numbers.size, 1023, "1023 bytes"),
    (numbers.size, 1536, "1.50 KiB"),
    (numbers.size, 4_900_000_000, "4.56 GiB"),
    (numbers.size, 1.2e12, "1.09 TiB"),
]


@pytest.mark.parametrize(("write", "value", "text"), CASES, ids=range(len(CASES)))
def test_numbers_are_written_so(write: Callable[[float | None], str], value: float | None, text: str) -> None:
    """Each kind of number has its form, at its edges too."""
    assert write(value) == text


@pytest.mark.parametrize("write", dict.fromkeys(write for write, _, _ in CASES), ids=lambda write: write.__name__)
def test_what_could_not_be_had_is_a_dash(write: Callable[[float | None], str]) -> None:
    """A missing number is never written as 0."""
    assert write(None).endswith(numbers.NONE)


@given(st.floats(0, 1))
def test_percent_never_claims_all_or_nothing_falsely(fraction: float) -> None:
    """Only a full 1 is 100%, only a 0 is 0%."""
    assert (numbers.percent(fraction) == "100%") == (fraction == 1.0)
    assert (numbers.percent(fraction) == "0%") == (fraction == 0.0)
    assert not numbers.percent(fraction).startswith(("100.", "0.00%"))


@given(st.floats(-1, 1))
def test_coefficients_never_claim_equality_falsely(value: float) -> None:
    """Only a full 1 is written as 1."""
    assert (numbers.coefficient(value) in {"1.0000", "-1.0000"}) == (abs(value) == 1.0)


def test_spans() -> None:
    """Several values are written as their ends, equal ones once."""
    assert [numbers.span(texts) for texts in ([], ["1"], ["1", "1"], ["1", "2", "3"])] == ["–", "1", "1", "1 … 3"]
