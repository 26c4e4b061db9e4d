"""``python -m independence_audit``: the same as ``audit``."""

from __future__ import annotations

import sys

from independence_audit.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
