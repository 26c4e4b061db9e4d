"""One audit as a page of prose: the only place where lineage and policy meet."""
