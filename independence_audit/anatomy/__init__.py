"""What every tensor of a checkpoint is: its component, layer and role, and the axis along which it is exchangeable."""

from __future__ import annotations

from independence_audit.anatomy.component import (
    Anatomy,
    Axis,
    Component,
    Kind,
    Part,
    PartKey,
    View,
    is_generic,
    is_router,
)
from independence_audit.anatomy.families import has_sign_symmetry
from independence_audit.anatomy.place import LastPlaced, place
from independence_audit.anatomy.roles import Rows, is_table, is_unit, rows_of

__all__ = [
    "Anatomy",
    "Axis",
    "Component",
    "Kind",
    "LastPlaced",
    "Part",
    "PartKey",
    "Rows",
    "View",
    "has_sign_symmetry",
    "is_generic",
    "is_router",
    "is_table",
    "is_unit",
    "place",
    "rows_of",
]
