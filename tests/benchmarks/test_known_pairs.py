"""The benchmark of public pairs, on a Hub of this machine that serves examples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import known_pairs
from benchmarks.known_pairs import main
from benchmarks.known_pairs_page import Agreement, agreement, highest_rate, summary
from benchmarks.pairs import LEAFBENCH, PAIRS, POLYPYTHIAS, Failure, Pair, PairsError, Result, Truth, read_pairs
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.report_json import from_json
from independence_audit.pipeline.settings import AuditSettings
from tests.hub.fake_hub import FakeHub, reach, serving

SEARCHED = ("--search-layers", "2")
"""What it takes to clear a model where both sides are far away: no layer is read whole there unless asked for."""
HEAD = "subject,reference,truth,provenance"
TABLE = f"""{HEAD}
team/finetuned,lab/base,shares weights,fine-tuning
team/other_seed,lab/base,independent,none
team/continued,lab/base,shares an initial draw,none
lab/gated,lab/base,shares weights,none
team/finetuned,team/nowhere,independent,none
"""


@pytest.fixture
def hub(examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A Hub with examples as repositories, one of which is gated, and the table that names them."""
    cases = examples / "seeds_case"
    (tmp_path / "pairs.csv").write_text(TABLE)
    with serving(tmp_path / "nothing") as hub:
        for name in ("team/finetuned", "team/other_seed", "team/continued", "lab/base"):
            hub.add(name, cases / name.partition("/")[2])
        hub.add("lab/gated", cases / "base_fp16", gated=True)
        reach(hub, tmp_path / "cache", monkeypatch)
        yield hub


def run(folder: Path, *more: str) -> dict[str, list[str]]:
    """Run the benchmark; the cells of its rows by subject and reference."""
    out = folder / "out" / "pairs.md"
    assert main(["--pairs", str(folder / "pairs.csv"), "--out", str(out), *more]) == 0
    lines = out.read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "/" in line and line[0] == "|"]
    return {f"{row[0]}~{row[1]}": row for row in cells}


def test_every_pair_is_a_row(hub: FakeHub, tmp_path: Path) -> None:
    """Relation, agreement and exit code; a pair that could not be audited says why and stops nothing."""
    rows = run(tmp_path, *SEARCHED)
    assert [(row[4], row[5], row[6]) for row in rows.values()] == [
        ("yes", "1", "related"),
        ("yes", "0", "unrelated"),
        ("yes", "1", "related"),
        ("not audited", "4", "–"),
        ("not audited", "4", "–"),
    ]
    found = rows["team/finetuned~lab/base"]
    assert 0.9 < float(found[7]) < 1
    assert found[8] == "< 1e-12"
    assert found[9] == "model: related"
    assert "of the subject's" in found[10]
    assert abs(float(rows["team/other_seed~lab/base"][7])) < 0.1
    assert "gated" in rows["lab/gated~lab/base"][9]
    assert "no repository" in rows["team/finetuned~team/nowhere"][9]


def test_nobody_is_cleared_who_was_not_searched(hub: FakeHub, tmp_path: Path) -> None:
    """Without a layer of either side read whole copies are found all the same, and the independent pair stays open."""
    rows = run(tmp_path, "--limit", "3")
    assert [row[4:7] for row in rows.values()] == [
        ["yes", "1", "related"],
        ["inconclusive", "3", "inconclusive"],
        ["yes", "1", "related"],
    ]
    report = from_json((tmp_path / "out" / "pairs" / "team--other_seed~lab--base.json").read_text())
    assert report.components[0].reason == "no_search_layers"
    page = (tmp_path / "out" / "pairs.md").read_text()
    assert "**False accusations: 0** of 0 independent pairs" in page
    assert "at most 100%" in page
    searched = run(tmp_path, "--limit", "3", *SEARCHED)
    assert [row[5] for row in searched.values()] == ["1", "0", "1"]


def test_the_page_counts_accusations_and_misses(hub: FakeHub, tmp_path: Path) -> None:
    """Zeros come with what they are out of, and with the bound that so few pairs allow."""
    run(tmp_path, *SEARCHED)
    page = (tmp_path / "out" / "pairs.md").read_text()
    assert "**False accusations: 0** of 1 independent pairs" in page
    assert "at most 95.0%" in page
    assert "**Misses: 0** of 2 pairs" in page


