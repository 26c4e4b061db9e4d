"""Giving every tensor of a checkpoint its place: known components by their family's names, the rest by shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from independence_audit.anatomy.components import Site, Sites
from independence_audit.anatomy.generic import generic_part
from independence_audit.anatomy.model import Anatomy, Kind, Part
from independence_audit.anatomy.mtp import mtp_layers
from independence_audit.anatomy.parts import Placer
from independence_audit.anatomy.recognise import Match, recognise
from independence_audit.anatomy.settings import sections
from independence_audit.anatomy.shapes import hidden_widths
from independence_audit.checkpoint.model import TensorInfo

Placed = tuple[Site, list[Part]]
"""A tensor's component and its parts."""


def place(tensors: Iterable[TensorInfo], config: Mapping[str, Any]) -> Anatomy:
    """Find out what every tensor of a checkpoint is.

    Args:
        tensors: The tensors, in file order, with distinct names.
        config: The parsed ``config.json`` beside them; may be empty, and is believed only where shapes agree with it.

    Returns:
        The components in the order of their first tensors, and the parts in file order; every value of every tensor
        lies in exactly one part.
    """
    by_name = {tensor.name: tensor for tensor in tensors}
    sites = Sites.of(recognise(by_name), config)
    placed: dict[str, Placed] = {}
    for site in sites.known:
        placed.update(_known(site, by_name, config))
    unknown = [tensor for name, tensor in by_name.items() if name not in placed]
    if unknown:
        placed.update(_unknown(unknown, sites, by_name))
    return _in_file_order([placed[name] for name in by_name])


class LastPlaced:
    """Places tensors as :func:`place` does, at once where they are those of the call before, as in a training."""

    def __init__(self) -> None:
        self._asked: tuple[list[TensorInfo], Mapping[str, Any]] | None = None
        self._found = Anatomy((), ())

    def __call__(self, tensors: Iterable[TensorInfo], config: Mapping[str, Any]) -> Anatomy:
        """The anatomy of these tensors; the very same object for equal ones."""
        asked = list(tensors), config
        if asked != self._asked:
            self._found, self._asked = place(*asked), asked
        return self._found


def _known(site: Site, tensors: Mapping[str, TensorInfo], config: Mapping[str, Any]) -> Iterator[tuple[str, Placed]]:
    """Every tensor of a recognised component."""
    likeliest_first = sections(config, site.kind, site.prefix)
    own = site.recognised[0]
    for each in site.recognised:
        further = _further(site.kind, own.matches, likeliest_first) if each is own else None
        placer = Placer.of(site.name, each, tensors, likeliest_first, further)
        for match in each.matches:
            yield match.tensor, (site, placer.parts(match))


def _further(kind: Kind, matches: Sequence[Match], config: Sequence[Mapping[str, Any]]) -> frozenset[int]:
    """The layers that predict further tokens; a tower has none, whatever a decoder's config counts."""
    return mtp_layers(matches, config) if kind == Kind.TEXT_DECODER else frozenset()


def _unknown(
    unknown: Iterable[TensorInfo], sites: Sites, tensors: Mapping[str, TensorInfo]
) -> Iterator[tuple[str, Placed]]:
    """Every tensor that was not recognised."""
    widths = hidden_widths(tensors.values())
    for tensor in unknown:
        site, segments = sites.of_unknown(tensor.name)
        yield tensor.name, (site, [generic_part(tensor, site.name, segments, widths, tensors)])


def _in_file_order(placed: Iterable[Placed]) -> Anatomy:
    sites: dict[str, Site] = {}
    parameters: Counter[str] = Counter()
    in_order: list[Part] = []
    for site, parts in placed:
        sites.setdefault(site.name, site)
        parameters[site.name] += sum(part.view.size for part in parts)
        in_order += parts
    return Anatomy(tuple(site.component(parameters[name]) for name, site in sites.items()), tuple(in_order))
