"""Giving every tensor of a checkpoint its place: known components by their family's names, the rest by shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from independence_audit.anatomy.component import Anatomy, Component, Kind, Part
from independence_audit.anatomy.config_numbers import model_types, sections
from independence_audit.anatomy.generic import generic_part
from independence_audit.anatomy.parts import Placer
from independence_audit.anatomy.recognise import Match, Recognised, is_apart, mtp_layers, recognise
from independence_audit.anatomy.shapes import hidden_widths
from independence_audit.anatomy.tensor_names import Segments, split_name, words
from independence_audit.checkpoint.tensors import TensorInfo

UNKNOWN = "unknown"
"""The family of components that were placed by shape."""

_BY_PLACE = frozenset({Kind.COMPRESSOR, Kind.GENERATOR, Kind.PROJECTOR, Kind.ACTION_HEAD})
"""What is called so is so, whatever names its tensors bear: a talker has a decoder's names."""

_ENCODERS = frozenset({Kind.VISION_ENCODER, Kind.AUDIO_ENCODER})


@dataclass(frozen=True, slots=True)
class Site:
    """A component, with the names by which it was recognised.

    Attributes:
        name: Unique in the checkpoint.
        kind: What it is.
        family: Whose names it bears.
        prefix: What stands before its tensors' own names.
        recognised: Its known tensors: its own, and the further prediction that belongs to it; empty where unknown.
    """

    name: str
    kind: Kind
    family: str
    prefix: Segments
    recognised: tuple[Recognised, ...] = ()

    def component(self, parameters: int) -> Component:
        """The component with its number of parameters."""
        fixed = any(each.family.fixed_positions for each in self.recognised)
        return Component(self.name, self.kind, self.family, parameters, fixed)

    def first_segments(self) -> frozenset[str]:
        """How its known tensors' own names begin."""
        depth = len(self.prefix)
        names = (match.tensor for each in self.recognised for match in each.matches)
        return frozenset(segments[depth] for segments in map(split_name, names) if segments[:depth] == self.prefix)


@dataclass(frozen=True, slots=True)
class Sites:
    """The recognised components of a checkpoint, and where tensors of unknown names belong."""

    known: tuple[Site, ...]
    """Unique by name."""
    begins: Mapping[str, frozenset[str]]
    """How their known tensors' own names begin, by component."""

    @classmethod
    def of(cls, recognised: Sequence[Recognised], config: Mapping[str, Any]) -> Sites:
        """The components that were recognised; further prediction joins its decoder."""
        called = model_types(config)
        hosted = [(each, _host(each, recognised)) for each in recognised]
        sites: dict[str, Site] = {}
        for each, own_host in hosted:
            if own_host is None:
                guests = tuple(guest for guest, host in hosted if host is each)
                kind, family = _kind(each), each.family.dialect(each.labels, called)
                name = ".".join(each.prefix) or kind.value
                while name in sites:
                    name += f".{family}"
                sites[name] = Site(name, kind, family, each.prefix, (each, *guests))
        return cls(tuple(sites.values()), {name: site.first_segments() for name, site in sites.items()})

    def of_unknown(self, name: str) -> tuple[Site, Segments]:
        """The component that a tensor of an unknown name belongs to, and the tensor's name within it.

        The recognised one among whose tensors it stands; else the one that a word in its name speaks of; else the
        recognised one below whose prefix it stands.
        """
        segments = split_name(name)
        above = [site for site in self.known if segments[: len(site.prefix)] == site.prefix]
        above.sort(key=lambda site: -len(site.prefix))
        for site in above:
            rest = segments[len(site.prefix) :]
            if rest and rest[0] in self.begins[site.name]:
                return site, rest
        kind, depth = words().region(segments[:-1]) or (Kind.OTHER, 0)
        if depth == 0 and above and above[0].prefix:
            return above[0], segments[len(above[0].prefix) :]
        found = ".".join(segments[:depth]) or kind.value
        known = next((site for site in self.known if site.name == found), None)
        return known or Site(found, kind, UNKNOWN, segments[:depth]), segments[depth:]


def _host(guest: Recognised, recognised: Sequence[Recognised]) -> Recognised | None:
    """The decoder whose further prediction this is; None where it stands for itself."""
    if not is_apart(guest):
        return None
    parent = guest.prefix[:-1]
    for each in recognised:
        shorter = min(len(parent), len(each.prefix))
        if each.family.kind is guest.family.kind and not is_apart(each) and each.prefix[:shorter] == parent[:shorter]:
            return each
    return None


def _kind(recognised: Recognised) -> Kind:
    """What a recognised component is: what its names say, unless its place says more."""
    kind = recognised.family.kind
    region = words().region(recognised.prefix)
    if region is not None and (region[0] in _BY_PLACE or (kind is Kind.TEXT_DECODER and region[0] in _ENCODERS)):
        return region[0]
    return kind


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
