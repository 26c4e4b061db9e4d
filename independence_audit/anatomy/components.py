"""A checkpoint's components: recognised ones by their prefixes, and those that unknown names speak of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from independence_audit.anatomy.model import Component, Kind
from independence_audit.anatomy.mtp import is_apart
from independence_audit.anatomy.names import Segments, split_name
from independence_audit.anatomy.recognise import Recognised
from independence_audit.anatomy.settings import model_types
from independence_audit.anatomy.words import words

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
