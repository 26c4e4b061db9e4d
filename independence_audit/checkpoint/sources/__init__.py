"""Byte sources: where a checkpoint's bytes come from, one implementation a file."""
