"""Catalogue files: strict reading of TOML tables of models, and the checks that names mean one thing each.

A file has ``format = 1``, tables ``[groups.NAME]``, and tables ``[[family]]`` whose facts hold for each of their
``models`` unless the model says otherwise. Several files make one catalogue: the shipped one and those of the user.

The facts of one model as a table and as the text of a catalogue file: what a user's library and a bundle keep.

From a name to models: single models, aliases and groups; an unknown name is told with those that are near.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import Any

from independence_audit.anatomy import Kind
from independence_audit.anatomy.tables import Table
from independence_audit.checkpoint.sources.hub.hub_names import parse_hub_name
from independence_audit.core.toml import parse_toml
from independence_audit.errors import MalformedError, MissingError, UnsupportedError
from independence_audit.evidence.audit_report import MadeFrom, Standing
from independence_audit.fingerprint.library.known_models import EVERY_KIND, Catalogue, Entry, Group

FORMAT = 1
EXAMPLE = "example/"
ALL = "all"

_NAME = re.compile(r"(example/)?[a-z0-9][a-z0-9.+-]{0,79}")
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9._-]+")
_REVISION = re.compile(r"([A-Za-z0-9_][A-Za-z0-9._-]*)?")
LARGEST = 1_000_000
"""Bytes of one file; the shipped one, of 77 models, has 47,000."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COUNTRY = re.compile(r"([A-Z]{2})?")


def read_catalogue(files: Mapping[str, bytes]) -> Catalogue:
    """One catalogue from the contents of its files, by the names they are called in messages.

    Raises:
        MalformedError: A file is no catalogue, or names clash or lead nowhere.
        UnsupportedError: A file is of a newer format.
    """
    entries: list[Entry] = []
    groups = [Group(ALL, "Every model but the examples", ALL, EVERY_KIND)]
    for name, content in files.items():
        try:
            table = Table("The file", parse_toml(content, LARGEST))
            _check_format(name, table.take("format", int))
            groups += [_group(group, facts) for group, facts in table.take("groups", dict, {}).items()]
            entries += [entry for family in table.take("family", list, []) for entry in family_entries(family)]
            table.close()
        except (ValueError, TypeError, RecursionError) as error:
            raise _malformed(f"The catalogue {name} cannot be used: {error}") from error
    _refuse_repeated("two groups are called", [group.name for group in groups])
    by_name = {group.name: group for group in groups}
    return check_catalogue(Catalogue(tuple(entries), by_name, tuple(files.values())))


def family_entries(table: Mapping[str, Any]) -> list[Entry]:
    """The models of one family's table.

    Raises:
        ValueError: A key is missing, unknown or of the wrong type.
    """
    family = Table("A family", table)
    name = family.take("name", str)
    shared = {key: family.take(key, str, "") for key in ("owner", "country", "licence")}
    shared["family"] = name
    kinds, groups = family.take_strings("kinds", ()), family.take_strings("groups", ())
    models = family.take("models", list)
    family.close()
    return [_entry(model, shared, kinds, groups) for model in models]


def check_catalogue(catalogue: Catalogue) -> Catalogue:
    """The same catalogue, if every name in it means one thing and every ancestor is known.

    Raises:
        MalformedError: Two things bear one name, a group or an ancestor does not exist, or ancestors run in a circle.
    """
    entries = {entry.name: entry for entry in catalogue.entries}
    hub_ids = {entry.hub_id: entry.name for entry in catalogue.entries if entry.hub_id}
    _refuse_repeated("two models are called", [entry.name for entry in catalogue.entries])
    _refuse_repeated("two models have the Hub id", [entry.hub_id for entry in catalogue.entries if entry.hub_id])
    aliases = {alias for entry in catalogue.entries for alias in entry.aliases}
    clashing = sorted(aliases & entries.keys() | aliases & catalogue.groups.keys() | entries.keys() & catalogue.groups)
    if clashing:
        raise _malformed(f"The catalogue uses {clashing[0]!r} for two things: a model, an alias or a group.")
    own = {group.name for group in catalogue.groups.values() if group.of == group.name}
    for group in catalogue.groups.values():
        if group.of not in own:
            raise _malformed(f"The group {group.name!r} is a part of {group.of!r}, which has no members of its own.")
    for entry in catalogue.entries:
        for name in entry.groups:
            if name not in own - {ALL}:
                raise _malformed(f"{entry.name} is put into {name!r}, which is no group that takes members.")
        for ancestor in entry.derived_from:
            if ancestor in hub_ids:
                raise _malformed(f"{entry.name} derives from {ancestor}, whose name here is {hub_ids[ancestor]!r}.")
            if ancestor not in entries and not _is_hub_id(ancestor):
                raise _malformed(f"{entry.name} derives from {ancestor!r}, which is neither a model nor a Hub id.")
    ancestors_first(catalogue.entries)
    return catalogue


