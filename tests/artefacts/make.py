"""Store what this release writes: ``python -m tests.artefacts.make``, once a release.

What is stored is never made again. Every later version has to read the files of every folder beside this module
(``test_artefacts.py``).
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from independence_audit.cli.entry import main
from independence_audit.core.version import __version__

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SEEDS = "examples/seeds_case"
POLICY = ROOT / "independence_audit" / "policy" / "policies" / "kai-stage1.toml"

DECLARATION = """\
format = 1
team = "Example team"

[[component]]
name = "model"
origin = "initialised_from"
source = "seeds-base"
"""

CONFIGURATION = f"""\
subject = "{SEEDS}/finetuned"
references = ["{SEEDS}/base"]
policy = "strict-from-scratch"
fail-on = "review"
offline = true

[[suppress]]
criterion = "no_external_weights"
component = "model"
reason = "The stage allows it."
owner = "Example team"
expires = 2099-01-01
"""


def make(folder: Path) -> None:
    """Write one file of every kind into an empty folder."""
    key = Ed25519PrivateKey.generate()
    private = folder / "key.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "key.pub").write_bytes(public)
    shutil.copy(POLICY, folder / "policy.toml")
    (folder / "independence.toml").write_text(DECLARATION, encoding="utf-8")
    (folder / "audit.toml").write_text(CONFIGURATION, encoding="utf-8")
    reference = folder / "reference.fp.safetensors"
    _run(0, "fingerprint", f"{SEEDS}/base", "-o", str(reference), "--full", "--size", "small", "-q")
    given = ["--policy", str(folder / "policy.toml"), "--declaration", str(folder / "independence.toml")]
    formats = {"json": "report.json", "intoto": "statement.json", "cyclonedx": "bill.cdx.json"}
    outputs = [word for format_, name in formats.items() for word in ("-o", f"{format_}={folder / name}")]
    subject = [f"{SEEDS}/finetuned", "--ref", f"{SEEDS}/base", "--ref", f"{SEEDS}/other_seed"]
    _run(1, "compare", *subject, *given, *outputs, "--sign-key", str(private), "-q")
    steps = [f"{SEEDS}/base", f"{SEEDS}/finetuned"]
    _run(None, "trajectory", *steps, "-o", f"json={folder / 'training.json'}", "-q")
    private.unlink()


def _run(expected: int | None, *arguments: str) -> None:
    status = main(arguments)
    if expected is not None and status != expected:
        sys.exit(f"audit {' '.join(arguments)} ended with {status}, not {expected}")


if __name__ == "__main__":
    new = HERE / __version__
    if new.exists():
        sys.exit(f"{new.name} is stored already: what a release wrote is never made again.")
    new.mkdir()
    make(new)
