"""What a role is: along what its columns run, and how its view is built from the stored shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from independence_audit.anatomy.component import Axis
from independence_audit.anatomy.tables import Table, read_table

ROPE = "rope"
"""Stands for the attention axis in models without rotary positions, and for no axis in models with them."""


class Rows(StrEnum):
    """What the rows of a matrix are that are no units of the model's own."""

    TOKENS = "tokens"
    POSITIONS = "positions"
    WORLD = "world"
    """Classes, pixels, types of tokens."""
    FREQUENCIES = "frequencies"
    """Rotary frequencies, which stand in every model's order."""


class Form(StrEnum):
    """How a role's view is built from the stored shape."""

    MATRIX = "matrix"
    FIRST = "first"
    KERNEL = "kernel"
    TABLE = "table"
    PAIR = "pair"
    VECTOR = "vector"


@dataclass(frozen=True, slots=True)
class Along:
    """Along what columns run, and why they are no evidence where they run along nothing."""

    axis: Axis
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Role:
    """One entry of ``roles.toml``."""

    form: Form
    columns: str
    bias: str
    writes: bool
    reason: str
    bias_reason: str
    rows: Rows | None
    unit: bool
    surface: bool

    def along(self, *, bias: bool, rope: bool) -> Along:
        """Along what the columns of the role, or of its bias, run in a model with or without rotary positions."""
        columns = self.bias if bias else self.columns
        if columns == ROPE:
            return Along(Axis.NONE, "rope_rows") if rope else Along(Axis.ATTENTION)
        axis = Axis(columns)
        return Along(axis, ((bias and self.bias_reason) or self.reason) if axis is Axis.NONE else "")

    @property
    def reads_residual(self) -> bool:
        """Whether a matrix of this role has the residual stream as its input."""
        return self.columns == Axis.RESIDUAL and self.form in {Form.MATRIX, Form.TABLE}


def is_bias(role: str) -> bool:
    """Whether a role is the 1-D companion of another."""
    return role.endswith(".bias")


def rows_of(name: str) -> Rows | None:
    """What the rows of a role's matrix are; None for units of its own, and for a role that is not in the table.

    A role is told by its whole name: the head of a further prediction is another.
    """
    known = roles().get(name)
    return known.rows if known else None


def is_unit(name: str) -> bool:
    """Whether a role is a matrix of units, whatever they belong to: an expert, a merger."""
    known = roles().get(name.rpartition(".")[2])
    return known is not None and known.unit


def is_table(name: str) -> bool:
    """Whether a role has the residual stream on one side and the world on the other, or stands outside the layers."""
    known = roles().get(name)
    return known is not None and known.surface


def role_of(name: str) -> Role:
    """The entry for a role's name: as it is, or without its first words, and without ``.bias``.

    Raises:
        KeyError: There is no such role.
    """
    known = roles()
    words = name.removesuffix(".bias")
    while words not in known:
        _, dot, words = words.partition(".")
        if not dot:
            raise KeyError(name)
    return known[words]


@cache
def roles() -> Mapping[str, Role]:
    """All roles by name, read from the package once.

    Raises:
        ValueError: The file has unknown or missing keys.
    """
    table = Table("roles.toml", read_table("roles.toml"))
    entries = table.take("roles", dict)
    table.close()
    return {name: _read_role(name, entry) for name, entry in entries.items()}


def _read_role(name: str, entry: Mapping[str, object]) -> Role:
    table = Table(f"roles.toml, {name}", entry)
    columns = table.take("columns", str)
    role = Role(
        form=Form(table.take("form", str)),
        columns=columns,
        bias=table.take("bias", str, columns),
        writes=table.take("writes", bool, default=False),
        reason=table.take("reason", str, ""),
        bias_reason=table.take("bias_reason", str, ""),
        rows=Rows(rows) if (rows := table.take("rows", str, "")) else None,
        unit=table.take("unit", bool, default=False),
        surface=table.take("surface", bool, default=False),
    )
    table.close()
    for bias in (False, True):
        along = role.along(bias=bias, rope=True)
        if along.axis is Axis.NONE and not along.reason:
            raise ValueError(f"roles.toml, {name}: columns along nothing need a reason.")
    return role
