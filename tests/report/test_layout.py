"""The first screen's gross layout: a screenshot averaged over blocks of 40 x 40 pixels, beside one that was looked at.

After a wanted change: ``pytest tests/report/test_layout.py --update-goldens``, look at the pages, and commit.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from independence_audit.report.languages import LANGUAGES

STORED = Path(__file__).parent / "layout"
VIEW = {"width": 1200, "height": 1440}
BLOCK = 40
MEAN_TOLERANCE = 4.0
"""Of 255, over all blocks. The same page 40 pixels further down differs by 7 to 8, the other language by 5."""
PAPER = 250
INK_TOLERANCE = 0.12
"""Share of blocks that may be empty in one and not in the other; one block further down it is 0.23."""


def blocks(png: bytes) -> list[int]:
    """Mean lightness of every block of a picture, row by row."""
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed")
    picture = image.open(BytesIO(png)).convert("L")
    return list(picture.resize((picture.width // BLOCK, picture.height // BLOCK), image.Resampling.BOX).tobytes())


def difference(first: list[int], second: list[int]) -> tuple[float, float]:
    """Mean difference in lightness, and the share of blocks that are empty in one picture only."""
    mean = sum(abs(a - b) for a, b in zip(first, second, strict=True)) / len(first)
    ink = sum((a < PAPER) != (b < PAPER) for a, b in zip(first, second, strict=True)) / len(first)
    return mean, ink


@pytest.mark.parametrize("lang", LANGUAGES)
def test_first_screen_looks_as_it_did(*, visit: Any, lang: str, update_goldens: bool) -> None:
    """Heading, banner, identity, opinion and component table are where they were; four blocks further is no match."""
    seen = blocks(visit("finding", lang, viewport=VIEW, color_scheme="light").page.screenshot())
    path = STORED / f"finding-{lang}.txt"
    width = VIEW["width"] // BLOCK
    if update_goldens:
        rows = [seen[start : start + width] for start in range(0, len(seen), width)]
        path.write_text("".join(" ".join(f"{value:3d}" for value in row) + "\n" for row in rows), encoding="utf-8")
    stored = [int(value) for value in path.read_text(encoding="utf-8").split()]
    mean, ink = difference(seen, stored)
    assert mean <= MEAN_TOLERANCE
    assert ink <= INK_TOLERANCE
    shifted = [*stored[4 * width :], *stored[: 4 * width]]
    assert max(difference(seen, shifted)[0] / MEAN_TOLERANCE, difference(seen, shifted)[1] / INK_TOLERANCE) > 1
