"""Two public repositories are compared without downloading either, and every refusal is one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from independence_audit.anatomy import Kind
from tests.e2e.conftest import Audit
from tests.e2e.sparse_models import VISION, tower, write_sparse
from tests.hub.fake_hub import TOKEN, FakeHub

BLOCKS = 4
"""So few that the patch embedding, all of which is read, makes more of a share than in a real tower."""


@pytest.mark.parametrize(
    ("seed", "code", "relation", "reason"),
    [("original", 1, "identical", None), ("another", 3, "inconclusive", "no_anchors")],
)
def test_neither_is_downloaded(
    *, seed: str, code: int, relation: str, reason: str | None, hub: FakeHub, audit: Audit, tmp_path: Path
) -> None:
    """Both commits are in the report, and little of their bytes went over the network or stays on this machine."""
    vision = {"model_type": "qwen2_5_vl", "hidden_size": VISION, "depth": BLOCKS, "num_heads": 16}
    config = {"model_type": "qwen2_5_vl", "vision_config": vision}
    size, commits = 0, {}
    shapes = tower("visual.", BLOCKS)
    halves = [dict(list(shapes.items())[:20]), dict(list(shapes.items())[20:])]
    for name, files, drawn in (("lab/original", [shapes], "original"), ("team/model", halves, seed)):
        folder = tmp_path / "hub" / name
        size += write_sparse(folder, files, config, {Kind.VISION_ENCODER: drawn})
        commits[name] = hub.add(name, folder)
    ended = audit("compare", "team/model", "--ref", "lab/original", "--format", "json")
    assert ended.code == code, ended.err
    (component,), (reference,) = ended.report["components"], ended.report["references"]
    # Of patch embeddings that are mostly zero nothing can be seen, so that no search for a disguise clears anybody.
    assert (component["relation"], component["reason"]) == (relation, reason)
    if seed == "another":
        assert component["relations"]["unrelated"] > 0.99
    assert ended.report["subject"]["revision"] == commits["team/model"]
    assert (reference["name"], reference["revision"]) == ("lab/original", commits["lab/original"])
    # An innocent model is searched for disguise as well: 64 units of every layer, a lot of so small a tower.
    most = (0.06 if seed == "another" else 0.04) * size
    assert hub.sent < most
    assert sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file()) < most
    before = len(hub.seen)
    again = audit("compare", "team/model", "--ref", "lab/original", "--format", "json", "--offline")
    assert (again.code, again.comparable, len(hub.seen)) == (code, ended.comparable, before)


def test_two_that_are_far_away_are_cleared_by_layers_read_whole(hub: FakeHub, audit: Audit, seeds: Path) -> None:
    """None is read whole from afar unless asked for, and without one no disguise can be looked for: open until then."""
    hub.add("lab/base", seeds / "base")
    hub.add("team/own", seeds / "other_seed")
    hub.add("team/copy", seeds / "continued")
    arguments = ("--ref", "lab/base", "--format", "json")
    open_one = audit("compare", "team/own", *arguments)
    (component,) = open_one.report["components"]
    assert (open_one.code, component["relation"], component["reason"]) == (3, "inconclusive", "no_search_layers")
    asked = audit("compare", "team/own", *arguments, "--search-layers", "2")
    (component,) = asked.report["components"]
    assert (asked.code, component["relation"], component["reason"]) == (0, "unrelated", None)
    assert {component["searches"][name]["status"] for name in ("disguised", "without_anchors")} == {"done"}
    assert audit("compare", "team/copy", *arguments).code == 1


def test_a_revision_is_what_was_asked_for(hub: FakeHub, audit: Audit, seeds: Path) -> None:
    """The same repository before and after: another commit, another relation."""
    old = hub.add("lab/base", seeds / "base", "v1.0")
    new = hub.add("lab/base", seeds / "other_seed")
    for name, commit, code in (
        ("lab/base@v1.0", old, 1),
        (f"lab/base@{old}", old, 1),
        ("lab/base", new, 0),
        ("hf://lab/base@main", new, 0),
    ):
        as_reference = audit("compare", seeds / "finetuned", "--ref", name, "--format", "json")
        assert (as_reference.code, as_reference.report["references"][0]["revision"]) == (code, commit)
        as_subject = audit("compare", name, "--ref", seeds / "finetuned", "--format", "json")
        assert (as_subject.code, as_subject.report["subject"]["revision"]) == (code, commit)


def wrong_revision(hub: FakeHub, folder: Path) -> str:
    """A revision that the repository does not have."""
    hub.add("lab/base", folder)
    return "lab/base@v2"


def unknown(hub: FakeHub, folder: Path) -> str:
    """A repository that nobody has."""
    return "lab/nowhere"


def gated(hub: FakeHub, folder: Path) -> str:
    """A repository with conditions that nobody accepted."""
    hub.add("lab/gated", folder, gated=True)
    return "lab/gated"


def private(hub: FakeHub, folder: Path) -> str:
    """A repository of others."""
    hub.add("lab/private", folder, private=True)
    return "lab/private"


def pickles(hub: FakeHub, folder: Path) -> str:
    """A repository with nothing but a pickle."""
    place = folder / "pickles"
    place.mkdir()
    (place / "pytorch_model.bin").write_bytes(b"\x80\x02}q\x00.")
    hub.add("lab/pickles", place)
    return "lab/pickles"


def no_weights(hub: FakeHub, folder: Path) -> str:
    """A repository with a text."""
    place = folder / "empty"
    place.mkdir()
    (place / "README.md").write_text("Soon.")
    hub.add("lab/soon", place)
    return "lab/soon"


@pytest.mark.parametrize("role", ["subject", "reference"])
@pytest.mark.parametrize(
    ("make", "words"),
    [
        (wrong_revision, "'lab/base' has no revision 'v2'"),
        (unknown, "There is no repository 'lab/nowhere'"),
        (gated, "'lab/gated' is gated"),
        (private, "There is no repository 'lab/private'"),
        (pickles, "pickle"),
        (no_weights, "lab/soon"),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_4(
    *,
    make: Callable[[FakeHub, Path], str],
    words: str,
    role: str,
    hub: FakeHub,
    audit: Audit,
    seeds: Path,
    tmp_path: Path,
) -> None:
    """Whichever side it is: what is wrong and what to do, and no report."""
    folder = seeds / "base"
    name = make(hub, tmp_path if make in (pickles, no_weights) else folder)
    good = seeds / "other_seed"
    subject, reference = (name, good) if role == "subject" else (good, name)
    ended = audit("compare", subject, "--ref", reference)
    assert (ended.code, ended.is_told()) == (4, True), ended.err
    assert words in ended.err


def test_a_token_opens_and_is_never_shown(
    hub: FakeHub, audit: Audit, seeds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the right one gated and private weights are read; neither it nor a wrong one is printed or kept."""
    hub.add("lab/gated", seeds / "base", gated=True)
    hub.add("lab/private", seeds / "finetuned", private=True)
    wrong = "hf_WrongTokenOfTheTests"
    for token, code in ((wrong, 4), (TOKEN, 1)):
        monkeypatch.setenv("HF_TOKEN", token)
        report = tmp_path / "report.html"
        for arguments in ((), ("--format", "json"), ("-o", f"html={report}")):
            ended = audit("compare", "lab/private", "--ref", "lab/gated", *arguments)
            assert ended.code == code, ended.err
            assert "hf_" not in ended.out + ended.err
    assert "hf_" not in report.read_text()
    kept = [path for path in (tmp_path / "cache", tmp_path / "library") for path in path.rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if TOKEN.encode() in path.read_bytes() or wrong.encode() in path.read_bytes()]
    assert not [seen for seen in hub.requests("storage") if "authorization" in seen.headers]
