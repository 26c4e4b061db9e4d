"""Adapters as the models that they make of their bases, merged as they are read."""
