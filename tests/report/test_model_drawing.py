"""The drawing of the model: every component once, in its stage, nothing overlapping."""

from __future__ import annotations

from itertools import combinations

import pytest

from independence_audit.report.languages import KOREAN
from independence_audit.report.model_drawing import HEIGHT, WIDTH, Drawing, drawing_of
from independence_audit.report.page import page_of
from independence_audit.report.plain import columns
from tests.report.sample_reports import SAMPLES, finding


def drawn(sample: str) -> Drawing:
    """The drawing of a sample report in Korean."""
    report = SAMPLES[sample]()
    rows = page_of(report, KOREAN).components
    return drawing_of(rows, [part.kind for part in report.components], [part.parameters for part in report.components])


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_component_has_its_own_place(sample: str) -> None:
    """Boxes lie inside the drawing and apart from each other; their words fit into them."""
    drawing = drawn(sample)
    assert len(drawing.boxes) == len(SAMPLES[sample]().components)
    for first, second in combinations(drawing.boxes, 2):
        assert abs(first.x - second.x) >= WIDTH or abs(first.y - second.y) >= HEIGHT
    for box in drawing.boxes:
        assert 0 <= box.x <= drawing.width - WIDTH
        assert 0 <= box.y <= drawing.height - HEIGHT
        assert max(columns(text) for text in (box.kind, box.word, box.reference)) <= 24


def test_stages_follow_the_data() -> None:
    """Encoders stand left of the compressor, that left of the decoder; shares are of the whole model."""
    boxes = {box.kind: box for box in drawn("finding").boxes}
    assert boxes["오디오 인코더"].x == boxes["비전 인코더"].x < boxes["압축기"].x < boxes["언어 디코더"].x
    assert sum(box.share for box in boxes.values()) == pytest.approx(1)
    assert boxes["언어 디코더"].relation == finding().components[2].relation


def test_lines_join_neighbouring_stages() -> None:
    """Two encoders meet at a bar and enter one box; arrow heads stand before each box that is entered."""
    drawing = drawn("finding")
    assert len(drawing.heads) == 2
    assert len(drawing.lines) == (2 + 1 + 1) + (1 + 1)
    assert drawn("clean").lines == ()
