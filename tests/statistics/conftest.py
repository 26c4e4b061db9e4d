"""The executable specification that lies beside some checkouts."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def oracle() -> ModuleType:
    """The method as an executable specification, where there is one."""
    path = Path(__file__).resolve().parents[3] / "shared" / "oracle.py"
    if not path.is_file():
        pytest.skip("no executable specification at ../shared/oracle.py")
    spec = spec_from_file_location("oracle", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # the folder is not ours to write to
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = writes
    return module
