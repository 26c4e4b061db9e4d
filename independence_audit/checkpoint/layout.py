"""Which of a folder's files are the checkpoint: a pure choice by names, the same for local folders and the Hub."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from independence_audit.checkpoint.refused_formats import GGUF_SUFFIX, INDEX_SUFFIX, WEIGHTS_SUFFIX, no_weights
from independence_audit.checkpoint.tensors import Notice
from independence_audit.core.outside_names import natural_key, quoted
from independence_audit.errors import MissingError

CONFIG = "config.json"
"""The model's configuration, beside the weights."""

VOCABULARIES = ("tokenizer.json", "vocab.json")
"""Files that say which token has which number, the fuller first."""

_RANKS = ".tiktoken"

_PREFERRED_INDEX = f"model{INDEX_SUFFIX}"
_COPY_PREFIX = "consolidated"
_ORIGINAL_PREFIX = "model"
_STATES = ("optimizer", "optim_states", "scheduler", "random_states", "rng_state", "trainer_state", "scaler")
"""How trainers name what they keep beside the weights (transformers, accelerate, DeepSpeed, torchtitan)."""
_ADAPTER = "adapter_model"
"""How PEFT calls an adapter's weights, which are no part of the model beside which they lie."""
_SHOWN = 5
_NUMBERED = re.compile(r"(?P<stem>.*?)(?P<number>[0-9]{1,9})-of-(?P<total>[0-9]{1,9})(?P<suffix>\.safetensors|\.gguf)")
_TOWERS = "mmproj"
"""What the file of a GGUF model's towers is called by."""
_PRECISION = re.compile(r"(?<![a-z0-9])(?P<family>bf|fp|f|iq|q|tq|mxfp)(?P<bits>[0-9]{1,2})(?![0-9])", re.IGNORECASE)
"""How file names say in which type a GGUF model is stored: F16, Q4_K_M, IQ2_XXS."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a checkpoint by their parts; names are relative to its folder."""

    weights: tuple[str, ...]
    """The files of weights in natural order; where there is an index, all files that it may refer to."""
    index: str | None = None
    """The file that says which tensor lies in which shard."""
    config: str | None = None
    notices: tuple[Notice, ...] = ()
    vocabulary: str | None = None
    """The file that says which token has which number."""
    by_itself: bool = False
    """Whether one file was named, not the folder or the index that it belongs to."""


def choose_layout(name: str, seen: Iterable[str]) -> Layout:
    """Choose the files of a checkpoint from those of a folder.

    An index decides; without one all safetensors files are shards, except a second copy under Mistral's own name and
    the optimiser's states that a trainer keeps beside them, and adapters. Whoever accounts for a submission looks at
    what these hold.
    Hidden files and files in subfolders are never weights. GGUF files are where there is nothing else.

    Args:
        name: How the folder is called, for messages.
        seen: What the folder holds: names of files, and names of subfolders or of files in them, with a slash.

    Raises:
        MissingError: There are no weights, or a numbered shard is missing.
        UnsupportedError: There are weights only in a format that is refused.
    """
    everything = tuple(seen)
    files = sorted((file for file in everything if "/" not in file and not file.startswith(".")), key=natural_key)
    weights = tuple(file for file in files if file.endswith(WEIGHTS_SUFFIX))
    indexes = [file for file in files if file.endswith(INDEX_SUFFIX)]
    config = CONFIG if CONFIG in files else None
    if indexes:
        index = _PREFERRED_INDEX if _PREFERRED_INDEX in indexes else indexes[0]
        others = tuple(Notice("other_index", {"file": other}) for other in indexes if other != index)
        return Layout(weights, index, config, others, vocabulary_of(files))
    if not weights:
        return _gguf_layout(name, everything, files)
    models = tuple(file for file in weights if not file.startswith(_STATES)) or weights
    whole = tuple(file for file in models if not file.startswith(_ADAPTER)) or models
    kept = _without_copies(whole)
    _check_numbering(name, kept)
    adapters = tuple(Notice("adapter_beside", {"file": file}) for file in models if file not in whole)
    copies = tuple(Notice("duplicate_copy", {"file": file}) for file in whole if file not in kept)
    states = tuple(Notice("training_state", {"file": file}) for file in weights if file not in models)
    return Layout(kept, None, config, (*copies, *adapters, *states), vocabulary_of(files))


