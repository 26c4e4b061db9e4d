"""A turn of the residual stream is recovered from one role, and shows in the others only where it is there."""

from __future__ import annotations

import numpy as np
import pytest

from independence_audit.statistics.recovery import check_after_alignment, recovered_rotation

WIDTH, UNITS = 48, 160


def rows(seed: int) -> list[np.ndarray]:
    """Gate, up and down of made-up units."""
    return list(np.random.default_rng(seed).normal(size=(3, UNITS, WIDTH)))


def orthogonal(seed: int) -> np.ndarray:
    """A turn."""
    return np.asarray(np.linalg.qr(np.random.default_rng(seed).normal(size=(WIDTH, WIDTH)))[0])


def test_a_turn_is_recovered() -> None:
    """From rows of any size, to rounding; it is orthogonal whatever it is fitted on."""
    gate, rotation = rows(1)[0], orthogonal(2)
    sizes = np.random.default_rng(3).uniform(0.1, 9.0, (UNITS, 1))
    np.testing.assert_allclose(recovered_rotation(sizes * gate @ rotation, gate), rotation, atol=1e-10)
    found = recovered_rotation(rows(4)[0], gate)
    np.testing.assert_allclose(found @ found.T, np.eye(WIDTH), atol=1e-10)


@pytest.mark.parametrize("noise", [0.0, 0.3, 0.8])
def test_what_lies_behind_it_is_as_like_as_it_was(noise: float) -> None:
    """Through a turn, rescaled units and flipped signs the other roles are as like as noise left them."""
    mine, rotation = rows(1), orthogonal(2)
    random = np.random.default_rng(5)
    forms = random.normal(size=(2, WIDTH, WIDTH))
    scales, signs = random.uniform(0.5, 2.0, (UNITS, 1)), random.choice([-1.0, 1.0], (UNITS, 1))
    changed = [each + noise * random.normal(size=each.shape) for each in mine]
    theirs = [changed[0] @ rotation, signs * scales * changed[1] @ rotation, signs / scales * changed[2] @ rotation]
    turned = [rotation.T @ (form + noise * random.normal(size=form.shape)) @ rotation for form in forms]
    look = check_after_alignment(theirs, mine, list(zip(turned, forms, strict=True)))
    expected = 1 / np.sqrt(1 + noise**2)
    assert look.others == pytest.approx(expected, abs=0.12)
    assert look.attention == pytest.approx(expected, abs=0.2)


def test_strangers_show_nothing() -> None:
    """What a turn was fitted on is alike whoever it is; nothing else is."""
    random = np.random.default_rng(6)
    look = check_after_alignment(rows(1), rows(7), [tuple(random.normal(size=(2, WIDTH, WIDTH)))])
    assert look.fitted > 0.3
    assert abs(look.others) < 0.12
    assert abs(look.attention or 0.0) < 0.1


def test_one_other_role_and_no_attention() -> None:
    """Without gates fc2 alone is asked, its sign included."""
    mine, rotation = rows(1)[:2], orthogonal(2)
    look = check_after_alignment([each @ rotation for each in mine], mine)
    assert look.others == pytest.approx(1.0)
    assert look.attention is None
    assert check_after_alignment([mine[0] @ rotation, -mine[1] @ rotation], mine).others == pytest.approx(-1.0)
