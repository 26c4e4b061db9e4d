"""Everything that was submitted with a checkpoint: which files there are, and what each of them is by its content."""
