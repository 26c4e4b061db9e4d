"""The documentation checks find what they are there to find."""

from __future__ import annotations

from pathlib import Path

from independence_audit.lineage.outcomes import SearchName
from independence_audit.lineage.searches import About, Cost, Law
from independence_audit.pipeline.searching import STATED
from tools import check_docs

TOP = """Usage: audit [OPTIONS] COMMAND [ARGS]...

Options:
  --version  Show the version and exit.

Commands:
  compare     Compare a checkpoint with references, one
              line that goes on.
  self-check  Check the installation.
"""


def output_of(arguments: str) -> str:
    """A program with two commands."""
    return TOP if arguments == "--help" else f"help of {arguments}\n"


def test_commands_are_read_from_the_help() -> None:
    """Names of commands are found, continuation lines are not taken for names."""
    assert check_docs.commands(TOP) == ["compare", "self-check"]


def test_help_block_is_rewritten() -> None:
    """An old block becomes what the program prints; the text around it stays, and so does a current block."""
    old = "before\n\n```console\n$ audit compare --help\nold\n```\n\nafter\n"
    new = check_docs.updated_help(old, output_of)
    assert new == "before\n\n```console\n$ audit compare --help\nhelp of compare --help\n```\n\nafter\n"
    assert check_docs.updated_help(new, output_of) == new


def test_other_blocks_are_left_alone() -> None:
    """A block that shows a run, not a help text, is no business of the check."""
    run = "```console\n$ audit compare a --ref b\nwhatever\n```\n"
    assert check_docs.updated_help(run, output_of) == run


def test_command_without_help_block_is_named() -> None:
    """Every command needs a block in some document."""
    texts = ["```console\n$ audit --help\n```\n", "```console\n$ audit compare --help\n```\n"]
    [problem] = check_docs.missing_help(texts, output_of)
    assert "audit self-check --help" in problem


def test_help_without_commands_is_a_problem() -> None:
    """A change in the help's layout must not turn the check into one that finds nothing."""
    problems = list(check_docs.missing_help(["```console\n$ audit --help\n```\n"], lambda _: "Usage: audit\n"))
    assert problems == ["`audit --help` lists no command"]


def test_dead_links_are_found(tmp_path: Path) -> None:
    """Missing files and headings are named; addresses, code and living links are not."""
    (tmp_path / "other.md").write_text("# Exit codes\n## Twice\n## Twice\n", encoding="utf-8")
    page = tmp_path / "page.md"
    text = (
        "# A `code` title: here\n[a](other.md) [b](other.md#exit-codes) [c](#a-code-title-here) [d](other.md#twice-1)\n"
        "[e](https://example.org/x) `[f](gone.md)`\n```\n[g](gone.md)\n```\n"
        "[h](gone.md) [i](other.md#gone) [j](#gone)\n"
    )
    page.write_text(text, encoding="utf-8")
    problems = list(check_docs.dead_links(page, text))
    assert [problem.partition(": ")[2].split()[-4:] for problem in problems] == [
        ["to", "gone.md", "leads", "nowhere"],
        ["no", "heading", "of", "other.md"],
        ["no", "heading", "of", "page.md"],
    ]


def test_schema_copies_are_compared_and_renewed(tmp_path: Path) -> None:
    """A packaged schema needs an equal copy in the documentation."""
    packaged = tmp_path / "independence_audit" / "evidence" / "report.schema.json"
    packaged.parent.mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    packaged.write_text("{}", encoding="utf-8")
    assert len(list(check_docs.check_schemas(tmp_path, update=False))) == 1
    assert list(check_docs.check_schemas(tmp_path, update=True)) == []
    assert list(check_docs.check_schemas(tmp_path, update=False)) == []
    packaged.write_text('{"type": "object"}', encoding="utf-8")
    assert len(list(check_docs.check_schemas(tmp_path, update=False))) == 1


ABOUT = About("moved", (SearchName.MOVED,), Law.EXACT, "permutation", "a layer", Cost.SAMPLES)


OLD_HELP = "```console\n$ audit compare --help\nearlier\n```\n"
OLD_TABLE = "before\n<!-- searches -->\n| earlier |\n<!-- /searches -->\nafter\n"


def test_what_the_program_says_is_rewritten(tmp_path: Path) -> None:
    """Help blocks, and what stands between the two comments; a document without either is left alone."""
    page = tmp_path / "method.md"

    def problems(*, update: bool) -> list[str]:
        return list(check_docs.check_written(page, page.read_text("utf-8"), output_of, update=update))

    page.write_text("nothing of it\n", encoding="utf-8")
    assert problems(update=False) == []
    page.write_text(OLD_HELP + OLD_TABLE, encoding="utf-8")
    first, second = problems(update=False)
    assert first.startswith("method.md: a help block")
    assert second.startswith("method.md: the table of searches")
    assert problems(update=True) == []
    assert problems(update=False) == []
    written = page.read_text(encoding="utf-8")
    assert "earlier" not in written
    assert "help of compare --help\n```\nbefore\n" in written
    assert check_docs.search_table(STATED) + "<!-- /searches -->\nafter\n" in written


def test_a_row_of_the_table_says_all_of_a_search() -> None:
    """Title, law, whose law, bound and cost stand in their columns."""
    *_, row = check_docs.search_table([ABOUT]).splitlines()
    assert row == "| moved | exact | permutation | a layer | nothing beyond the fingerprints |"


def test_dead_paths_are_found(tmp_path: Path) -> None:
    """A path that was moved is named once, wherever it stands; paths that are there and made files are not."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_here.py").touch()
    text = "pytest tests/test_gone.py tests/test_here.py (`tests/test_gone.py`) build/demo/report.html"
    assert list(check_docs.dead_paths(tmp_path, "Makefile", text)) == ["Makefile: there is no tests/test_gone.py"]
