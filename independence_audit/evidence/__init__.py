"""Frozen dataclasses of everything a report can say, skips included; their JSON and its schema."""
