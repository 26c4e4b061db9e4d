"""Widths grown by copying channels: found in one model alone, and tested on one copy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from independence_audit.anatomy import Axis
from independence_audit.fingerprint.samples import Sample
from independence_audit.lineage.in_place import compare_fingerprints
from independence_audit.lineage.width_replication import Replication, find_replications, shared_replications
from tests.lineage.hand_made import fingerprint_of, noise, sample_of


def grown(seed: int, copies: int = 2, *, adjacent: bool = False, trained: float = 0.0) -> list[Sample]:
    """Four layers of two roles and a gain, 96 channels copied, with a share of noise on top."""
    samples = []
    for layer in range(4):
        for number, role in enumerate(("q", "up", "norm")):
            small = noise(1 if role == "norm" else 8, 96, seed=1000 * seed + 10 * layer + number)
            wide = np.repeat(small, copies, axis=1) if adjacent else np.tile(small, (1, copies))
            values = wide + trained * noise(*wide.shape, seed=1000 * seed + 500 + 10 * layer + number)
            samples.append(sample_of(values.astype(np.float32), layer=layer, role=role))
    return samples


@pytest.mark.parametrize("trained", [0.0, 0.7], ids=["fresh", "trained on"])
@pytest.mark.parametrize("adjacent", [False, True], ids=["blocks", "side by side"])
@pytest.mark.parametrize("copies", [2, 3, 4])
def test_copies_are_counted(copies: int, *, adjacent: bool, trained: float) -> None:
    """How many copies, in which order, and how like they still are."""
    (replication,) = find_replications(grown(1, copies, adjacent=adjacent, trained=trained)).values()
    assert (replication.width, replication.copies, replication.adjacent, replication.period) == (
        96 * copies,
        copies,
        adjacent,
        96,
    )
    assert replication.r == pytest.approx(1 / (1 + trained**2), abs=0.1)


def test_strangers_do_not_repeat() -> None:
    """Of a hundred models nobody grew none repeats itself."""
    assert not any(find_replications(grown(seed, copies=1)) for seed in range(100))


def test_heads_that_share_a_value_are_no_growth() -> None:
    """The output projection's columns are alike for query heads of one value head: that says nothing."""
    assert not find_replications([sample_of(np.tile(noise(8, 64), (1, 2)), axis=Axis.ATTENTION)])


def test_bad_input_repeats_nothing() -> None:
    """Constants, single columns, samples without values: no tile and no error."""
    odd = [
        sample_of(np.ones((4, 64), np.float32)),
        sample_of(noise(4, 1)),
        sample_of(noise(4, 0)),
        sample_of(noise(1, 2)),
    ]
    assert not find_replications(odd)
    assert not find_replications([])


def scatter(subjects: Sequence[list[Sample]], references: Sequence[list[Sample]]) -> float:
    """Standard deviation of z over all tensors of all pairs."""
    z = [
        one.test.z
        for subject, reference in zip(subjects, references, strict=True)
        for (compared,) in [compare_fingerprints(fingerprint_of(*subject), fingerprint_of(*reference))]
        for one in compared.measured
        if one.test
    ]
    return float(np.std(z))


@pytest.mark.parametrize("adjacent", [False, True], ids=["blocks", "side by side"])
def test_strangers_of_one_growth_are_standard_normal(monkeypatch: pytest.MonkeyPatch, *, adjacent: bool) -> None:
    """Two models grown alike scatter by sqrt(4) = 2 on all channels, by 1 on one copy of them."""
    subjects = [grown(seed, 4, adjacent=adjacent) for seed in range(1, 26)]
    references = [grown(100 + seed, 4, adjacent=adjacent) for seed in range(1, 26)]
    assert 0.9 < scatter(subjects, references) < 1.1
    monkeypatch.setattr("independence_audit.lineage.pairing.shared_replications", lambda *_: {})
    assert scatter(subjects, references) > 1.7


def test_one_side_alone_needs_no_care() -> None:
    """Where only one model was grown the other's channels may be exchanged, and all are tested."""
    replications = find_replications(grown(1, 2))
    assert replications
    assert not shared_replications(replications, find_replications(grown(2, 1)))
    subjects = [grown(seed, 2) for seed in range(1, 26)]
    wide = [[sample_of(noise(8, 192, seed=900 + n), role=role) for role in ("q", "up")] for n in range(25)]
    assert not any(find_replications(each) for each in wide)
    assert 0.85 < scatter(subjects, wide) < 1.15


def test_copies_of_a_grown_model_are_still_found() -> None:
    """One copy of the channels carries as much as all."""
    model = grown(1, 2)
    (compared,) = compare_fingerprints(fingerprint_of(*model), fingerprint_of(*model))
    assert compared.weakest is not None
    assert compared.weakest.columns == 96
    assert compared.weakest.z > 9.0


@pytest.mark.parametrize("start", [0, 1, 2, 3])
def test_one_copy_is_kept(start: int) -> None:
    """Wherever a window begins, every channel is kept once at most."""
    channels = np.arange(24)
    for adjacent in (False, True):
        replication = Replication(24, 3, adjacent=adjacent, r=1.0)
        unit = channels // 3 if adjacent else channels % 8
        kept = unit[start:20][replication.keep(start, 20)]
        assert len(set(kept.tolist())) == len(kept)
