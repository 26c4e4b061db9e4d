"""An adapter and its base as the one checkpoint that they make, as ``merge_and_unload`` of ``peft`` would."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from independence_audit.checkpoint.merged.joined_source import IN_BASE, JoinedSource
from independence_audit.checkpoint.merged.low_rank import LowRank
from independence_audit.checkpoint.merged.peft_settings import WAY_OUT, PeftSettings
from independence_audit.checkpoint.packed.unpack import UnpackingSource, placed_behind
from independence_audit.checkpoint.submission.adapters import CONFIG, is_change
from independence_audit.checkpoint.tensors import Checkpoint, Notice, TensorInfo
from independence_audit.core.outside_names import quoted
from independence_audit.errors import MalformedError, UnsupportedError

MERGED = "adapter_merged"
"""The notice on a checkpoint that was made of an adapter and its base."""
WRAPPER = "base_model.model."
_FACTOR = re.compile(
    r"(?P<module>.+)\.(?P<part>lora_A|lora_B|lora_embedding_A|lora_embedding_B|lora_magnitude_vector)"
    r"(?:\.(?!weight$|bias$)[^.]+)?(?:\.weight)?"
)
"""A module, what of its change a tensor is, and perhaps the adapter's name."""
_SAVED = re.compile(r"\.(?:modules_to_save(?:\.default)?|base_layer)(?=\.)")
"""What ``peft`` puts into the names of tensors that it keeps whole."""
WEIGHT = ".weight"
TRIED = 8
"""Beginnings that names of a base may have more than an adapter's."""
LARGEST_RANK = 2048
"""A factor is in memory whole while rows of its product are worked out; ranks in use are 4 to 512."""
DROPPED = 2
"""Leading parts of a module's name that a base may lack: those of the class that wraps it."""
SHOWN = 4
SHOWN_CHARACTERS = 100


@dataclass(slots=True)
class _Parts:
    """An adapter's tensors by what they are."""

    changes: dict[str, dict[str, TensorInfo]] = field(default_factory=lambda: defaultdict(dict))
    """The tensors of every change, by module and part."""
    saved: dict[str, TensorInfo] = field(default_factory=dict)
    """What is kept whole, by its name in the base."""


def merged(adapter: Checkpoint, base: Checkpoint, settings: PeftSettings) -> Checkpoint:
    """The base with the adapter's changes in it, worked out as it is read.

    Args:
        adapter: The adapter, opened.
        base: Its base, opened and unpacked.
        settings: What the adapter's config says.

    Returns:
        A checkpoint by the adapter's name with the base's config. Its source closes both.

    Raises:
        MalformedError: Adapter, config and base do not fit each other.
        UnsupportedError: The adapter has a kind of change that is not known here.
    """
    parts = _parts(adapter)
    renamed = _naming(parts.changes, base, adapter.name)
    tensors = {name: replace(tensor, file=IN_BASE + tensor.file) for name, tensor in base.tensors.items()}
    saved = [_kept(name, tensor, renamed, tensors, adapter.name, base.name) for name, tensor in parts.saved.items()]
    tensors |= {tensor.name: tensor for tensor in saved}
    changed = [
        _change(module, own, tensors[renamed(module) + WEIGHT], settings, (adapter.name, base.name))
        for module, own in parts.changes.items()
    ]
    files = {**{IN_BASE + file: size for file, size in base.files.items()}, **adapter.files}
    ends = dict(files)
    for tensor in tensors.values():
        ends[tensor.file] = max(ends[tensor.file], tensor.end)
    placed = placed_behind(ends, changed)
    tensors |= {tensor.name: tensor for tensor, _ in placed}
    order = {file: place for place, file in enumerate(files)}
    return replace(
        base,
        source=UnpackingSource(JoinedSource(adapter.source, base.source), placed),
        files=files,
        tensors=dict(sorted(tensors.items(), key=lambda pair: (order[pair[1].file], pair[1].start))),
        metadata={**base.metadata, **adapter.metadata},
        notices=(*adapter.notices, *base.notices, *_told(adapter, base, settings, changed, saved)),
        revision=adapter.revision,
        vocabulary=base.vocabulary and IN_BASE + base.vocabulary,
        digests=adapter.digests,
        by_itself=adapter.by_itself,
        is_fingerprint=False,
    )


def _parts(adapter: Checkpoint) -> _Parts:
    """Every tensor of an adapter as part of a change, or as one that is kept whole."""
    found = _Parts()
    for name, tensor in adapter.tensors.items():
        own = name.removeprefix(WRAPPER)
        factor = _FACTOR.fullmatch(own)
        if factor is None:
            if is_change(own):
                raise _unknown(adapter.name, name)
            kept = _SAVED.sub("", own)
            if found.saved.setdefault(kept, tensor) is not tensor:
                raise _twice(adapter.name, kept)
        elif found.changes[factor["module"]].setdefault(factor["part"], tensor) is not tensor:
            raise _twice(adapter.name, factor["module"])
    return found


def _unknown(adapter: str, tensor: str) -> UnsupportedError:
    return UnsupportedError(f"{adapter} changes its base by {quoted(tensor)}, which is not merged here.", WAY_OUT)


def _twice(adapter: str, what: str) -> MalformedError:
    return MalformedError(f"{adapter} changes {quoted(what)} twice.", "Hand in one adapter by itself.")


