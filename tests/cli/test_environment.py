"""Whatever the environment lacks, the program ends with a sentence and its exit code: never 70, never 1 by accident."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.small_models import llama, save

PROGRAM = "import sys; from independence_audit.cli.entry import main; sys.exit(main())"
BASH = shutil.which("bash") or ""
pytestmark = pytest.mark.skipif(not BASH, reason="there is no bash")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a subject, a reference it is a copy of, and one it is not."""
    folder = tmp_path_factory.mktemp("models")
    save(llama(1), folder / "subject.safetensors")
    save(llama(1), folder / "same.safetensors")
    save(llama(2), folder / "other.safetensors")
    return folder


def shell(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which ``$AUDIT`` is the program."""
    variables = os.environ | {"PYTHONPATH": str(ROOT), "PROGRAM": PROGRAM, "PYTHON": sys.executable} | environment
    if "ulimit" in script or "rmdir" in script:  # what measures coverage needs what is taken away
        variables = {name: value for name, value in variables.items() if not name.startswith("COVERAGE_PROCESS")}
    whole = f'audit() {{ "$PYTHON" -c "$PROGRAM" "$@"; }}; {script}'
    return subprocess.run(
        [BASH, "-c", whole],
        cwd=folder,
        env=variables,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


CLEAN = "audit compare subject.safetensors --ref other.safetensors"
FINDING = "audit compare subject.safetensors --ref same.safetensors"


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        (f"{CLEAN} >&-", 4, "could not be written"),
        (f"{FINDING} >&-", 4, "could not be written"),
        (f"{CLEAN} >/dev/full", 4, "No space left"),
        (f"{FINDING} --format html >/dev/full", 4, "No space left"),
        (f"{FINDING} -q >/dev/full", 1, ""),
        (f"{FINDING} 2>/dev/full", 1, ""),
        (f"{CLEAN} 2>&-", 0, ""),
        (f"{FINDING} <&- 2>&- >&-", 4, ""),
        ("audit nonsense 2>/dev/full", 2, ""),
        ("audit compare nowhere --ref nowhere 2>&-", 4, ""),
        ("audit --help >/dev/full", 4, "No space left"),
        (f"{FINDING} --format html | true; exit ${{PIPESTATUS[0]}}", 141, ""),
        ("audit --help | true; exit ${PIPESTATUS[0]}", 141, ""),
        ("mkdir gone; cd gone; rmdir ../gone; audit self-check ../a --ref ../b", 4, "working folder is not there"),
        ("mkdir gone; cd gone; rmdir ../gone; audit compare a --ref b -o json=c", 2, "cannot be written"),
        ("ulimit -n 12; " + FINDING + " -q --full", 1, ""),
        ("ulimit -f 10; audit fingerprint subject.safetensors -q -o big.fp.safetensors", 4, "File too large"),
        ("ulimit -v 100000; " + CLEAN, 4, "not enough memory"),
    ],
)
def test_streams_and_limits(script: str, code: int, said: str, models: Path) -> None:
    """What cannot be printed is no pass; what cannot be said on stderr changes nothing."""
    ended = shell(script, models)
    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert not (models / "big.fp.safetensors").exists()


def test_junk_in_the_environment(models: Path) -> None:
    """Sizes of terminals, homes, languages and temporary folders that make no sense leave an audit as it is."""
    junk = {
        "COLUMNS": "²",
        "LINES": "²",
        "TERM": "junk",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "HOME": "/nonexistent",
        "TMPDIR": "/nonexistent",
        "OMP_NUM_THREADS": "junk",
        "AUDIT_CACHE": "/dev/null",
        "XDG_CACHE_HOME": "/proc/nowhere",
        "XDG_DATA_HOME": "/proc/nowhere",
    }
    ended = shell(f"{FINDING} --lang ko", models, **junk)
    assert ended.returncode == 1, ended.stderr
    assert "보고서" in ended.stdout
    plain = shell(f"{FINDING} --format json", models)
    other = shell(f"{FINDING} --format json", models, **junk, PYTHONIOENCODING="ascii")
    first, second = json.loads(plain.stdout), json.loads(other.stdout)
    runs = [each.pop("run") | {"date": ""} for each in (first, second)]
    assert runs[0] == runs[1]
    assert first == second


@pytest.mark.parametrize("variable", ["HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT"])
def test_junk_that_the_hubs_library_reads(variable: str, models: Path) -> None:
    """It looks at these while it is imported; the sentence names the variable."""
    ended = shell("audit compare some/model --ref other.safetensors", models, **{variable: "junk"})
    assert (ended.returncode, variable in ended.stderr) == (2, True)


ON_A_TERMINAL = """
import os, pty, subprocess, sys
ours, theirs = pty.openpty()
program = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=theirs, stderr=theirs)
os.close(theirs)
shown = b""
while True:
    try:
        shown += os.read(ours, 65536)
    except OSError:
        break
sys.stdout.buffer.write(shown)
sys.exit(program.wait())
"""


@pytest.mark.parametrize("width", ["0", "-1", "²", "1", "99999999", "junk"])
def test_a_terminal_of_any_width_shows_the_report(width: str, models: Path) -> None:
    """rich prints nothing in 0 columns, and a report that nobody saw would have passed."""
    script = '"$PYTHON" -c "$PTY" "$PYTHON" -c "$PROGRAM" scratch subject.safetensors'
    ended = shell(script, models, COLUMNS=width, PTY=ON_A_TERMINAL)
    assert ended.returncode == 0, ended.stdout
    assert "subject" in ended.stdout


@pytest.fixture
def working(models: Path) -> Iterator[subprocess.Popen[str]]:
    """A program in the middle of writing a file."""
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from independence_audit.cli import entry, run\n"
        "from independence_audit.core.atomic import replacing\n"
        "def slowly(arguments):\n"
        "    with replacing(Path('unfinished.json')) as file:\n"
        "        print('writing', flush=True)\n"
        "        time.sleep(60)\n"
        "run.run = slowly\n"
        "sys.exit(entry.main())\n"
    )
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=models,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "writing\n"
        yield program
        program.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_leaves_nothing_unfinished(
    number: signal.Signals, working: subprocess.Popen[str], models: Path
) -> None:
    """With the exit status that shells know a signal by."""
    assert list(models.glob(".audit-*"))
    working.send_signal(number)
    _, said = working.communicate(timeout=30)
    assert working.returncode == 128 + number
    assert "Traceback" not in said
    assert not list(models.glob(".audit-*"))
    assert not (models / "unfinished.json").exists()


def test_names_in_errors_do_nothing_to_a_terminal(models: Path) -> None:
    """Control characters and marks that turn the direction of text are shown as what they are."""
    began = time.monotonic()
    for arguments in (
        "compare $'x\\e[2J\\e]0;owned\\a\\u202e' --ref other.safetensors",
        "compare a --ref b -o $'json=\\e[2J/dev/null'",
        "compare --$'\\e[31m' a",
        "$'\\e[31mfake'",
        "report $'\\e[31m'",
        "refs pull $'\\e[31m\\nerror: all is well'",
        "compare a --ref b --policy $'\\e[31m.toml'",
    ):
        ended = shell(f"audit {arguments}", models)
        assert ended.returncode in (2, 4), arguments
        assert not {"\x1b", "\x07", "\u202e"} & set(ended.stderr), arguments
        assert not any(line.startswith("error: all is well") for line in ended.stderr.splitlines())
    assert time.monotonic() - began < 100
