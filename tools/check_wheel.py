"""Builds the wheel, installs it away from the checkout and audits an example there.

What an editable install hides shows here: data files missing from the wheel, imports that only work in the checkout.
The new environment borrows the libraries of the one that runs this script.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "independence_audit"
CASE = ROOT / "examples" / "hyperclovax_case"
FINDING = 1
"""Exit status of an audit that found something."""


def run(*command: str | Path, cwd: Path, expected: int = 0) -> str:
    """The output of a command that must end with the expected status."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    result = subprocess.run(command, check=False, capture_output=True, cwd=cwd, encoding="utf-8", env=environment)
    if result.returncode != expected:
        line = " ".join(map(str, command))
        sys.exit(f"`{line}` ended with status {result.returncode}, not {expected}:\n{result.stdout}{result.stderr}")
    return result.stdout


def build(folder: Path) -> Path:
    """The wheel, built from the checkout into a folder."""
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT, cwd=folder)
    [wheel] = folder.glob("*.whl")
    return wheel


def check_contents(wheel: Path) -> None:
    """Compare the wheel's files with the package's folder, data files and the shipped fingerprints included."""
    files = (path for path in (ROOT / PACKAGE).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    wanted = {path.relative_to(ROOT).as_posix() for path in files}
    wanted |= {f"{PACKAGE}/shipped/{path.name}" for path in (ROOT / "fingerprints").iterdir()}
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(f"{PACKAGE}/")}
    if packed != wanted:
        sys.exit(f"the wheel lacks {sorted(wanted - packed)} and has {sorted(packed - wanted)} too many")


def install(wheel: Path, folder: Path) -> Path:
    """The programs' folder of a new environment that has the wheel, and borrows everything else."""
    venv.create(folder, with_pip=True)
    programs = folder / "bin"
    run(programs / "python", "-m", "pip", "install", "--quiet", "--no-deps", wheel, cwd=folder)
    own = run(programs / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(own) / "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n", encoding="utf-8")
    return programs


def check_program(programs: Path, folder: Path) -> None:
    """Ask the installed program for its version and audit the example with it, into every format of the demo."""
    place = run(programs / "python", "-c", f"import {PACKAGE}; print({PACKAGE}.__file__)", cwd=folder).strip()
    if not Path(place).resolve().is_relative_to(programs.parent.resolve()):
        sys.exit(f"the new environment imports {place}, not its own copy")
    run(programs / "independence-audit", "--version", cwd=folder)
    print(run(programs / "audit", "--version", cwd=folder).strip())
    listed = run(programs / "audit", "refs", "list", "--library", folder / "library", cwd=folder)
    if "all-minilm-l6-v2" not in listed or "shipped" not in listed:
        sys.exit("the installed program does not list the fingerprints that come with it")

    references = [f"--ref={CASE / name}" for name in ("reference_vision", "reference_audio")]
    outputs = ["-o", "html=report.html", "-o", "json=report.json"]
    subject = CASE / "subject"
    run(programs / "audit", "compare", subject, *references, *outputs, cwd=folder, expected=FINDING)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    print(f"audited {report['subject']['name']} outside the checkout")


def main() -> int:
    """Build, compare, install, audit; leave nothing behind."""
    with tempfile.TemporaryDirectory(prefix="independence-audit-") as name:
        folder = Path(name)
        wheel = build(folder)
        check_contents(wheel)
        print(f"{wheel.name}: {wheel.stat().st_size / 2**20:.2f} MiB, complete")
        check_program(install(wheel, folder / "venv"), folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