@dataclass(frozen=True, slots=True)
class _Naming:
    """From an adapter's names to its base's."""

    dropped: int = 0
    before: str = ""

    def __call__(self, name: str) -> str:
        return self.before + ".".join(name.split(".")[self.dropped :])


def _naming(modules: Collection[str], base: Checkpoint, adapter: str) -> _Naming:
    """How the base calls what the adapter changes: the same, or with the first parts of all names left out or added.

    Raises:
        MalformedError: The base does not have all of it.
    """
    first = next(iter(modules), "")
    end = f".{first}{WEIGHT}"
    ways = [_Naming(dropped) for dropped in range(DROPPED + 1)]
    before = [name.removesuffix(end[1:]) for name in base.tensors if name.endswith(end)]
    ways += [_Naming(before=each) for each in before[:TRIED]]
    lacking = [next((module for module in modules if way(module) + WEIGHT not in base.tensors), "") for way in ways]
    for way, lack in zip(ways, lacking, strict=True):
        if not lack:
            return way
    raise _no_base(f"{adapter} changes {quoted(lacking[0] + WEIGHT)}, which {base.name} does not have.")


def _kept(  # noqa: PLR0913, PLR0917  the names are for the sentence
    name: str, tensor: TensorInfo, renamed: _Naming, base: Mapping[str, TensorInfo], adapter: str, called: str
) -> TensorInfo:
    """A tensor that the adapter keeps whole, under its name in the base; a table may have other rows there.

    Raises:
        MalformedError: It does not fit the tensor that it replaces.
    """
    own = next((each for each in (renamed(name), name) if each in base), name)
    there = base.get(own)
    if there is not None and (len(there.shape) != len(tensor.shape) or there.shape[1:] != tensor.shape[1:]):
        raise _no_base(
            f"{adapter} replaces {quoted(own)} by a tensor of shape {list(tensor.shape)}, "
            f"and {called} has one of {list(there.shape)}."
        )
    return replace(tensor, name=own)


def _no_base(message: str) -> MalformedError:
    return MalformedError(message, "Name the base that it was trained on with --base.")


def _change(
    module: str, own: Mapping[str, TensorInfo], weight: TensorInfo, settings: PeftSettings, names: tuple[str, str]
) -> LowRank:
    """One changed weight.

    Raises:
        MalformedError: A factor is missing, or does not fit the base.
        UnsupportedError: The change is of a kind that is not known here.
    """
    adapter, base = names
    table = "lora_embedding_A" in own
    inner, outer = (own.get(f"lora_embedding_{side}" if table else f"lora_{side}") for side in "AB")
    magnitude = own.get("lora_magnitude_vector")
    if inner is None or outer is None or len(own) != 2 + (magnitude is not None):
        raise MalformedError(f"{adapter} lacks a factor of {quoted(module)}.", "Get the adapter again.")
    turned = table or settings.turned
    if settings.decomposed != (magnitude is not None):
        raise MalformedError(
            f"{CONFIG} of {adapter} and its tensors of {quoted(module)} disagree on use_dora.", "Get the adapter again."
        )
    if magnitude is not None and turned:
        raise _unknown(adapter, magnitude.name)
    rank = inner.shape[0] if inner.shape else 0
    if rank != settings.rank and not settings.ranks_vary:
        raise MalformedError(
            f"The rank of {quoted(module)} in {adapter} is {rank}, and {CONFIG} says {settings.rank}.",
            "Get the adapter again.",
        )
    if rank > LARGEST_RANK:
        raise UnsupportedError(
            f"The rank of {quoted(module)} in {adapter} is {rank}, which is not merged here.", WAY_OUT
        )
    found = LowRank.of(weight, inner, outer, magnitude, settings.scaling(module, max(1, rank)), turned=turned)
    if found is None:
        raise _no_base(
            f"{adapter} changes {quoted(weight.name)} by {list(outer.shape)} x {list(inner.shape)}, "
            f"which does not fit its shape {list(weight.shape)} in {base}."
        )
    return found


def _told(
    adapter: Checkpoint,
    base: Checkpoint,
    settings: PeftSettings,
    changed: Collection[LowRank],
    saved: Collection[TensorInfo],
) -> Iterator[Notice]:
    """What a report says of the adapter."""
    scalings = sorted({f"{one.scaling:.4g}" for one in changed})
    ranks = sorted({one.stored[1].shape[0] for one in changed})
    modules = sorted({one.name.split(".")[-2] for one in changed if "." in one.name})
    yield Notice(
        MERGED,
        {
            "adapter": adapter.name,
            "kind": settings.kind,
            "rank": _listed([str(rank) for rank in ranks]),
            "alpha": f"{settings.alpha:.4g}",
            "scaling": _listed(scalings),
            "targets": _listed(modules),
            "tensors": len(changed),
            "named": quoted(settings.base[:SHOWN_CHARACTERS]),
            "base": base.name,
        },
    )
    if saved:
        yield Notice("adapter_saved", {"tensors": len(saved), "tensor": next(iter(saved)).name})


def _listed(words: Collection[str]) -> str:
    shown = ", ".join([*words][:SHOWN])
    return shown if len(words) <= SHOWN else f"{shown}, …"