def ancestors_first(entries: Sequence[Entry]) -> list[Entry]:
    """The entries in an order in which each comes after those among them that it derives from.

    Raises:
        MalformedError: Ancestors run in a circle.
    """
    by_name = {entry.name: entry for entry in entries}
    graph = {entry.name: [name for name in entry.derived_from if name in by_name] for entry in entries}
    try:
        return [by_name[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        raise _malformed(f"Models derive from each other in a circle: {', '.join(error.args[1])}.") from error


def _check_format(name: str, version: int) -> None:
    if version != FORMAT:
        raise UnsupportedError(
            f"The catalogue {name} has the format {version}, known is {FORMAT}.", "Update independence-audit."
        )


def _group(name: str, facts: Mapping[str, Any]) -> Group:
    if not _NAME.fullmatch(name) or is_example(name):
        raise ValueError(f"{name!r} cannot be the name of a group.")
    table = Table(f"The group {name!r}", facts)
    title, of = table.take("title", str), table.take("of", str, name)
    kinds = _kinds(table.take_strings("kinds", ())) or EVERY_KIND
    table.close()
    return Group(name, title, of, kinds)


def _entry(content: Mapping[str, Any], shared: Mapping[str, str], kinds: Iterable[str], groups: Iterable[str]) -> Entry:
    table = Table("A model", content)
    name = table.take("name", str)
    entry = Entry(
        name=name,
        hub_id=table.take("hub_id", str, ""),
        revision=table.take("revision", str, ""),
        owner=shared["owner"],
        country=shared["country"],
        family=shared["family"],
        kinds=_kinds(table.take_strings("kinds", tuple(kinds))),
        derived_from=table.take_strings("derived_from", ()),
        licence=table.take("licence", str, shared["licence"]),
        aliases=table.take_strings("aliases", ()),
        groups=(*groups, *table.take_strings("groups", ())),
        synthetic=table.take("synthetic", bool, default=False),
        made_from=_made_from(table.take("made_from", dict, {})),
    )
    table.close()
    _check_entry(entry)
    return entry


def _made_from(content: Mapping[str, Any]) -> MadeFrom | None:
    if not content:
        return None
    table = Table("What a model's fingerprint was made from", content)
    standing, package, file, sha256 = (table.take(key, str) for key in ("standing", "package", "file", "sha256"))
    table.close()
    if not (package.isprintable() and file.isprintable() and package and file and _SHA256.fullmatch(sha256)):
        raise ValueError(f"the package, file or SHA-256 of {file!r} cannot be right.")
    return MadeFrom(Standing(standing), package, file, sha256)


def _check_entry(entry: Entry) -> None:
    if not _NAME.fullmatch(entry.name) or any(
        not _NAME.fullmatch(alias) or is_example(alias) for alias in entry.aliases
    ):
        raise ValueError(f"{entry.name!r} or an alias of it is no name: a-z, 0-9, '.', '+' and '-' make one.")
    if entry.synthetic != is_example(entry.name) or (
        entry.synthetic and (entry.hub_id or entry.aliases or entry.groups)
    ):
        raise ValueError(f"{entry.name!r}: an example, and only an example, is 'example/NAME', and has no other name.")
    if not entry.kinds:
        raise ValueError(f"{entry.name!r} has no kinds of components.")
    if entry.hub_id and not _is_hub_id(entry.hub_id):
        raise ValueError(f"{entry.hub_id!r} is no Hub id.")
    if not _REVISION.fullmatch(entry.revision) or not _COUNTRY.fullmatch(entry.country):
        raise ValueError(f"{entry.name!r} has an impossible revision or country.")
    if not all(text.isprintable() for text in (entry.owner, entry.family, entry.licence)):
        raise ValueError(f"{entry.name!r} has facts with signs that cannot be shown.")


def is_example(name: str) -> bool:
    """Whether a name is of those that are kept for the examples."""
    return name == EXAMPLE.rstrip("/") or name.startswith(EXAMPLE)


def _kinds(names: Iterable[str]) -> frozenset[Kind]:
    return frozenset(Kind(name) for name in names)


def _is_hub_id(text: str) -> bool:
    return bool(_HUB_ID.fullmatch(text)) and parse_hub_name(text) is not None and not is_example(text)


def _refuse_repeated(what: str, names: Iterable[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise _malformed(f"In the catalogue {what} {min(repeated)!r}.")


def _malformed(message: str) -> MalformedError:
    return MalformedError(message, "Mend or remove the catalogue file; docs/formats.md says what it may hold.")


def family_table(entry: Entry) -> dict[str, Any]:
    """A model as the table of a family that has no other; groups stay behind, which other libraries may not have."""
    model = {
        "name": entry.name,
        "hub_id": entry.hub_id,
        "revision": entry.revision,
        "derived_from": list(entry.derived_from),
        "aliases": list(entry.aliases),
        "synthetic": entry.synthetic,
        "made_from": asdict(entry.made_from) if entry.made_from else None,
    }
    return {
        "name": entry.family,
        "owner": entry.owner,
        "country": entry.country,
        "licence": entry.licence,
        "kinds": sorted(entry.kinds),
        "models": [{key: value for key, value in model.items() if value}],
    }


def catalogue_text(table: Mapping[str, Any]) -> str:
    """The text of a catalogue file with one family."""
    lines = [f"format = {FORMAT}", "", "[[family]]", *(f"{key} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """A value as TOML; printable strings are written alike in JSON."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {_toml(item)}' for key, item in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return json.dumps(str(value), ensure_ascii=False)


_NEAR = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model that was asked for, and which of its components."""

    entry: Entry
    kinds: frozenset[Kind]
    """Those to be compared: every kind, or the towers alone where ``qwen-encoders`` was asked for."""


def resolve(catalogue: Catalogue, name: str) -> tuple[Wanted, ...]:
    """The models that a name means, in the catalogue's order; upper and lower case are the same.

    Args:
        catalogue: Where to look.
        name: A model's name, an alias, a group such as ``qwen``, or ``example/NAME``. No other name means an example.

    Raises:
        MissingError: Nothing is called so; the message has the nearest names.
    """
    text = name.strip().lower()
    found = [Wanted(entry, EVERY_KIND) for entry in catalogue.entries if text in (entry.name, *entry.aliases)]
    if text in catalogue.groups:
        group = catalogue.groups[text]
        members = [entry for entry in catalogue.entries if not entry.synthetic and _is_in(entry, group.of)]
        found = [Wanted(entry, group.kinds) for entry in members if entry.kinds & group.kinds]
    if not found:
        raise _unknown(catalogue, name)
    return tuple(found)


def resolve_all(catalogue: Catalogue, names: Iterable[str]) -> tuple[Wanted, ...]:
    """The models that several names mean, each once, in the order in which they were first meant.

    Raises:
        MissingError: Nothing is called like one of the names.
    """
    wanted: dict[str, Wanted] = {}
    for name in names:
        for one in resolve(catalogue, name):
            kinds = one.kinds | (wanted[one.entry.name].kinds if one.entry.name in wanted else frozenset())
            wanted[one.entry.name] = Wanted(one.entry, kinds)
    return tuple(wanted.values())


def known_names(catalogue: Catalogue) -> list[str]:
    """Everything that :func:`resolve` understands, sorted."""
    names = {name for entry in catalogue.entries for name in (entry.name, *entry.aliases)}
    return sorted(names | catalogue.groups.keys())


def _is_in(entry: Entry, group: str) -> bool:
    return group == ALL or group in entry.groups


def _unknown(catalogue: Catalogue, name: str) -> MissingError:
    near = get_close_matches(name.strip().lower(), known_names(catalogue), n=_NEAR, cutoff=0.5)
    meant = f"; near it: {', '.join(near)}" if near else ""
    return MissingError(
        f"{name!r} is not a model, alias or group of the library{meant}.", "`audit refs list` shows every name."
    )
