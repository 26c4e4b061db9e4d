"""``python -m independence_audit`` is the program."""

from __future__ import annotations

import subprocess
import sys


def test_the_package_is_run_as_the_program() -> None:
    """With its exit codes: 2 where nothing can be understood."""
    asked = [sys.executable, "-m", "independence_audit"]
    told = subprocess.run([*asked, "--help"], capture_output=True, text=True, check=True)
    assert "compare" in told.stdout
    assert subprocess.run([*asked, "compare"], capture_output=True, check=False).returncode == 2
