"""The package as a whole: its version, its entry point, its first second."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import independence_audit

ROOT = Path(__file__).resolve().parents[1]


def imported_by(module: str) -> set[str]:
    """Top-level names of everything that a fresh interpreter loads for one module."""
    command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    result = subprocess.run(command, check=True, capture_output=True, cwd=ROOT, encoding="utf-8")
    names = re.findall(r"^import time:.*\| +(\S+)$", result.stderr, flags=re.MULTILINE)
    return {name.partition(".")[0] for name in names}


def test_version_is_a_release() -> None:
    """The version is three numbers, so that reports made by two releases can be told apart and ordered."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", independence_audit.__version__)


def test_changelog_describes_the_version() -> None:
    """The version that the package bears has an entry in the changelog."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## {independence_audit.__version__}" in changelog


def test_console_scripts_exist() -> None:
    """Both program names lead to a function that is there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(project["scripts"]) == {"audit", "independence-audit"}
    for target in project["scripts"].values():
        module, _, name = target.partition(":")
        assert callable(getattr(import_module(module), name))


def test_entry_point_imports_only_the_standard_library() -> None:
    """The entry point answers, and reports a broken installation, before any library is loaded."""
    baseline = imported_by("sys")
    loaded = imported_by("independence_audit.cli.entry") - baseline
    assert loaded - {"independence_audit"} <= sys.stdlib_module_names


def test_constraints_pin_every_dependency() -> None:
    """Every library that the package or its tests name is pinned to one version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {normalised(line.partition("==")[0]) for line in lines if "==" in line and not line.startswith("#")}
    assert {normalised(re.split(r"[<>=\[]", name)[0]) for name in wanted} <= pinned


def normalised(name: str) -> str:
    """A distribution's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


PACKAGE, TESTS = Path(independence_audit.__file__).parent, Path(__file__).parent


def behaves(module: Path) -> bool:
    """Whether a module does anything: a function with a body, of its own or of a class that is no protocol's."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    protocols = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).startswith("Protocol") for base in node.bases)
        for inner in ast.walk(node)
    }
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node not in protocols]
    return any(not _is_text(statement) for function in functions for statement in function.body)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def test_every_module_that_does_anything_has_tests_at_its_path() -> None:
    """``room/stem.py`` at ``tests/room/test_stem.py``, or in files of its aspects: ``test_stem_aspect.py``."""
    without = []
    for module in PACKAGE.rglob("*.py"):
        path = module.relative_to(PACKAGE)
        room = TESTS / path.parent
        tested = (room / f"test_{path.stem}.py").is_file() or any(room.glob(f"test_{path.stem}_*.py"))
        if not path.stem.startswith("__") and behaves(module) and not tested:
            without.append(str(path))
    assert sorted(without) == []
