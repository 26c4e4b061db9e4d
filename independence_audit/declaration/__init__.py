"""What a submission says of its own origin: read strictly, drafted, and held against what was found."""
