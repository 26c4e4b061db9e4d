"""What references are called: by themselves, by those who publish them, and by their descendants' owners."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from independence_audit.evidence.audit_report import Reference


class ReferenceNames:
    """Which reference a declared source means: by its name or where it comes from, whatever the case."""

    def __init__(self, references: Collection[Reference]) -> None:
        """Take the references with what their owners say of their ancestors."""
        self._of: Mapping[str, frozenset[str]] = {
            reference.name: frozenset(map(plain_name, filter(None, (reference.name, reference.source))))
            for reference in references
        }
        self._ancestors: Mapping[str, frozenset[str]] = {
            reference.name: frozenset(
                name
                for ancestor in reference.derived_from
                for name in (plain_name(ancestor), *self._of.get(ancestor, ()))
            )
            for reference in references
        }

    def means(self, source: str, reference: str) -> bool:
        """Whether a declared source is this reference."""
        return plain_name(source) in self._of.get(reference, frozenset({plain_name(reference)}))

    def covers(self, source: str, reference: str) -> bool:
        """Whether a declared source is this reference, or an ancestor of it by its owner's account."""
        return self.means(source, reference) or plain_name(source) in self._ancestors.get(reference, frozenset())


def plain_name(name: str) -> str:
    """A model's name without address, revision and case."""
    return name.removeprefix("https://huggingface.co/").removeprefix("hf://").partition("@")[0].strip("/ ").casefold()
