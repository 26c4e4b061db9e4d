"""Evidence to opinion, by rules that are data."""
