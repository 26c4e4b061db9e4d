"""Numbers as a reader should meet them: never rounded to more than was measured, never to a false 0 or 1."""

from __future__ import annotations

from collections.abc import Sequence

NONE = "–"
"""What stands for a number that could not be had."""
SMALLEST_P = 1e-12
"""Below this a p-value says nothing more; METHOD.md section 2."""
NEAR_ONE = 0.9
"""From here on the fourth decimal of a coefficient matters."""
LARGE = 1e6
"""From here on a coefficient, score or ratio is written with a power of ten: weights of any scale can be submitted."""
BINARY_STEP = 1024
SIZES = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def count(value: float | None) -> str:
    """Write a count with thousands separators: ``1,234,567``."""
    return NONE if value is None else f"{value:,.0f}"


def coefficient(value: float | None) -> str:
    """Write a correlation or cosine with three decimals, four near one; ``> 0.9999`` where rounding would say 1."""
    if value is None:
        return NONE
    if abs(value) >= LARGE:
        return f"{value:.2e}"
    decimals = 4 if abs(value) >= NEAR_ONE else 3
    text = f"{value:.{decimals}f}"
    if abs(float(text)) == 1.0 and abs(value) < 1.0:
        return "> 0.9999" if value > 0 else "< -0.9999"
    return text.removeprefix("-") if float(text) == 0.0 else text


def score(value: float | None) -> str:
    """Write a z-score with one decimal."""
    if value is None or abs(value) >= LARGE:
        return coefficient(value)
    return f"{value + 0.0:.1f}".replace("-0.0", "0.0")


def decimal(value: float | None) -> str:
    """Write a number with two decimals."""
    if value is None or abs(value) >= LARGE:
        return coefficient(value)
    return f"{value:.2f}".replace("-0.00", "0.00")


def p_value(value: float | None) -> str:
    """Write a p-value with two digits; below 1e-12 as ``< 1e-12``."""
    if value is None:
        return NONE
    return f"< {SMALLEST_P:.0e}" if value < SMALLEST_P else f"{value:.2g}"


def p_statement(value: float | None) -> str:
    """Write a p-value with its sign of comparison, to stand behind a ``p``: ``= 0.012``, ``< 1e-12``."""
    text = p_value(value)
    return text if text.startswith("<") else f"= {text}"


def percent(value: float | None) -> str:
    """Write a fraction as a percentage; only a full 1 is ``100%`` and only a 0 is ``0%``."""
    if value is None:
        return NONE
    if value in (0.0, 1.0):
        return f"{value:.0%}"
    if value < 0.0001:  # noqa: PLR2004 - what two decimals of a percentage can show
        return "< 0.01%"
    if value > 0.9999:  # noqa: PLR2004 - the same from above
        return "> 99.99%"
    return f"{value:.2%}" if min(value, 1 - value) < 0.01 else f"{value:.1%}"  # noqa: PLR2004 - the same


def ratio(value: float | None) -> str:
    """Write a ratio as a whole percentage, which may exceed 100%."""
    if value is None or abs(value) >= LARGE:
        return coefficient(value)
    return f"{value:.0%}".replace("-0%", "0%")


def size(value: float | None) -> str:
    """Write a number of bytes with three digits and a binary unit: ``4.56 GiB``."""
    if value is None:
        return NONE
    amount, unit = float(value), 0
    while amount >= BINARY_STEP and unit < len(SIZES) - 1:
        amount, unit = amount / BINARY_STEP, unit + 1
    decimals = 0 if unit == 0 else 2 if amount < 10 else 1 if amount < 100 else 0  # noqa: PLR2004 - three digits
    return f"{amount:.{decimals}f} {SIZES[unit]}"


def span(texts: Sequence[str]) -> str:
    """Write the first and the last of ordered texts, one where they are the same: ``0.012 … 0.430``."""
    if not texts:
        return NONE
    return texts[0] if texts[0] == texts[-1] else f"{texts[0]} … {texts[-1]}"