def _gguf_layout(name: str, seen: Iterable[str], files: Sequence[str]) -> Layout:
    """The layout of a folder with GGUF files alone: the model in its most precise copy, and its towers in theirs."""
    weights = [file for file in files if file.endswith(GGUF_SUFFIX)]
    if not weights:
        raise no_weights(name, seen)
    towers = [file for file in weights if _TOWERS in file.lower()]
    kept = [*_most_precise([file for file in weights if file not in towers]), *_most_precise(towers)]
    _check_numbering(name, tuple(kept))
    others = tuple(Notice("other_precision", {"file": file}) for file in weights if file not in kept)
    config = CONFIG if CONFIG in files else None
    return Layout(tuple(kept), None, config, others, vocabulary_of(files))


def _most_precise(weights: Sequence[str]) -> list[str]:
    """The parts of one of several copies of a model in different types: the first of those with the most bits."""
    copies: dict[str, list[str]] = defaultdict(list)
    for file in weights:
        numbered = _NUMBERED.fullmatch(file)
        copies[f"{numbered['stem']}/{numbered['total']}" if numbered else file].append(file)
    return max(copies.values(), key=lambda copy: _bits(copy[0]), default=[])


def _bits(file: str) -> int:
    """Bits of a value, as a file's name says; 0 where it does not."""
    found = list(_PRECISION.finditer(file))
    return int(found[-1]["bits"]) if found else 0


def missing_shards(name: str, missing: Sequence[str], count: int) -> MissingError:
    """The error for ``count`` shards that a checkpoint should have and has not; the first few are named."""
    shown = ", ".join(quoted(shard) for shard in missing[:_SHOWN])
    more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
    return MissingError(
        f"{quoted(name)} lacks {count} of its shards: {shown}{more}.",
        "Finish the download, or give one file by itself.",
    )


def single_file_layout(file: str, seen: Iterable[str]) -> Layout:
    """The layout where one file of a folder is given by itself; ``seen`` are the names beside it."""
    numbered = _NUMBERED.fullmatch(file)
    is_one_of_many = numbered is not None and int(numbered["total"]) > 1
    notices = (Notice("one_shard_of_many", {"file": file}),) if is_one_of_many else ()
    return Layout((file,), None, CONFIG if CONFIG in seen else None, notices, vocabulary_of(seen), by_itself=True)


def is_sidecar(file: str) -> bool:
    """Whether a file is no weights but is looked at beside them."""
    return file == CONFIG or file in VOCABULARIES or file.endswith(_RANKS)


def vocabulary_of(seen: Iterable[str]) -> str | None:
    """The file of a folder that says which token has which number."""
    files = sorted(seen)
    ranks = [file for file in files if file.endswith(_RANKS)]
    return next((file for file in (*VOCABULARIES, *ranks) if file in files), None)


def _without_copies(weights: tuple[str, ...]) -> tuple[str, ...]:
    """The files without ``consolidated*`` where ``model*`` is there: Mistral publishes its weights under both names."""
    if not any(file.startswith(_ORIGINAL_PREFIX) for file in weights):
        return weights
    return tuple(file for file in weights if not file.startswith(_COPY_PREFIX))


def _check_numbering(name: str, weights: tuple[str, ...]) -> None:
    """Raise where names like ``model-00001-of-00003.safetensors`` say that a shard is missing."""
    series: dict[tuple[str, str, str], dict[int, str]] = defaultdict(dict)
    for file in weights:
        numbered = _NUMBERED.fullmatch(file)
        if numbered is not None:
            series[numbered["stem"], numbered["total"], numbered["suffix"]][int(numbered["number"])] = numbered[
                "number"
            ]
    for (stem, total, suffix), numbers in series.items():
        first = 0 if 0 in numbers else 1
        expected = range(first, first + int(total))
        width = len(next(iter(numbers.values())))
        absent = (f"{stem}{number:0{width}}-of-{total}{suffix}" for number in expected if number not in numbers)
        missing = list(islice(absent, _SHOWN))
        if missing:
            raise missing_shards(name, missing, len(expected) - sum(number in expected for number in numbers))
