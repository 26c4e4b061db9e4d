"""Audits public pairs of models whose lineage is known: ``python -m benchmarks.known_pairs``, where the Hub is reached.

Nothing is downloaded but the sampled parts of the weights, and the layers that ``--search-layers`` asks for: without
any, no disguise can be looked for, and independent models stay inconclusive. The report of every pair is kept beside
the table, so that a run that was interrupted goes on where it ended; pairs that could not be audited are tried again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.known_pairs_page import page
from benchmarks.pairs import PAIRS, Failure, Pair, PairsError, Result, read_pairs
from independence_audit.cli.entry import INTERNAL
from independence_audit.core.version import __version__
from independence_audit.errors import AuditError, MalformedError
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.report_json import from_json, to_json
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.settings import AuditSettings

OUT = Path("build/known-pairs.md")


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit the pairs and write the table; 2 where the pairs could not be read, whatever the audits found."""
    options = parse(arguments)
    try:
        pairs = read_pairs(options.pairs)[: options.limit]
        settings = AuditSettings(search_layers=options.search_layers)
        results = list(audited(pairs, options.out.with_suffix(""), settings))
    except PairsError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted; what was audited is kept, and the same command goes on.", file=sys.stderr)
        return 130
    options.out.write_text(page(results), encoding="utf-8")
    print(f"The table is in {options.out}.")
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.known_pairs", description="Audit known public pairs.")
    parser.add_argument("--pairs", type=Path, default=PAIRS, metavar="CSV", help="other pairs (default: the public)")
    parser.add_argument("--out", type=Path, default=OUT, metavar="PATH", help=f"where the table goes (default: {OUT})")
    parser.add_argument("--limit", type=int, metavar="N", help="audit the first N pairs only")
    parser.add_argument(
        "--search-layers",
        type=int,
        metavar="N",
        help="layers read whole, without which no independent model is cleared",
    )
    return parser.parse_args(arguments)


def audited(pairs: Sequence[Pair], folder: Path, settings: AuditSettings) -> Iterator[Result]:
    """Every pair with its report; those that a folder keeps from an earlier run are not audited again."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, pair in enumerate(pairs, 1):
        print(f"{number}/{len(pairs)}  {pair.subject}  against  {pair.reference}", file=sys.stderr, flush=True)
        place = folder / f"{pair.subject}~{pair.reference}.json".replace("/", "--")
        outcome: AuditReport | Failure | None = kept(place, settings)
        if outcome is None:
            outcome = attempt(pair, settings)
        if isinstance(outcome, AuditReport):
            place.write_text(to_json(outcome), encoding="utf-8")
        yield Result(pair, outcome)


def kept(place: Path, settings: AuditSettings) -> AuditReport | None:
    """The report of an earlier run; None where there is none, half of one, or one of another program or settings."""
    try:
        report = from_json(place.read_text(encoding="utf-8"))
    except (FileNotFoundError, MalformedError, UnicodeDecodeError):
        return None
    made = report.settings.sampler, report.settings.search_layers
    is_ours = report.tool.version == __version__ and made == (settings.sampler.name, settings.search_layers)
    return report if is_ours else None


def attempt(pair: Pair, settings: AuditSettings) -> AuditReport | Failure:
    """Audit a pair; whatever goes wrong is its result, and the next pair gets its turn."""
    try:
        return audit(pair.subject, [pair.reference], settings)
    except AuditError as error:
        return Failure(error.message, error.exit_code)
    except Exception as error:  # noqa: BLE001  a fault of the program belongs into the table as well
        return Failure(f"internal error: {type(error).__name__}: {error}", INTERNAL)


if __name__ == "__main__":
    sys.exit(main())
