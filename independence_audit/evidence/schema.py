"""The report's JSON Schema, made from the evidence dataclasses: their type hints and the docstrings of their fields."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from itertools import pairwise
from typing import Any

from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.report_json import VERSION
from independence_audit.evidence.shape import Either, Entries, Items, Record, Shape, shape_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Describe every report that this version writes or reads, as JSON Schema 2020-12.

    What a minor version added may be missing: reports of earlier ones do not have it.
    """
    definitions = {record.record.__name__: _definition(record) for record in _records(shape_of(AuditReport))}
    root = definitions.pop(AuditReport.__name__)
    root["properties"]["schema_version"] = {"type": "string", "pattern": f"^{VERSION.pattern}$"}
    return {"$schema": DIALECT, "title": AuditReport.__name__, **root, "$defs": dict(sorted(definitions.items()))}


def schema_text() -> str:
    """Write the schema as the text that ``report.schema.json`` holds."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"


def _records(shape: Shape) -> list[Record]:
    """Collect the dataclasses that a shape is made of; the evidence is a tree, so the scan ends."""
    match shape:
        case Record(fields=fields):
            return [shape, *(record for _, inner in fields for record in _records(inner))]
        case Items(item=inner) | Entries(value=inner):
            return _records(inner)
        case Either(options=options):
            return [record for option in options for record in _records(option)]
        case _:
            return []


def _definition(record: Record) -> dict[str, Any]:
    descriptions = _field_docstrings(record.record)
    properties = {
        name: shape.describe() | ({"description": descriptions[name]} if name in descriptions else {})
        for name, shape in record.fields
    }
    return {
        "description": _plain(inspect.getdoc(record.record) or ""),
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in record.later],
        "additionalProperties": False,
    }


def _field_docstrings(owner: type) -> dict[str, str]:
    """Read the strings that follow a dataclass's fields, which Python itself does not keep."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(owner))).body
    statements = definition.body if isinstance(definition, ast.ClassDef) else []
    found = {}
    for field, after in pairwise(statements):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                found[name] = _plain(text)
    return found


def _plain(text: str) -> str:
    """Put a docstring on one line, without the marks of code."""
    return " ".join(text.replace("``", "").split())
