"""Every way of ending has its exit code, and a crash never looks like a finding."""

from __future__ import annotations

import subprocess
import sys

import pytest

from independence_audit.cli import entry


def test_entry_imports_only_the_standard_library() -> None:
    """``audit --help`` must answer at once, and an ImportError must be caught."""
    code = "import sys; import independence_audit.cli.entry; print(sorted({m.split('.')[0] for m in sys.modules}))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("numpy", "torch", "click", "rich", "scipy"):
        assert f"'{heavy}'" not in modules


def test_help_imports_neither_numpy_nor_torch() -> None:
    """The help of every command needs click only."""
    code = (
        "import sys; from independence_audit.cli.entry import main\n"
        "assert main(['compare', '--help']) == 0\n"
        "assert not {'numpy', 'scipy', 'torch', 'rich', 'jinja2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 130),
        (RuntimeError("broken"), 70),
        (ImportError("no module"), 70),
        (MemoryError(), 4),
        (OSError(24, "Too many open files", "\x1b[2Jx"), 4),
        (ImportError("libx.so: failed to map segment from shared object"), 4),
        (RuntimeError("can't start new thread"), 4),
        (SystemExit(1), 70),
        (SystemExit(0), 70),
        (RecursionError(), 70),
    ],
)
def test_crashes_have_their_own_codes(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is raised inside, the exit status is neither 0 nor 1."""

    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr("independence_audit.cli.run.run", fail)
    assert entry.main(["compare"]) == code
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert "\x1b" not in said


def test_traceback_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reports a fault can see where it is."""

    def fail(_: object) -> int:
        raise RuntimeError

    monkeypatch.setattr("independence_audit.cli.run.run", fail)
    monkeypatch.setenv("AUDIT_TRACEBACK", "1")
    with pytest.raises(RuntimeError):
        entry.main(["compare"])


def test_version() -> None:
    """``--version`` answers with 0."""
    assert entry.main(["--version"]) == 0
