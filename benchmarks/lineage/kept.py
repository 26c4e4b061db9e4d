"""Keeps what was measured: an interrupted benchmark goes on, and what code or models changed is measured again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.lineage.train import ROOT, STORE

PRODUCT = "independence_audit"
FLOORS = ("anatomy", "checkpoint", "fingerprint", "statistics", "lineage", "pipeline")
"""Floors of the product that decide a relation; how it is judged and worded changes no figure."""
RENDERING = ("__main__.py", "page.py", "calibration.py", "real.py", "after_alignment_null.py")
"""Files of the benchmark that change no measurement."""
SUFFIXES = {".py", ".toml"}


def kept(name: str, sources: list[str], measure: Callable[[], Any], *, product: bool = True) -> Any:  # noqa: ANN401
    """What ``measure`` gave, from the last time where neither the code nor the sources' digests changed.

    Args:
        name: Of the measurement; one file each.
        sources: What tells that a model is another one.
        measure: Gives plain data, of any shape.
        product: Whether the audited product's code decides it; the other methods' scores outlive a change of it.
    """
    key = hashlib.sha256("\0".join([_code(product=product), *sources]).encode()).hexdigest()
    path = STORE / "measured" / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.json"
    if path.is_file():
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["key"] == key:
            return record["data"]
    data = measure()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"name": name, "key": key, "data": data}) + "\n", encoding="utf-8")
    return data


@cache
def _code(*, product: bool) -> str:
    folders = [ROOT / PRODUCT / floor for floor in FLOORS] if product else []
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES]
    own = sorted((ROOT / "benchmarks" / "lineage").rglob("*.py"))
    paths += [path for path in own if path.name not in RENDERING]
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def content(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits; empty where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
