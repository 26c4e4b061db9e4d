"""A scan takes checkpoints one by one, keeps the reason where it cannot, and holds no weights but those it needs."""

from __future__ import annotations

from independence_audit.evidence.measurement import Message
from independence_audit.training.trajectory.checkpoint_scan import ScannedCheckpoint, components, scan
from independence_audit.training.trajectory.start import Freshness
from tests.training.hand_made import drawn, fingerprint_of, sample_of
from tests.training.trajectory.simulated import samples_of, seen, training


def test_every_checkpoint_is_listed_and_the_readable_are_measured() -> None:
    """One that could not be read keeps its reason; steps and bytes are those of the checkpoints."""
    run = seen(training(1, 4))
    lost = ScannedCheckpoint("lost", 15, None, Message("limit.unreadable"))
    found = scan([run[0], lost, *run[1:]])
    assert [(one.name, one.status) for one in found.seen][:2] == [("step-0", "read"), ("lost", "skipped")]
    assert found.seen[1].reason == lost.reason
    assert [step.step for step in found.steps] == [0, 10, 20, 30]
    assert sum(one.read_bytes for one in found.seen) == 4


def test_the_first_is_held_against_a_draw_and_the_last_as_well() -> None:
    """Those between are not, where nothing breaks."""
    found = scan(seen(training(1)))
    assert found.steps[0].starts["model"].freshness == Freshness.INITIAL
    assert found.ends["model"].freshness == Freshness.TRAINED
    assert all(step.starts == {} for step in found.steps[1:])


def test_another_model_is_no_checkpoint_of_this_one() -> None:
    """It is skipped, with the share of parameters that it has in common."""
    run = seen(training(1, 3))
    other = ScannedCheckpoint("other", 20, fingerprint_of([sample_of(drawn(9, 32, 32), "q")]))
    found = scan([run[0], other, run[2]])
    assert [one.status for one in found.seen] == ["read", "skipped", "read"]
    assert found.seen[1].reason is not None
    assert found.seen[1].reason.key == "limit.other_shapes"


def test_a_vocabulary_may_grow() -> None:
    """It is read, and said."""
    tables = [
        ScannedCheckpoint(f"step-{n}", n, fingerprint_of([sample_of(drawn(1, 96 + n, 64), "embed", None)]))
        for n in range(3)
    ]
    found = scan(tables)
    assert [one.status for one in found.seen] == ["read"] * 3
    assert found.seen[1].reason == Message("limit.other_vocabulary", {"rows": 97, "first": 96})


def test_a_part_that_is_missing_is_said() -> None:
    """The rest is measured."""
    run = training(1, 3)
    partly = {role: values for role, values in run[1].items() if role != "down"}
    checkpoints = [
        ScannedCheckpoint(f"step-{number}", number, fingerprint_of(samples_of(one, number)))
        for number, one in enumerate([run[0], partly, run[2]])
    ]
    found = scan(checkpoints)
    assert found.seen[1].reason is not None
    assert found.seen[1].reason.key == "limit.missing_tensors"
    assert len(found.steps) == 3


def test_components_come_in_the_order_in_which_they_are_met() -> None:
    """Each once."""
    own, other = training(1, 2), training(2, 2)
    both = [
        ScannedCheckpoint(
            f"step-{n}", n, fingerprint_of([*samples_of(other[n], n, "tower"), *samples_of(own[n], n, "model")])
        )
        for n in range(2)
    ]
    assert list(components(scan(both).steps)) == ["tower", "model"]
