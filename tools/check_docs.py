"""Compares the documentation with the program: help blocks, the table of searches, schemas, links and paths.

A help block is a fenced ``console`` block whose first line is ``$ audit [COMMAND] --help``; the rest of it is what the
program prints. Every command has one somewhere in the documentation. The table of searches stands between two comments
of ``docs/method.md``. With ``--update`` both and the copies of the schemas are rewritten instead of compared; what
cannot be rewritten (a missing block, a dead link, a path that is no longer there) stays a problem.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from independence_audit.lineage.searches import About
from independence_audit.pipeline.searching import STATED

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("*.md", "docs/**/*.md", "examples/**/*.md", "benchmarks/**/*.md")
SCHEMAS = "**/*schema*.json"
PROGRAM = "import sys; sys.argv[0] = 'audit'; from independence_audit.cli.entry import main; sys.exit(main())"

HELP_BLOCK = re.compile(
    r"^```console\n\$ audit (?P<arguments>[^\n]*--help)\n(?P<output>.*?)^```$", re.MULTILINE | re.DOTALL
)
FENCED = re.compile(r"^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)[ \t]*$", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\((?P<target>[^)\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6}[ \t]+(?P<text>.+?)[ \t#]*$", re.MULTILINE)
PATH = re.compile(r"(?:independence_audit|tests|benchmarks|tools|examples|fingerprints)/[\w./-]*\w\.\w+")
"""A path of this repository, as a document or the Makefile names it."""
SEARCHES = re.compile(r"(?<=<!-- searches -->\n).*?(?=<!-- /searches -->)", re.DOTALL)
LISTED_COMMAND = re.compile(r"^  (?P<name>[a-z][a-z-]*)", re.MULTILINE)


def documents(root: Path) -> list[Path]:
    """Every Markdown file of the documentation."""
    return sorted(path for pattern in DOCUMENTS for path in root.glob(pattern))


@cache
def program_output(arguments: str) -> str:
    """What ``audit ARGUMENTS`` prints in a terminal 80 columns wide, without colour."""
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, *shlex.split(arguments)],
        check=False,
        capture_output=True,
        cwd=ROOT,
        encoding="utf-8",
        env=environment,
    )
    if result.returncode != 0:
        sys.exit(f"`audit {arguments}` ended with status {result.returncode}:\n{result.stderr}")
    return result.stdout.rstrip() + "\n"


def commands(help_text: str) -> list[str]:
    """Names of the commands that the program's own help lists."""
    _, _, listing = help_text.partition("\nCommands:\n")
    return LISTED_COMMAND.findall(listing)


def updated_help(text: str, output_of: Callable[[str], str]) -> str:
    """The document with every help block as the program prints it now."""

    def block(match: re.Match[str]) -> str:
        arguments = match["arguments"]
        return f"```console\n$ audit {arguments}\n{output_of(arguments)}```"

    return HELP_BLOCK.sub(block, text)


def missing_help(texts: list[str], output_of: Callable[[str], str]) -> Iterator[str]:
    """The commands, the program itself included, that have no help block in any document."""
    shown = {match["arguments"] for text in texts for match in HELP_BLOCK.finditer(text)}
    names = commands(output_of("--help"))
    if not names:
        yield "`audit --help` lists no command"
    for arguments in ["--help", *(f"{name} --help" for name in names)]:
        if arguments not in shown:
            yield f"no document has a help block that starts with `$ audit {arguments}`"


def search_table(searches: Iterable[About]) -> str:
    """What every search states of itself, as a Markdown table."""
    rows = [(one.title, one.law.value, one.null, one.bound, one.cost.value) for one in searches]
    head = ("search", "law where nothing is shared", "whose law", "what it is sure to find", "reads")
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ("---",) * len(head), *rows))


def updated_table(text: str, table: str) -> str:
    """The document with the table of searches as they state it now."""
    return SEARCHES.sub(lambda _: table, text)


def check_written(path: Path, text: str, output_of: Callable[[str], str], *, update: bool) -> Iterator[str]:
    """A document whose help blocks or table of searches are not what the program prints and its searches state."""
    printed = updated_help(text, output_of)
    stated = updated_table(printed, search_table(STATED))
    if update and stated != text:
        path.write_text(stated, encoding="utf-8")
    if not update and printed != text:
        yield f"{path.name}: a help block differs from the program's output"
    if not update and stated != printed:
        yield f"{path.name}: the table of searches differs from what the searches state"


def dead_paths(root: Path, name: str, text: str) -> Iterator[str]:
    """The paths that a text names and the repository does not have; what is made or fetched is no business of this."""
    for path in dict.fromkeys(PATH.findall(text)):
        if not (root / path).exists():
            yield f"{name}: there is no {path}"


def prose(text: str) -> str:
    """The document without its code."""
    return INLINE_CODE.sub("", FENCED.sub("", text))


def anchors(text: str) -> set[str]:
    """The fragments that a document's headings answer to."""
    seen: Counter[str] = Counter()
    found: set[str] = set()
    for match in HEADING.finditer(FENCED.sub("", text)):
        slug = re.sub(r"[^\w\- ]", "", match["text"].lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def dead_links(path: Path, text: str) -> Iterator[str]:
    """The links of a document that lead to no file or no heading of this repository."""
    for match in LINK.finditer(prose(text)):
        target = match["target"]
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        file, _, fragment = target.partition("#")
        destination = (path.parent / unquote(file)).resolve() if file else path
        if not destination.exists():
            yield f"{path.name}: the link to {target} leads nowhere"
        elif (
            fragment
            and destination.suffix == ".md"
            and unquote(fragment) not in anchors(destination.read_text("utf-8"))
        ):
            yield f"{path.name}: {target} names no heading of {destination.name}"


def check_schemas(root: Path, *, update: bool) -> Iterator[str]:
    """The packaged JSON schemas whose copy under ``docs/`` is missing or differs."""
    for packaged in sorted((root / "independence_audit").glob(SCHEMAS)):
        copy = root / "docs" / packaged.name
        if copy.is_file() and copy.read_bytes() == packaged.read_bytes():
            continue
        if update:
            copy.write_bytes(packaged.read_bytes())
        else:
            yield f"docs/{packaged.name} is not a copy of {packaged.relative_to(root)}"


def problems(root: Path, *, update: bool) -> Iterator[str]:
    """Everything that is wrong with the documentation, one sentence each."""
    texts = {path: path.read_text(encoding="utf-8") for path in documents(root)}
    yield from check_schemas(root, update=update)
    yield from missing_help(list(texts.values()), program_output)
    for path, text in texts.items():
        yield from check_written(path, text, program_output, update=update)
        yield from dead_links(path, text)
        if path.name != "CHANGELOG.md":
            yield from dead_paths(root, path.name, text)
    makefile = root / "Makefile"
    yield from dead_paths(root, makefile.name, makefile.read_text(encoding="utf-8"))


def main() -> int:
    """Print every problem; return 1 where there is one."""
    parser = argparse.ArgumentParser(description="Compare the documentation with the program.")
    parser.add_argument(
        "--update", action="store_true", help="rewrite help blocks, the table of searches and copies of schemas"
    )
    found = list(problems(ROOT, update=parser.parse_args().update))
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        print("`make docs` rewrites help blocks, the table of searches and copies of schemas.", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
