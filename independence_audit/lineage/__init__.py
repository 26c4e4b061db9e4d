"""Two fingerprints to measurements to relations, by one rule."""