def test_weights_are_read_in_parts(hub: FakeHub, tmp_path: Path) -> None:
    """No weights are asked for but by ranges."""
    run(tmp_path, "--limit", "1")
    reads = hub.requests("storage", "GET")
    assert reads
    assert all("range" in seen.headers for seen in reads)


def test_an_interrupted_run_goes_on(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was audited is not read again; what failed is tried again; half a file counts for nothing."""
    first = run(tmp_path, "--limit", "2")
    kept = tmp_path / "out" / "pairs"
    assert sorted(path.name for path in kept.iterdir()) == [
        "team--finetuned~lab--base.json",
        "team--other_seed~lab--base.json",
    ]
    broken = kept / "team--finetuned~lab--base.json"
    broken.write_text(broken.read_text()[:1000])
    tried: list[str] = []
    attempt = known_pairs.attempt

    def noted(pair: Pair, settings: AuditSettings) -> AuditReport | Failure:
        tried.append(f"{pair.subject}~{pair.reference}")
        return attempt(pair, settings)

    monkeypatch.setattr(known_pairs, "attempt", noted)
    rows = run(tmp_path)
    assert list(rows)[:2] == list(first)
    assert all(rows[name] == row for name, row in first.items())
    assert tried == [name for name in rows if name != "team/other_seed~lab/base"]
    tried.clear()
    run(tmp_path)
    assert tried == ["lab/gated~lab/base", "team/finetuned~team/nowhere"]


def test_reports_of_another_version_are_made_again(hub: FakeHub, tmp_path: Path) -> None:
    """Results of two programs are never mixed in one table."""
    run(tmp_path, "--limit", "1")
    [kept] = (tmp_path / "out" / "pairs").iterdir()
    report = kept.read_text()
    kept.write_text(report.replace(f'"version": "{from_json(report).tool.version}"', '"version": "0.0.0"'))
    run(tmp_path, "--limit", "1")
    assert from_json(kept.read_text()).tool == from_json(report).tool


def test_a_fault_of_the_program_is_a_row(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever breaks, the next pair gets its turn."""

    def broken(*_: object) -> None:
        message = "a | and\na second line"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(known_pairs, "audit", broken)
    out = tmp_path / "out.md"
    assert main(["--pairs", str(tmp_path / "pairs.csv"), "--out", str(out)]) == 0
    text = out.read_text()
    assert text.count("internal error: ZeroDivisionError: a \\| and a second line") == 5
    assert text.count("| 70 |") == 5


def test_an_interruption_says_how_to_go_on(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 130, as of the program itself."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(known_pairs, "audit", interrupted)
    assert main(["--pairs", str(tmp_path / "pairs.csv"), "--out", str(tmp_path / "out.md")]) == 130
    assert "goes on" in capsys.readouterr().err


def test_wrong_results_are_called_so(hub: FakeHub, tmp_path: Path) -> None:
    """A finding between independent models is a false accusation, none between relatives a miss."""
    run(tmp_path, "--limit", "2", *SEARCHED)
    [related, unrelated] = [from_json(path.read_text()) for path in sorted((tmp_path / "out" / "pairs").iterdir())]
    accused = Result(Pair("a/a", "b/b", Truth.INDEPENDENT, "none"), related)
    missed = Result(Pair("a/a", "b/b", Truth.SHARES_WEIGHTS, "none"), unrelated)
    assert agreement(accused) is Agreement.ACCUSED
    assert agreement(missed) is Agreement.MISSED
    accusations, misses = summary([accused, missed])
    assert "**False accusations: 1** of 1" in accusations
    assert "**Misses: 1** of 1" in misses


def test_bounds_are_those_of_clopper_and_pearson() -> None:
    """Without an event 1 - 0.05 ** (1 / n); without a trial nothing is known."""
    assert highest_rate(0, 54) == pytest.approx(1 - 0.05 ** (1 / 54))
    assert highest_rate(3, 20) == pytest.approx(0.3437, abs=1e-4)
    assert highest_rate(0, 0) == highest_rate(7, 7) == 1.0


def test_the_public_pairs() -> None:
    """Over a hundred, none twice, all as the Hub names models; a shared draw is not called shared weights."""
    pairs = read_pairs(PAIRS)
    assert len(pairs) > 100
    assert len({frozenset((pair.subject, pair.reference)) for pair in pairs}) == len(pairs)
    assert all(name.count("/") == 1 for pair in pairs for name in (pair.subject, pair.reference))
    assert all(pair.provenance != "none" for pair in pairs if pair.truth is not Truth.INDEPENDENT)
    [drawn] = [pair for pair in pairs if pair.truth is Truth.SHARES_DRAW]
    assert drawn.subject == "EleutherAI/pythia-1.4b-deduped"


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ("subject,reference\na/a,b/b\n", "does not begin with the columns"),
        ("", "does not begin with the columns"),
        (f"{HEAD}\na/a,b/b,cousins,none\n", "row 2: the truth is one of .* not 'cousins'"),
        (f"{HEAD}\na/a,b/b,independent\n", "row 2: 3 columns instead of 4"),
    ],
)
def test_a_broken_table_is_refused(
    table: str, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the place and what should be there; nothing is audited."""
    place = tmp_path / "pairs.csv"
    place.write_text(table)
    with pytest.raises(PairsError, match=complaint):
        read_pairs(place)
    assert main(["--pairs", str(place), "--out", str(tmp_path / "out.md")]) == 2
    assert place.name in capsys.readouterr().err
    assert main(["--pairs", str(tmp_path / "none.csv"), "--out", str(tmp_path / "out.md")]) == 2


def test_the_polypythias_are_told_by_their_names() -> None:
    """Another order of data leaves the draw; any other seed is another draw. Each against the model of its size."""
    pairs = read_pairs(POLYPYTHIAS)
    assert len(pairs) == len({pair.subject for pair in pairs}) == 5 * 9 + 3
    for pair in pairs:
        assert pair.subject.startswith(f"{pair.reference}-")
        assert (pair.truth is Truth.SHARES_DRAW) == ("-data-seed" in pair.subject)


def test_a_few_polypythias_on_a_hub_of_this_machine(hub: FakeHub, examples: Path, tmp_path: Path) -> None:
    """Models of the same relations stand in for them under their names."""
    few = {"EleutherAI/pythia-160m-data-seed1": "continued", "EleutherAI/pythia-160m-seed1": "other_seed"}
    for name, folder in {**few, "EleutherAI/pythia-160m": "base"}.items():
        hub.add(name, examples / "seeds_case" / folder)
    head, *lines = POLYPYTHIAS.read_text().splitlines()
    chosen = [line for line in lines if line.partition(",")[0] in few]
    (tmp_path / "pairs.csv").write_text("\n".join([head, *chosen]) + "\n")
    rows = run(tmp_path, *SEARCHED)
    assert [(row[2], row[4]) for row in rows.values()] == [("independent", "yes"), ("shares an initial draw", "yes")]


def test_leafbench_is_its_seven_models_and_what_was_made_of_them() -> None:
    """Each derivative against its own model, and the seven beside each other."""
    pairs = read_pairs(LEAFBENCH)
    strangers = [pair for pair in pairs if pair.truth is Truth.INDEPENDENT]
    derived = [pair for pair in pairs if pair.truth is Truth.SHARES_WEIGHTS]
    assert len(strangers) == 21
    assert len({pair.subject for pair in derived}) == len(derived) == len(pairs) - 21
    models = {pair.reference for pair in derived}
    assert models == {name for pair in strangers for name in (pair.subject, pair.reference)}
    assert len(models) == 7


def test_a_few_of_leafbench_on_a_hub_of_this_machine(hub: FakeHub, examples: Path, tmp_path: Path) -> None:
    """Models of the same relations stand in for them under their names."""
    few = {"Qwen/Qwen2.5-7B-Instruct": "finetuned", "meta-llama/Llama-3.1-8B": "other_seed"}
    for name, folder in {**few, "Qwen/Qwen2.5-7B": "base"}.items():
        hub.add(name, examples / "seeds_case" / folder)
    there = {*few, "Qwen/Qwen2.5-7B"}
    head, *lines = LEAFBENCH.read_text().splitlines()
    chosen = [line for line in lines if set(line.split(",")[:2]) <= there]
    (tmp_path / "pairs.csv").write_text("\n".join([head, *chosen]) + "\n")
    rows = run(tmp_path, *SEARCHED)
    assert [(row[2], row[4]) for row in rows.values()] == [("shares weights", "yes"), ("independent", "yes")]
