"""The program's entry point: maps every way of ending to an exit code, and imports only the standard library itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

INTERNAL = 70
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; a crash is 70, never the 1 of a finding."""
    # One thread per product: the audit runs its own threads, and sums must not depend on how many cores there are.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    try:
        from independence_audit.cli.run import run

        return run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)  # noqa: T201  the console may be what failed
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more can be written there
        return INTERNAL
    except BaseException as error:
        if os.environ.get("AUDIT_TRACEBACK"):
            raise
        kind = type(error).__name__
        message = (
            f"internal error: {kind}: {error}\n"
            "This is a fault of the program, not a finding. Set AUDIT_TRACEBACK=1 to see where, and report it."
        )
        print(message, file=sys.stderr)  # noqa: T201  likewise
        return INTERNAL
