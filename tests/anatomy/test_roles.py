"""Roles say along what their columns run, by their own name or by that of what they are part of."""

from __future__ import annotations

import pytest

from independence_audit.anatomy.component import Axis
from independence_audit.anatomy.roles import (
    Along,
    Form,
    Rows,
    _read_role,
    is_bias,
    is_table,
    is_unit,
    role_of,
    roles,
    rows_of,
)


@pytest.mark.parametrize(
    ("name", "plain", "rotated"),
    [
        ("q", Along(Axis.RESIDUAL), Along(Axis.RESIDUAL)),
        ("q.bias", Along(Axis.ATTENTION), Along(Axis.NONE, "rope_rows")),
        ("q_norm", Along(Axis.ATTENTION), Along(Axis.NONE, "rope_rows")),
        ("v.bias", Along(Axis.ATTENTION), Along(Axis.ATTENTION)),
        ("down", Along(Axis.MLP), Along(Axis.MLP)),
        ("down.bias", Along(Axis.RESIDUAL), Along(Axis.RESIDUAL)),
        ("head.bias", Along(Axis.NONE, "classes"), Along(Axis.NONE, "classes")),
    ],
)
def test_along_what_columns_run(name: str, plain: Along, rotated: Along) -> None:
    """Rows that rotary positions order are exchangeable only in models without them; classes never are."""
    role = role_of(name)
    assert role.along(bias=is_bias(name), rope=False) == plain
    assert role.along(bias=is_bias(name), rope=True) == rotated


def test_a_reason_stands_where_columns_run_along_nothing_and_nowhere_else() -> None:
    """For every role and its bias, with rotary positions and without."""
    for name, role in roles().items():
        for bias in (False, True):
            for rope in (False, True):
                along = role.along(bias=bias, rope=rope)
                assert (along.axis is Axis.NONE) == bool(along.reason), name


def test_names_in_front_of_a_role_are_left_out() -> None:
    """Experts, further prediction and biases have the role that they are one of, unless the whole name is a role."""
    assert role_of("expert.gate") is role_of("mtp.expert.gate.bias") is role_of("gate")
    assert role_of("indexer.k_norm") is roles()["indexer.k_norm"]
    for name in ("quarry", "expert.quarry", "gate.expert", ""):
        with pytest.raises(KeyError):
            role_of(name)


def test_rows_that_are_no_units() -> None:
    """Tokens, positions, frequencies; told by the whole name, and of units by nothing."""
    assert (rows_of("embed"), rows_of("head")) == (Rows.TOKENS, Rows.TOKENS)
    assert (rows_of("position"), rows_of("classifier"), rows_of("k")) == (Rows.POSITIONS, Rows.WORLD, Rows.FREQUENCIES)
    assert [rows_of(name) for name in ("gate", "mtp.head", "quarry")] == [None, None, None]


def test_units_and_tables() -> None:
    """A unit's matrix is one in an expert as well; a table is one only under its own name."""
    assert [is_unit(name) for name in ("gate", "shared_expert.down", "fc2", "q", "gate.bias", "quarry")] == [
        *(True, True, True),
        *(False, False, False),
    ]
    assert [is_table(name) for name in ("embed", "head", "mtp.embed", "gate", "quarry")] == [
        *(True, True),
        *(False, False, False),
    ]


def test_what_reads_the_residual_stream() -> None:
    """Matrices and tables whose inputs are the stream; not what writes it, nor a gain that lies on it."""
    reading = {name for name, role in roles().items() if role.reads_residual}
    assert {"q", "k", "v", "gate", "up", "router", "head", "embed"} <= reading
    assert reading.isdisjoint({"o", "down", "fc2", "attn_norm", "class_token", "eh_proj"})
    assert not [name for name in reading if roles()[name].writes or roles()[name].form not in {Form.MATRIX, Form.TABLE}]


def test_tables_refuse_columns_without_a_reason() -> None:
    """A table cannot give a role columns along nothing without a reason."""
    with pytest.raises(ValueError, match="columns along nothing need a reason"):
        _read_role("a role", {"form": "vector", "columns": "none"})


def test_the_data_file_is_read_once() -> None:
    """The table is parsed once for a process, not once for a checkpoint."""
    assert roles() is roles()
