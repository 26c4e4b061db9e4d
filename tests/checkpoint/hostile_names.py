"""Names of tensors that mislead readers, terminals, browsers or paths, for tests."""

from __future__ import annotations

HOSTILE = (
    "",
    "a\nb",
    "\x1b[31mred",
    "a\x00b",
    "\u202eweight",
    "zero\u200bwidth",
    "../../etc/passwd",
    "a/../b",
    "..",
    "a\\..\\b",
    "/etc/passwd",
    "~/x",
    "C:\\x",
    "<script>alert(1)</script>",
    "a" * 1001,
)
