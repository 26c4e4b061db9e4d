"""Everything that was handed in with a checkpoint: which files there are, and what each of them is by its content."""
