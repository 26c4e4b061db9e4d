"""A training report as text: one conclusion a component, what it rests on, every finding with what else explains it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from independence_audit.evidence.measurement import Message
from independence_audit.evidence.training import ComponentTraining, Finding, LogEvidence
from independence_audit.evidence.training_report import TrainingReport
from independence_audit.report.languages import ENGLISH
from independence_audit.report.plain import shortened, visible
from independence_audit.report.training_trajectory import print_trajectory
from independence_audit.report.wording import label, say, word

WIDTH = 100
LONGEST_NAME = 60
SHOWN_TENSORS = 4
HEADING = "bold"
DIM = "dim"


def render_training(report: TrainingReport, lang: str = ENGLISH) -> str:
    """Render a training report as plain text, 100 columns wide."""
    file = StringIO()
    console = Console(
        file=file, width=WIDTH, color_system=None, force_terminal=False, force_jupyter=False, legacy_windows=False,
        _environ={},
    )  # fmt: skip
    print_training(report, console, lang)
    return "".join(line.rstrip() + "\n" for line in file.getvalue().rstrip().split("\n"))


def print_training(report: TrainingReport, console: Console, lang: str = ENGLISH) -> None:
    """Print a training report on a console, in its width.

    Raises:
        MalformedError: The report uses a message or word that the catalogue lacks.
    """
    console.print(Text(label("training_title", lang), style=HEADING))
    console.print(Text(label("training_standing", lang)))
    console.print()
    console.print(Text(f"{label('subject', lang)}: {shortened(visible(report.subject), LONGEST_NAME)}"))
    console.print()
    _components(report.training.components, console, lang)
    for component in report.training.components:
        print_component(component, console, lang)
    for log in report.training.logs:
        _log(log, console, lang)
    print_trajectory(report.training, console, lang)
    if report.notices:
        _section("notices", (say(notice, lang) for notice in report.notices), console, lang)


def _components(components: Iterable[ComponentTraining], console: Console, lang: str) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style=HEADING, show_edge=False)
    for key in ("component", "conclusion"):
        table.add_column(Text(label(key, lang)), overflow="fold")
    seen = []
    for component in components:
        seen.append(component.conclusion)
        table.add_row(
            Text(shortened(visible(component.component), LONGEST_NAME)),
            Text(word("conclusion", component.conclusion, lang), style=HEADING),
        )
    console.print(Padding(table, (0, 0, 0, 2)))
    meanings = [
        f"{word('conclusion', each, lang)}: {word('conclusion_meaning', each, lang)}" for each in dict.fromkeys(seen)
    ]
    console.print(Padding(Text("; ".join(meanings) + ".", style=DIM), (0, 0, 0, 2)))


def print_component(component: ComponentTraining, console: Console, lang: str) -> None:
    """Print a component's conclusion, what it rests on, what was found and the limits."""
    console.print()
    title = f"{visible(component.component)}: {word('conclusion', component.conclusion, lang)}"
    console.print(Text(shortened(title, WIDTH), style=HEADING))
    if component.evidence:
        _section("training_grounds", _sentences(component.evidence, lang), console, lang)
    if component.findings:
        _section(
            "training_findings", (each for f in component.findings for each in finding_lines(f, lang)), console, lang
        )
    if component.limits:
        _section("training_limits", _sentences(component.limits, lang), console, lang)


def _log(log: LogEvidence, console: Console, lang: str) -> None:
    console.print()
    console.print(Text(log_title(log, lang), style=HEADING))
    if log.findings:
        _section("training_findings", (each for f in log.findings for each in finding_lines(f, lang)), console, lang)


def log_title(log: LogEvidence, lang: str) -> str:
    """What a log is, on one line."""
    columns = ", ".join(log.columns)
    return label(
        "training_log",
        lang,
        source=log.source,
        rows=log.rows,
        first=log.first_step,
        last=log.last_step,
        columns=columns,
    )


def _sentences(messages: Iterable[Message], lang: str) -> Iterator[str]:
    return (say(message, lang) for message in messages)


def finding_lines(finding: Finding, lang: str) -> Iterator[str]:
    """A finding, and on an indented line what else could explain it."""
    kind = label("contradicts" if finding.contradicts else "remark", lang)
    names = ", ".join(shortened(visible(name), LONGEST_NAME) for name in finding.tensors[:SHOWN_TENSORS])
    more = " …" if len(finding.tensors) > SHOWN_TENSORS else ""
    yield f"[{kind}] {say(finding.message, lang)}" + (f" ({names}{more})" if names else "")
    if finding.alternatives:
        text = "; ".join(say(message, lang) for message in finding.alternatives)
        yield f"    {label('alternatives', lang, text=text)}"


def _section(key: str, sentences: Iterable[str], console: Console, lang: str) -> None:
    console.print(Padding(Text(label(key, lang), style=DIM), (0, 0, 0, 2)))
    for sentence in sentences:
        indent = 6 if sentence.startswith("    ") else 4
        console.print(Padding(Text(sentence.strip()), (0, 0, 0, indent)))
