"""What CONTRIBUTING.md says of the house is true: the floors and the way of the data."""

from __future__ import annotations

import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
STEP = re.compile(r"^\d+\. `(?P<name>[\w.]+)`", re.MULTILINE)
FLOOR = re.compile(r"^(?P<name>[a-z_]+)  +\S", re.MULTILINE)

TRACED = """
import sys
from pathlib import Path

import independence_audit
from independence_audit.cli.entry import main

package = str(Path(independence_audit.__file__).parent) + "/"
called = {}


def note(frame, event, argument):
    code = frame.f_code
    if event == "call" and code not in called and code.co_filename.startswith(package):
        module = code.co_filename.removeprefix(package).removesuffix(".py").replace("/", ".")
        called[code] = f"{module}.{code.co_qualname}"


sys.setprofile(note)
status = main()
sys.setprofile(None)
Path(CALLED).write_text("\\n".join(called.values()))
sys.exit(status)
"""


def section(title: str) -> str:
    """What stands under a heading of the second level."""
    _, _, rest = GUIDE.partition(f"\n## {title}\n")
    assert rest, title
    return rest.partition("\n## ")[0]


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The functions of the package in the order in which an audit first calls them."""
    out = tmp_path_factory.mktemp("traced") / "called.txt"
    case = ROOT / "examples/hyperclovax_case"
    arguments = ["compare", case / "subject", "--ref", case / "reference_vision", "--ref", case / "reference_audio"]
    program = TRACED.replace("CALLED", repr(str(out)))
    command = [sys.executable, "-c", program, *map(str, arguments), "-o", f"text={out.with_name('report.txt')}"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert done.returncode == 1, done.stderr.decode()
    return out.read_text().splitlines()


def test_the_way_of_the_data_is_the_way_an_audit_takes(called: list[str]) -> None:
    """Every function of the list is called, and each for the first time after the one before it."""
    steps = STEP.findall(section("The way of the data"))
    assert 20 <= len(steps) <= 30
    assert [step for step in steps if step not in called] == []
    assert steps == sorted(steps, key=called.index)


def test_the_floors_are_those_of_the_contract() -> None:
    """The list of floors is complete, and in the order that import-linter holds."""
    contract = ConfigParser()
    contract.read(ROOT / ".importlinter")
    held = contract["importlinter:contract:floors"]["layers"].split()
    assert FLOOR.findall(section("The house")) == held
